#pragma once
// Algorithms that round otherwise than the plain ones, which a plan may use where they are faster.

namespace wherry::runtime {

struct Algorithms {
  bool winograd = true;  ///< of convolutions
  bool strassen = true;  ///< of linear layers and 1×1 convolutions in fp32
  /// fp32 numbers multiplied as sums of bf16 ones (kernels/matmul/matmul.h, `in_parts`), on instruction sets that can.
  bool linear_parts = true;
  bool convolution_parts = false;
};

}  // namespace wherry::runtime
