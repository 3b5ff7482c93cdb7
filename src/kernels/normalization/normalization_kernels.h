#pragma once
// What an instruction set supplies to layer and group norm: one block of rows × columns that shares a mean and a
// variance. Plain structs only: the files compiled for one instruction set include this.

#include <cstdint>

namespace wherry::kernels {

/// Columns have stride 1. A layer norm's block is one row; a group norm's rows are positions (channels-last) or
/// channels.
struct NormalizedBlock {
  const float* x;
  float* y;  ///< may be x
  std::int64_t rows, columns;
  std::int64_t x_stride, y_stride;  ///< of rows
  const float* weight;              ///< or null
  const float* bias;                ///< or null
  bool weights_by_row;              ///< weight and bias have one element a row, else one a column
  float epsilon;
};

/// A row of a layer norm, stride 1, bf16 on one side or both.
struct NormalizedRow {
  const void* x;
  void* y;  ///< may be x where both have one dtype
  bool x_is_bf16, y_is_bf16;
  std::int64_t columns;
  const float* weight;  ///< or null
  const float* bias;    ///< or null
  float epsilon;
};
#define WHERRY_BF16_ROWS(isa) void normalize_row_##isa(const NormalizedRow& row) noexcept;
#include "kernels/normalization/bf16_kernels.inc"
#undef WHERRY_BF16_ROWS

struct NormalizationKernels {
  void (*normalize)(const NormalizedBlock& block) noexcept;
};

#define WHERRY_NORMALIZATION_KERNELS(isa, table) extern const NormalizationKernels table;
#include "kernels/normalization/kernels.inc"
#undef WHERRY_NORMALIZATION_KERNELS

}  // namespace wherry::kernels
