#pragma once
// What an instruction set supplies to softmax: one row of stride 1. Plain structs only: the files compiled for one
// instruction set include this.

#include <cstdint>

namespace wherry::kernels {

struct SoftmaxKernels {
  /// y may be x; n ≥ 1.
  void (*softmax)(float* y, const float* x, std::int64_t n) noexcept;
  void (*log_softmax)(float* y, const float* x, std::int64_t n) noexcept;
};

#define WHERRY_SOFTMAX_KERNELS(isa, table) extern const SoftmaxKernels table;
#include "kernels/softmax/kernels.inc"
#undef WHERRY_SOFTMAX_KERNELS

}  // namespace wherry::kernels
