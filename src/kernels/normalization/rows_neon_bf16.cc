// Layer norm of rows that are bf16 on one side or both, on NEON with BF16: three passes over a row that stays in L1, as
// normalization_simd.h makes.

#include <arm_neon.h>

#include <cstdint>

#include "kernels/normalization/normalization_kernels.h"

namespace wherry::kernels {
namespace {

#include "kernels/vector_neon_bf16.inc"

/// Ones in the first `count` < 8 lanes, zeros in the others.
inline Eight ones(std::int64_t count) {
  float lanes[8];
  for (int i = 0; i < 8; ++i) lanes[i] = i < count ? 1.0f : 0.0f;
  return load(lanes);
}

/// Σ f(element) over a row, in eight chains.
template <class Element, class F>
inline float sum(const Element* x, std::int64_t n, F f) {
  Eight s[4] = {splat(0), splat(0), splat(0), splat(0)};
  std::int64_t i = 0;
  for (; i + 32 <= n; i += 32)
#pragma GCC unroll 4
    for (int k = 0; k < 4; ++k) s[k] = add(s[k], f(load(x + i + 8 * k)));
  for (; i + 8 <= n; i += 8) s[0] = add(s[0], f(load(x + i)));
  if (i < n) s[1] = multiply_add(f(load_first(n - i, x + i)), ones(n - i), s[1]);
  const Eight total = add(add(s[0], s[1]), add(s[2], s[3]));
  return vaddvq_f32(vaddq_f32(total.low, total.high));
}

template <class X, class Y>
void normalize(const NormalizedRow& row) noexcept {
  const auto* const x = static_cast<const X*>(row.x);
  auto* const y = static_cast<Y*>(row.y);
  const float *const weight = row.weight, *const bias = row.bias;
  const std::int64_t n = row.columns;
  const auto count = static_cast<float>(n);
  const float mean = sum(x, n, [](Eight e) { return e; }) / count;
  const Eight centre = splat(mean);
  const float variance = sum(x, n,
                             [centre](Eight e) {
                               const Eight deviation = subtract(e, centre);
                               return multiply(deviation, deviation);
                             }) /
                         count;
  const Eight scale = splat(1.0f / __builtin_sqrtf(variance + row.epsilon));
  const auto value = [&](Eight e, Eight w, Eight shift) {
    return multiply_add(subtract(e, centre), multiply(scale, w), shift);
  };
  std::int64_t i = 0;
  for (; i + 8 <= n; i += 8)
    store(y + i, value(load(x + i), weight == nullptr ? splat(1) : load(weight + i),
                       bias == nullptr ? splat(0) : load(bias + i)));
  const std::int64_t left = n - i;
  if (left > 0)
    store_first(left, y + i,
                value(load_first(left, x + i), weight == nullptr ? splat(1) : load_first(left, weight + i),
                      bias == nullptr ? splat(0) : load_first(left, bias + i)));
}

}  // namespace

void normalize_row_neon_bf16(const NormalizedRow& row) noexcept {
  if (row.x_is_bf16)
    row.y_is_bf16 ? normalize<std::uint16_t, std::uint16_t>(row) : normalize<std::uint16_t, float>(row);
  else
    row.y_is_bf16 ? normalize<float, std::uint16_t>(row) : normalize<float, float>(row);
}

}  // namespace wherry::kernels
