#pragma once
// The shape of a plan's step in few columns.

#include <string>
#include <string_view>

namespace wherry::cli {

/// "[1, 64, 56, 56] x [64, 64, 3, 3] -> [1, 64, 56, 56]" as "1x64x56x56*64x64x3x3->1x64x56x56".
std::string compact_shape(std::string_view shape);

}  // namespace wherry::cli
