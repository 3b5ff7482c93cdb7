// Reductions in plain C++: the oracle, one element of y at a time, and rows and columns for machines without vectors.

#include <bit>

#include "base/check.h"
#include "kernels/reduction/fold.h"
#include "kernels/reduction/reduction_kernels.h"
#include "tensor/elements.h"

namespace wherry::kernels {
namespace {

float value(float x) { return x; }
float value(std::uint16_t x) { return std::bit_cast<float>(std::uint32_t{x} << 16); }

template <class T>
double sum_row(const T* x, std::int64_t n) noexcept {
  double sum = 0;
  for (std::int64_t i = 0; i < n; ++i) sum += value(x[i]);
  return sum;
}

float larger(float a, float b) { return std::isnan(a) || a > b ? a : b; }
float smaller(float a, float b) { return std::isnan(a) || a < b ? a : b; }

template <float (*extreme)(float, float)>
float extreme_row(float start, const float* x, std::int64_t n) noexcept {
  for (std::int64_t i = 0; i < n; ++i) start = extreme(start, x[i]);
  return start;
}

template <class T>
void sum_columns(double* y, const T* x, std::int64_t stride, std::int64_t rows, std::int64_t columns) noexcept {
  for (std::int64_t i = 0; i < rows; ++i)
    for (std::int64_t j = 0; j < columns; ++j) y[j] += value(x[i * stride + j]);
}

template <float (*extreme)(float, float)>
void extreme_columns(float* y, const float* x, std::int64_t stride, std::int64_t rows, std::int64_t columns) noexcept {
  for (std::int64_t i = 0; i < rows; ++i)
    for (std::int64_t j = 0; j < columns; ++j) y[j] = extreme(y[j], x[i * stride + j]);
}

/// Every index of the dimensions where reduced[d] == which, in row-major order.
template <typename Body>
void for_each_index(const ReductionShape& shape, bool which, Body&& body) {
  std::vector<std::int64_t> index(shape.sizes.size(), 0);
  for (std::size_t d = 0; d < index.size(); ++d)
    if (shape.reduced[d] == which && shape.sizes[d] == 0) return;
  for (;;) {
    body(index);
    std::size_t d = index.size();
    for (; d > 0; --d) {
      if (shape.reduced[d - 1] != which) continue;
      if (++index[d - 1] < shape.sizes[d - 1]) break;
      index[d - 1] = 0;
    }
    if (d == 0) return;
  }
}

std::int64_t offset_of(const std::vector<std::int64_t>& index, const std::vector<std::int64_t>& strides) {
  std::int64_t offset = 0;
  for (std::size_t d = 0; d < index.size(); ++d) offset += index[d] * strides[d];
  return offset;
}

template <typename T>
void reduce_all(const ReductionShape& shape, const void* x, void* y) {
  for_each_index(shape, false, [&](const std::vector<std::int64_t>& kept) {
    Fold<T> fold(shape.mode);
    for_each_index(shape, true, [&](const std::vector<std::int64_t>& reduced) {
      const std::int64_t at = offset_of(kept, shape.x_strides) + offset_of(reduced, shape.x_strides);
      if constexpr (std::is_same_v<T, double>)
        fold.take(tensor::load_double(x, shape.x_dtype, at));
      else
        fold.take(tensor::load_int(x, shape.x_dtype, at));
    });
    const std::int64_t at = offset_of(kept, shape.y_strides);
    if (fold.is_place())
      tensor::store_int(y, shape.y_dtype, at, fold.place());
    else if constexpr (std::is_same_v<T, double>)
      tensor::store_double(y, shape.y_dtype, at, fold.value());
    else
      tensor::store_int(y, shape.y_dtype, at, fold.value());
  });
}

}  // namespace

constinit const ReductionKernels kReductionReference = {
    sum_row<float>,          extreme_row<larger>,      extreme_row<smaller>,   sum_columns<float>,
    extreme_columns<larger>, extreme_columns<smaller>, sum_row<std::uint16_t>, sum_columns<std::uint16_t>,
};

void reduction_reference(const ReductionShape& shape, const void* x, void* y) {
  if (is_floating(shape.x_dtype) || shape.mode == ReductionMode::mean)
    reduce_all<double>(shape, x, y);
  else
    reduce_all<std::int64_t>(shape, x, y);
}

}  // namespace wherry::kernels
