#pragma once
// What an instruction set supplies to reductions of fp32, and to sums of bf16. Plain structs only: the files compiled
// for one instruction set include this.

#include <cstdint>

namespace wherry::kernels {

/// Columns that are reduced at once.
inline constexpr std::int64_t kReductionColumns = 64;

struct ReductionKernels {
  /// Σ x[0 … n−1].
  double (*sum_row)(const float* x, std::int64_t n) noexcept;
  /// The larger (smaller) of `start` and x[0 … n−1]; NaN where one of them is.
  float (*max_row)(float start, const float* x, std::int64_t n) noexcept;
  float (*min_row)(float start, const float* x, std::int64_t n) noexcept;
  /// y[j] += Σ x[i·stride + j] over i < rows, for j < columns ≤ kReductionColumns.
  void (*sum_columns)(double* y, const float* x, std::int64_t stride, std::int64_t rows, std::int64_t columns) noexcept;
  /// y[j] = the larger (smaller) of y[j] and x[i·stride + j]; NaN where one of them is.
  void (*max_columns)(float* y, const float* x, std::int64_t stride, std::int64_t rows, std::int64_t columns) noexcept;
  void (*min_columns)(float* y, const float* x, std::int64_t stride, std::int64_t rows, std::int64_t columns) noexcept;
  /// The sums of bf16 numbers.
  double (*sum_row_bf16)(const std::uint16_t* x, std::int64_t n) noexcept;
  void (*sum_columns_bf16)(double* y, const std::uint16_t* x, std::int64_t stride, std::int64_t rows,
                           std::int64_t columns) noexcept;
};

#define WHERRY_REDUCTION_KERNELS(isa, table) extern const ReductionKernels table;
#include "kernels/reduction/kernels.inc"
#undef WHERRY_REDUCTION_KERNELS

}  // namespace wherry::kernels
