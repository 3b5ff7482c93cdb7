#pragma once
// Questions about strides that lowering asks again and again.

#include <optional>

#include "wherry/tensor.h"

namespace wherry::runtime {

/// Whether two lists of strides reach the same elements of a tensor of these sizes: dimensions of size 1 do not count.
bool same_strides(const Dims& sizes, const Dims& a, const Dims& b);

/// Strides of an operand broadcast to `sizes` (numpy's rules, from the right): 0 where it repeats.
Dims broadcast_strides(const Dims& operand_sizes, const Dims& operand_strides, const Dims& sizes);

/// The one stride that steps through dimensions [begin, end) taken together in row-major order, where there is one;
/// 0 for a single element.
std::optional<std::int64_t> joint_stride(const Dims& sizes, const Dims& strides, std::size_t begin, std::size_t end);

/// Row-major strides of [N, C, ...] stored with the channels innermost.
Dims channels_last_strides(const Dims& sizes);

}  // namespace wherry::runtime
