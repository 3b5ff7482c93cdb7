#pragma once
// What an instruction set supplies to copies. Plain structs only: the files compiled for one instruction set include
// this.

#include <cstdint>

namespace wherry::kernels {

struct CopyKernels {
  /// rows runs of `bytes` bytes; strides in bytes.
  void (*rows)(void* y, std::int64_t y_stride, const void* x, std::int64_t x_stride, std::int64_t rows,
               std::int64_t bytes) noexcept;
  /// y[i·y_stride + j] = x[j·x_stride + i] for 4-byte elements, i < rows, j < columns; strides in elements.
  void (*transpose4)(void* y, std::int64_t y_stride, const void* x, std::int64_t x_stride, std::int64_t rows,
                     std::int64_t columns) noexcept;
};

#define WHERRY_COPY_KERNELS(isa, table) extern const CopyKernels table;
#include "kernels/copy/kernels.inc"
#undef WHERRY_COPY_KERNELS

}  // namespace wherry::kernels
