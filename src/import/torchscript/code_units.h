#pragma once
// The archive's code/ folder: files are read and parsed when a name in them is first needed, then kept.

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "import/torchscript/ast.h"
#include "import/torchscript/operations.h"
#include "import/zip/zip_archive.h"

namespace wherry::import::torchscript {

/// Safe to use from several threads; what it returns lives as long as it does and never changes.
class CodeUnits {
 public:
  /// Reads "code/…" (or its debug file); empty where there is no such record.
  using Reader = std::function<std::optional<Bytes>(const std::string& path)>;

  explicit CodeUnits(Reader reader);

  /// The class or function of a qualified name ("__torch__.torchvision.models.resnet.ResNet"); null where the file or
  /// the name in it is missing. Throws InvalidModel where the file does not parse.
  const ClassDef* find_class(std::string_view qualified);
  const FunctionDef* find_function(std::string_view qualified);

 private:
  const CodeUnit* find_unit(std::string_view module);  // "__torch__.torchvision.models.resnet"; mutex_ is held

  struct Entry {
    const ClassDef* type = nullptr;
    const FunctionDef* function = nullptr;
  };
  const Entry& find(std::string_view qualified);

  Reader reader_;
  std::mutex mutex_;
  OperationTable operations_;
  std::unordered_map<std::string, std::unique_ptr<CodeUnit>> units_;  // null: no such file
  std::unordered_map<std::string, Entry> names_;
};

}  // namespace wherry::import::torchscript
