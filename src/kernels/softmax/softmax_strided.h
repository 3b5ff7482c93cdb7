#pragma once
// Softmax of a row of any strides, in plain C++: the oracle with fp64 inside, the scalar kernel with fp32.

#include <cmath>
#include <cstdint>
#include <limits>

namespace wherry::kernels {

/// All arithmetic in T but the sum, which is fp64; n ≥ 1. y may be x with the same stride.
template <typename T>
void softmax_strided(float* y, std::int64_t y_stride, const float* x, std::int64_t x_stride, std::int64_t n,
                     bool log) noexcept {
  T greatest = -std::numeric_limits<T>::infinity();
  for (std::int64_t i = 0; i < n; ++i)
    if (x[i * x_stride] > greatest) greatest = x[i * x_stride];
  double sum = 0;
  for (std::int64_t i = 0; i < n; ++i) sum += std::exp(static_cast<T>(x[i * x_stride]) - greatest);
  const T log_sum = log ? static_cast<T>(std::log(sum)) : T{0};
  for (std::int64_t i = 0; i < n; ++i) {
    const T centred = static_cast<T>(x[i * x_stride]) - greatest;
    y[i * y_stride] = static_cast<float>(log ? centred - log_sum : std::exp(centred) / sum);
  }
}

}  // namespace wherry::kernels
