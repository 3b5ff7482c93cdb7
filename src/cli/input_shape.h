#pragma once
// "1x3x224x224:float32" on a command line → the type of an input.

#include <optional>
#include <string>
#include <string_view>

#include "wherry/tensor.h"

namespace wherry::cli {

struct InputShape {
  std::string name;  ///< empty where the shape was given without "NAME="
  Dims sizes;
  std::optional<DType> dtype;
};

/// [NAME=]SIZE[xSIZE…][:DTYPE], with "scalar" for no dimensions. Throws InvalidInput quoting the text.
InputShape parse_input_shape(std::string_view text);

}  // namespace wherry::cli
