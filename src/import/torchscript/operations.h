#pragma once
// What a call in the source can reach besides the archive's own functions: operators by their qualified name, looked up
// once while parsing. An operator is a builtin on plain values, an op of the graph, or both ("aten::add").

#include <deque>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "import/python_value.h"
#include "ir/ops.h"

namespace wherry::import::torchscript {

class Interpreter;

/// Evaluated arguments of one call.
struct Arguments {
  std::vector<PythonValue> positional;
  std::vector<std::pair<std::string_view, PythonValue>> keywords;

  std::size_t size() const { return positional.size(); }
  const PythonValue& operator[](std::size_t i) const { return positional[i]; }
  const PythonValue* keyword(std::string_view name) const;
};

/// Computes a call on plain values. Empty where the arguments are not of its kinds: then the call is tried as an op of
/// the graph. Throws InvalidModel without a place; the interpreter adds it.
using Builtin = std::optional<PythonValue> (*)(Interpreter& interpreter, const Arguments& arguments);

struct Operation {
  std::string name;                     ///< "aten::add_", "prim::dtype", "torchvision::nms", "builtin::int"
  Builtin builtin = nullptr;            ///< null where there is none
  bool takes_unknown = false;           ///< the builtin wants to see unknown tensors too
  std::span<const ir::Schema> schemas;  ///< empty where the graph has no such op

  bool known() const { return builtin != nullptr || !schemas.empty(); }
};

/// Interns operations; their addresses stay valid. Not thread-safe.
class OperationTable {
 public:
  /// `source_name` as the source spells it: "torch.add", "ops.prim.dtype", "int". Never null.
  const Operation* find(std::string_view source_name);

  /// Whether a bare name ("int", "range") is a function of the language.
  static bool is_function(std::string_view name);

 private:
  std::deque<Operation> operations_;
  std::unordered_map<std::string_view, const Operation*> index_;  // keys are views of source_names_
  std::deque<std::string> source_names_;
};

/// What subscripts and loops call.
struct LanguageOperations {
  Operation get_item, set_item, slice, unbind;
};
const LanguageOperations& language_operations();

}  // namespace wherry::import::torchscript
