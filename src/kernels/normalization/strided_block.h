#pragma once
// Normalisation of a block of any strides, in plain C++ with fp64 inside: the oracle, and the kernel of last resort.

#include <cmath>
#include <cstdint>

namespace wherry::kernels {

/// Rows × columns of stride `row` and `column`; weight and bias (may be null) have strides of their own, 0 to repeat.
struct StridedBlock {
  const float* x;
  float* y;  ///< may be x with equal strides
  std::int64_t rows, columns;
  std::int64_t x_row, x_column, y_row, y_column;
  const float* weight;
  const float* bias;
  std::int64_t weight_row, weight_column;
  float epsilon;
};

inline void normalize_strided(const StridedBlock& b) noexcept {
  const double count = static_cast<double>(b.rows * b.columns);
  const auto sum = [&](double centre, bool squared) {
    double total = 0;
    for (std::int64_t i = 0; i < b.rows; ++i)
      for (std::int64_t j = 0; j < b.columns; ++j) {
        const double deviation = b.x[i * b.x_row + j * b.x_column] - centre;
        total += squared ? deviation * deviation : deviation;
      }
    return total;
  };
  const double mean = sum(0, false) / count;
  const double scale = 1 / std::sqrt(sum(mean, true) / count + b.epsilon);
  for (std::int64_t i = 0; i < b.rows; ++i)
    for (std::int64_t j = 0; j < b.columns; ++j) {
      const std::int64_t at = i * b.weight_row + j * b.weight_column;
      const double weight = b.weight ? b.weight[at] : 1;
      const double bias = b.bias ? b.bias[at] : 0;
      b.y[i * b.y_row + j * b.y_column] =
          static_cast<float>((b.x[i * b.x_row + j * b.x_column] - mean) * scale * weight + bias);
    }
}

}  // namespace wherry::kernels
