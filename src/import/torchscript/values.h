#pragma once
// What can be said of a PythonValue without running code: equality, text, numbers in it.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "import/python_value.h"

namespace wherry::import::torchscript {

/// int, bool or float as a double or an int64; empty for anything else (as_integer: and for floats).
std::optional<double> as_number(const PythonValue& value);
std::optional<std::int64_t> as_integer(const PythonValue& value);

/// The elements of a list or tuple; null for anything else.
std::vector<PythonValue>* elements(const PythonValue& value);

/// Python's ==. Tensors are equal where they are the same object. Throws InvalidModel where the values nest too deeply.
bool equal(const PythonValue& a, const PythonValue& b);

/// Python's str(); `quoted` gives repr(). At most about `limit` characters.
std::string to_text(const PythonValue& value, bool quoted = false, std::size_t limit = 10000);

/// `text` with a space for every control character: fit for a message.
std::string one_line(std::string_view text);

/// PyTorch's ScalarType numbers, as code and pickles write dtypes: 6 is float32.
std::optional<DType> dtype_of_code(std::int64_t code);
std::int64_t code_of_dtype(DType dtype);

}  // namespace wherry::import::torchscript
