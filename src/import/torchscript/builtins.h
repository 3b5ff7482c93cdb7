#pragma once
// The functions of the language on plain values, a table a theme. A function that sees arguments which are not of its
// kinds gives nothing back, and the call is tried as an op of the graph.

#include <span>
#include <string_view>

#include "import/torchscript/operations.h"

namespace wherry::import::torchscript::builtins {

struct Entry {
  std::string_view name;
  Builtin function;
  bool takes_unknown = false;
};

std::span<const Entry> numbers();
std::span<const Entry> containers();
std::span<const Entry> strings();
std::span<const Entry> primitives();
std::span<const Entry> tensors();

/// + and * of lists, tuples and strings, for the operators they share with numbers.
std::optional<PythonValue> concatenate(Interpreter& interpreter, const Arguments& arguments);
std::optional<PythonValue> repeat(Interpreter& interpreter, const Arguments& arguments);

}  // namespace wherry::import::torchscript::builtins
