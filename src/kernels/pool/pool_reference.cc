// Pooling in plain C++: the oracle, one output at a time, and windows for machines without vectors.

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/element.h"
#include "kernels/pool/pool.h"
#include "kernels/pool/pool_kernels.h"

namespace wherry::kernels {
namespace {

float larger(float a, float b) { return std::isnan(a) || a > b ? a : b; }

void max_window(void* to, const PoolWindow& w, std::int64_t channels) noexcept {
  auto* y = static_cast<float*>(to);
  std::fill_n(y, channels, -std::numeric_limits<float>::infinity());
  for (std::int64_t i = 0; i < w.rows; ++i)
    for (std::int64_t j = 0; j < w.columns; ++j) {
      const float* x = static_cast<const float*>(w.x) + i * w.row_stride + j * w.column_stride;
      for (std::int64_t c = 0; c < channels; ++c) y[c] = larger(y[c], x[c]);
    }
}

void sum_window(void* to, const PoolWindow& w, std::int64_t channels, float scale) noexcept {
  auto* y = static_cast<float*>(to);
  std::fill_n(y, channels, 0.0f);
  for (std::int64_t i = 0; i < w.rows; ++i)
    for (std::int64_t j = 0; j < w.columns; ++j) {
      const float* x = static_cast<const float*>(w.x) + i * w.row_stride + j * w.column_stride;
      for (std::int64_t c = 0; c < channels; ++c) y[c] += x[c];
    }
  for (std::int64_t c = 0; c < channels; ++c) y[c] *= scale;
}

float pool_one(const PoolShape& s, const void* x, std::int64_t at, std::int64_t i, std::int64_t j) {
  float greatest = -std::numeric_limits<float>::infinity();
  double sum = 0;
  std::int64_t inside = 0, padded = 0;
  const std::int64_t top = s.adaptive ? i * s.in_height / s.out_height : i * s.stride_h - s.pad_top;
  const std::int64_t left = s.adaptive ? j * s.in_width / s.out_width : j * s.stride_w - s.pad_left;
  const std::int64_t height = s.adaptive ? ((i + 1) * s.in_height + s.out_height - 1) / s.out_height - top : s.kernel_h;
  const std::int64_t width = s.adaptive ? ((j + 1) * s.in_width + s.out_width - 1) / s.out_width - left : s.kernel_w;
  for (std::int64_t k = 0; k < height; ++k)
    for (std::int64_t l = 0; l < width; ++l) {
      const std::int64_t row = top + k * (s.adaptive ? 1 : s.dilation_h);
      const std::int64_t column = left + l * (s.adaptive ? 1 : s.dilation_w);
      if (row < s.in_height + s.pad_bottom && column < s.in_width + s.pad_right) ++padded;
      if (row < 0 || row >= s.in_height || column < 0 || column >= s.in_width) continue;
      ++inside;
      const float value = load_element(x, at + row * s.x_row_stride + column * s.x_column_stride, s.dtype);
      greatest = larger(greatest, value);
      if (std::isnan(value)) greatest = value;
      sum += value;
    }
  if (s.mode == PoolMode::max) return greatest;
  if (inside == 0) return 0;
  const bool pad = s.count_include_pad && !s.adaptive;
  const std::int64_t divisor = s.divisor != 0 && !s.adaptive ? s.divisor : pad ? padded : inside;
  return static_cast<float>(sum / static_cast<double>(divisor));
}

}  // namespace

constinit const PoolKernels kPoolReference = {max_window, sum_window};

void pool_reference(const PoolShape& s, const void* x, void* y) {
  for (std::int64_t n = 0; n < s.batch; ++n)
    for (std::int64_t i = 0; i < s.out_height; ++i)
      for (std::int64_t j = 0; j < s.out_width; ++j)
        for (std::int64_t c = 0; c < s.channels; ++c)
          store_element(
              static_cast<std::byte*>(y) + (n * s.y_batch_stride + i * s.y_row_stride + j * s.y_column_stride + c) *
                                               static_cast<std::int64_t>(size_of(s.dtype)),
              s.dtype, pool_one(s, x, n * s.x_batch_stride + c, i, j));
}

}  // namespace wherry::kernels
