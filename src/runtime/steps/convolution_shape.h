#pragma once
// From a convolution node to what its kernels ask for.

#include "kernels/convolution/convolution.h"
#include "runtime/lowering.h"

namespace wherry::runtime {

/// What packing the node's weights needs to know, multiplied in this dtype.
kernels::ConvolutionWeights weights_of(const ir::Node& node, DType dtype);
/// `node` as a kernel's shape, with the operands' strides.
kernels::ConvolutionShape shape_of(const ir::Node& node, const Operand& x, const Operand& y);
/// Decides how the shape, which says nothing of it yet, is computed: the way that is expected to be fastest, unless the
/// node's weights are held for another only.
void choose_algorithm(const ir::Node& node, kernels::ConvolutionShape& shape, const Lowering& lowering);
/// The node's weights, packed.
const std::byte* pack_weights(const ir::Node& node, const kernels::ConvolutionWeights& weights, Lowering& lowering);

}  // namespace wherry::runtime
