#include "import/torchscript/operations.h"

#include <algorithm>
#include <array>

#include "import/torchscript/builtins.h"

namespace wherry::import::torchscript {
namespace {

constexpr std::array<std::string_view, 22> kFunctions = {
    "int",  "float", "bool",      "str", "len", "range", "print",  "getattr", "hasattr", "list", "tuple",
    "dict", "zip",   "enumerate", "min", "max", "abs",   "sorted", "sum",     "round",   "ord",  "chr"};

const std::unordered_map<std::string_view, const builtins::Entry*>& builtin_index() {
  static const auto index = [] {
    std::unordered_map<std::string_view, const builtins::Entry*> result;
    for (const auto table : {builtins::numbers(), builtins::containers(), builtins::strings(), builtins::primitives(),
                             builtins::tensors()}) {
      for (const builtins::Entry& entry : table) result.emplace(entry.name, &entry);
    }
    return result;
  }();
  return index;
}

Operation make_operation(std::string name) {
  Operation operation;
  operation.name = std::move(name);
  if (const auto found = builtin_index().find(operation.name); found != builtin_index().end()) {
    operation.builtin = found->second->function;
    operation.takes_unknown = found->second->takes_unknown;
  }
  if (operation.name.starts_with("aten::")) operation.schemas = ir::find_schemas(operation.name);
  return operation;
}

std::string qualified_name(std::string_view source_name) {
  if (source_name.starts_with("ops.")) {
    std::string name(source_name.substr(4));
    if (const std::size_t dot = name.find('.'); dot != std::string::npos) name.replace(dot, 1, "::");
    return name;
  }
  if (source_name.starts_with("torch.")) return "aten::" + std::string(source_name.substr(6));
  return "builtin::" + std::string(source_name);
}

}  // namespace

const PythonValue* Arguments::keyword(std::string_view name) const {
  for (const auto& [keyword, value] : keywords) {
    if (keyword == name) return &value;
  }
  return nullptr;
}

const Operation* OperationTable::find(std::string_view source_name) {
  if (const auto found = index_.find(source_name); found != index_.end()) return found->second;
  const Operation* operation = &operations_.emplace_back(make_operation(qualified_name(source_name)));
  index_.emplace(source_names_.emplace_back(source_name), operation);
  return operation;
}

bool OperationTable::is_function(std::string_view name) {
  return std::find(kFunctions.begin(), kFunctions.end(), name) != kFunctions.end();
}

const LanguageOperations& language_operations() {
  static const LanguageOperations operations = {make_operation("aten::__getitem__"), make_operation("aten::_set_item"),
                                                make_operation("aten::slice"), make_operation("aten::unbind")};
  return operations;
}

}  // namespace wherry::import::torchscript
