#pragma once
// A model file that has been opened and checked: what every importer turns its format into. A graph belongs to one set
// of input shapes, so it is asked for again when they change; the weights behind it are the same LazyTensors each time.

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "import/compiled/compiled_file.h"
#include "ir/graph.h"
#include "wherry/model.h"

namespace wherry::import {

/// The records a model was read from, and what reads them: all that a compiled file needs to give the same model again.
struct Origin {
  OriginKind kind = OriginKind::torchscript;
  std::string arch;  ///< of a state dict or of random weights; what a Hugging Face model was asked for as
  std::shared_ptr<const ZipArchive> records;
};

class ModelSource {
 public:
  virtual ~ModelSource() = default;

  /// Format, inputs, parameter totals.
  virtual ModelInfo describe() const = 0;

  /// The graph of ATen ops for these inputs (in describe().inputs' order). Safe to call from several threads. Throws
  /// InvalidInput where number or types of the inputs cannot fit, Unsupported with every missing op of the model.
  virtual ir::Graph graph(std::span<const ir::TensorType> inputs) const = 0;

  virtual Origin origin() const = 0;

  /// The compiled file this model comes from; null for all others.
  virtual std::shared_ptr<const CompiledFile> compiled() const { return nullptr; }
};

/// Recognises the file by its content: TorchScript archive, zip or legacy state dict, compiled model, Hugging Face
/// folder. `arch` names the architecture of a state dict, or the class to read a Hugging Face folder as. Throws
/// InvalidModel, InvalidInput or Unsupported, each naming the file.
std::unique_ptr<ModelSource> open_model(const std::string& path, const std::string& arch = {});

/// The model in a compiled file.
std::unique_ptr<ModelSource> make_compiled_source(std::shared_ptr<const CompiledFile> file, const std::string& arch);

}  // namespace wherry::import
