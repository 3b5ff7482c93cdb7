#pragma once
// Weights are read through transposes and permutations when they are folded: tens of megabytes, once, at load. This
// copy walks both sides in cache-sized blocks, unlike Tensor::contiguous, which is written to be obvious.

#include "wherry/tensor.h"

namespace wherry::passes::constant {

/// The row-major copy of `tensor`, which may have any strides (0 repeats); `tensor` itself where it is row-major
/// already.
Tensor materialize(const Tensor& tensor);

}  // namespace wherry::passes::constant
