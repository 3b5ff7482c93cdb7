#pragma once
// When a reshape costs nothing: the strides under which the same bytes read as other sizes.

#include <optional>

#include "wherry/tensor.h"

namespace wherry::passes::layout {

/// The strides of `to` over elements laid out as (`sizes`, `strides`) in row-major reading order; empty where the
/// elements would have to move. Both have the same number of elements.
std::optional<Dims> view_strides(const Dims& sizes, const Dims& strides, const Dims& to);

}  // namespace wherry::passes::layout
