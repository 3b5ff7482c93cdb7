// Layer norm of rows that are bf16 on one side or both, with AVX-512 BF16: three passes over a row that stays in L1, as
// normalization_simd.h makes.

#include <immintrin.h>

#include <cstdint>

#include "kernels/normalization/normalization_kernels.h"

namespace wherry::kernels {
namespace {

// (The zero-masking forms, all lanes on, are the plain instructions; g++ 12 warns of uninitialised use in the others.)
constexpr __mmask16 kAll = 0xFFFF;

inline __mmask16 first(std::int64_t n) { return static_cast<__mmask16>(n >= 16 ? 0xFFFFu : (1u << n) - 1u); }

/// Sixteen elements from `i` on; zeros where `there` has none.
template <bool kBf16>
inline __m512 load(const void* x, std::int64_t i, __mmask16 there) {
  if constexpr (kBf16) {
    const __m256i half = _mm256_maskz_loadu_epi16(there, static_cast<const std::uint16_t*>(x) + i);
    return _mm512_castsi512_ps(_mm512_maskz_slli_epi32(kAll, _mm512_maskz_cvtepu16_epi32(kAll, half), 16));
  } else {
    return _mm512_maskz_loadu_ps(there, static_cast<const float*>(x) + i);
  }
}

template <bool kBf16>
inline void store(void* y, std::int64_t i, __mmask16 there, __m512 value) {
  if constexpr (kBf16)
    _mm256_mask_storeu_epi16(static_cast<std::uint16_t*>(y) + i, there, (__m256i)_mm512_cvtneps_pbh(value));
  else
    _mm512_mask_storeu_ps(static_cast<float*>(y) + i, there, value);
}

inline float total(__m512 x) {
  x = _mm512_add_ps(x, _mm512_maskz_shuffle_f32x4(kAll, x, x, 0x4E));
  x = _mm512_add_ps(x, _mm512_maskz_shuffle_f32x4(kAll, x, x, 0xB1));
  x = _mm512_add_ps(x, _mm512_maskz_permute_ps(kAll, x, 0x4E));
  x = _mm512_add_ps(x, _mm512_maskz_permute_ps(kAll, x, 0xB1));
  return _mm512_cvtss_f32(x);
}

/// Σ f(element, lanes that exist) over a row, in four chains.
template <bool kBf16, class F>
inline float sum(const void* x, std::int64_t n, F f) {
  __m512 s[4] = {_mm512_setzero_ps(), _mm512_setzero_ps(), _mm512_setzero_ps(), _mm512_setzero_ps()};
  std::int64_t i = 0;
  for (; i + 64 <= n; i += 64)
#pragma GCC unroll 4
    for (int k = 0; k < 4; ++k) s[k] = _mm512_add_ps(s[k], f(load<kBf16>(x, i + 16 * k, kAll), kAll));
  for (; i < n; i += 16) s[0] = _mm512_add_ps(s[0], f(load<kBf16>(x, i, first(n - i)), first(n - i)));
  return total(_mm512_add_ps(_mm512_add_ps(s[0], s[1]), _mm512_add_ps(s[2], s[3])));
}

/// The same over whole vectors of 32 bf16 numbers: the lower and the upper of each pair, in any order.
template <class F>
inline float sum_of_pairs(const void* x, std::int64_t n, F f) {
  const __m512i upper = _mm512_set1_epi32(static_cast<int>(0xFFFF0000));
  __m512 s[4] = {_mm512_setzero_ps(), _mm512_setzero_ps(), _mm512_setzero_ps(), _mm512_setzero_ps()};
  const auto add = [&](std::int64_t i, __m512& low, __m512& high) {
    const __m512i pairs = _mm512_loadu_si512(static_cast<const std::uint16_t*>(x) + i);
    low = _mm512_add_ps(low, f(_mm512_castsi512_ps(_mm512_maskz_slli_epi32(kAll, pairs, 16)), kAll));
    high = _mm512_add_ps(high, f(_mm512_castsi512_ps(_mm512_and_si512(pairs, upper)), kAll));
  };
  std::int64_t i = 0;
  for (; i + 64 <= n; i += 64) add(i, s[0], s[1]), add(i + 32, s[2], s[3]);
  if (i < n) add(i, s[0], s[1]);
  return total(_mm512_add_ps(_mm512_add_ps(s[0], s[1]), _mm512_add_ps(s[2], s[3])));
}

template <bool kXBf16, class F>
inline float row_sum(const NormalizedRow& row, F f) {
  return kXBf16 && row.columns % 32 == 0 ? sum_of_pairs(row.x, row.columns, f) : sum<kXBf16>(row.x, row.columns, f);
}

template <bool kXBf16, bool kYBf16>
void normalize(const NormalizedRow& row) noexcept {
  const std::int64_t n = row.columns;
  const auto count = static_cast<float>(n);
  const float mean = row_sum<kXBf16>(row, [](__m512 x, __mmask16) { return x; }) / count;
  const __m512 centre = _mm512_set1_ps(mean);
  const float variance = row_sum<kXBf16>(row,
                                         [centre](__m512 x, __mmask16 there) {
                                           const __m512 deviation = _mm512_maskz_sub_ps(there, x, centre);
                                           return _mm512_mul_ps(deviation, deviation);
                                         }) /
                         count;
  const __m512 scale = _mm512_set1_ps(1.0f / __builtin_sqrtf(variance + row.epsilon));
  const auto value = [&](std::int64_t i, __mmask16 there) {
    const __m512 w = row.weight == nullptr ? scale : _mm512_mul_ps(scale, _mm512_maskz_loadu_ps(there, row.weight + i));
    const __m512 shift = row.bias == nullptr ? _mm512_setzero_ps() : _mm512_maskz_loadu_ps(there, row.bias + i);
    return _mm512_fmadd_ps(_mm512_sub_ps(load<kXBf16>(row.x, i, there), centre), w, shift);
  };
  std::int64_t i = 0;
  if constexpr (kYBf16) {
    for (; i + 32 <= n; i += 32)
      _mm512_storeu_si512(static_cast<std::uint16_t*>(row.y) + i,
                          (__m512i)_mm512_cvtne2ps_pbh(value(i + 16, kAll), value(i, kAll)));
  }
  for (; i < n; i += 16) store<kYBf16>(row.y, i, first(n - i), value(i, first(n - i)));
}

}  // namespace

void normalize_row_avx512_bf16(const NormalizedRow& row) noexcept {
  if (row.x_is_bf16)
    row.y_is_bf16 ? normalize<true, true>(row) : normalize<true, false>(row);
  else
    row.y_is_bf16 ? normalize<false, true>(row) : normalize<false, false>(row);
}

}  // namespace wherry::kernels
