#pragma once
// A 1 × 1 convolution and the depthwise one that alone reads its result, as one step: inverted residuals widen their
// images so much that the wide ones leave L2 before they are read.

#include "runtime/lowering.h"

namespace wherry::runtime {

/// The depthwise convolution that follows `node`, a 1 × 1 convolution, and does its work too; or null.
const ir::Node* depthwise_after(const ir::Node& node, const Lowering& lowering);
/// The 1 × 1 convolution that precedes `node` and is left to it; or null.
const ir::Node* pointwise_before(const ir::Node& node, const Lowering& lowering);
/// One step for both.
void lower_convolution_pair(const ir::Node& pointwise, const ir::Node& depthwise, Lowering& lowering);

}  // namespace wherry::runtime
