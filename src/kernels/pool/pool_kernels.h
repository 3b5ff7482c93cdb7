#pragma once
// What an instruction set supplies to pooling: one window of some channels. Plain structs only: the files compiled for
// one instruction set include this.

#include <cstdint>

namespace wherry::kernels {

/// The part of a window that lies inside x: element (i, j) of channel c is at x + i·row_stride + j·column_stride + c.
struct PoolWindow {
  const void* x;
  std::int64_t rows, row_stride;
  std::int64_t columns, column_stride;
};

struct PoolKernels {
  // x and y are fp32, or bf16 for the tables of bf16_kernels.inc.
  /// y[c] = the maximum over the window, c < channels.
  void (*max)(void* y, const PoolWindow& window, std::int64_t channels) noexcept;
  /// y[c] = the window's sum · scale.
  void (*sum)(void* y, const PoolWindow& window, std::int64_t channels, float scale) noexcept;
};

#define WHERRY_POOL_KERNELS(isa, table) extern const PoolKernels table;
#include "kernels/pool/kernels.inc"
#undef WHERRY_POOL_KERNELS
#define WHERRY_BF16_POOL_KERNELS(isa, table) extern const PoolKernels table;
#include "kernels/pool/bf16_kernels.inc"
#undef WHERRY_BF16_POOL_KERNELS

}  // namespace wherry::kernels
