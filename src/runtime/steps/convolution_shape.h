#pragma once
// From a convolution node to what its kernels ask for.

#include "kernels/convolution/convolution.h"
#include "runtime/lowering.h"

namespace wherry::runtime {

/// `node` as a kernel's shape, with the operands' strides.
kernels::ConvolutionShape shape_of(const ir::Node& node, const Operand& x, const Operand& y);
/// The node's weights, packed.
const std::byte* pack_weights(const ir::Node& node, const kernels::ConvolutionWeights& weights, Lowering& lowering);

}  // namespace wherry::runtime
