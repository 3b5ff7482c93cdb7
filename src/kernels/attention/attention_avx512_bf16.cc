// What bf16 attention does between its products: softmax of fp32 scores to bf16 weights, and operands in the order of
// tiles.

#include <immintrin.h>

#include <cstdint>

#include "kernels/attention/attention_kernels.h"

namespace wherry::kernels {
namespace {

// (The zero-masking forms, all lanes on, are the plain instructions; g++ 12 warns of uninitialised use in the others.)
constexpr __mmask16 kAll = 0xFFFF;

#include "kernels/attention/transpose_avx512.inc"

inline __mmask16 first_16(std::int64_t n) {
  return static_cast<__mmask16>(n >= 16 ? 0xFFFFu : n <= 0 ? 0u : (1u << n) - 1u);
}
inline __mmask32 first_32(std::int64_t n) {
  return static_cast<__mmask32>(n >= 32 ? 0xFFFFFFFFu : n <= 0 ? 0u : (1u << n) - 1u);
}

/// eˣ for x ≤ 0 within 1e-4, which vanishes in bf16: 2ᶠ · 2ⁿ with n the whole number below x / ln 2 and f the rest, a
/// minimax polynomial on [0, 1).
inline __m512 exp_nonpositive(__m512 x) {
  constexpr int kFractionAboveFloor = 1;
  const __m512 power = _mm512_mul_ps(x, _mm512_set1_ps(1.44269504f));
  const __m512 f = _mm512_maskz_reduce_ps(kAll, power, kFractionAboveFloor);
  __m512 p = _mm512_fmadd_ps(_mm512_set1_ps(0.07802452f), f, _mm512_set1_ps(0.22606716f));
  p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(0.69583356f));
  p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(0.99992520f));
  return _mm512_maskz_scalef_ps(kAll, p, power);
}

inline float reduce_max(__m512 x) {
  x = _mm512_maskz_max_ps(kAll, x, _mm512_maskz_shuffle_f32x4(kAll, x, x, 0x4E));
  x = _mm512_maskz_max_ps(kAll, x, _mm512_maskz_shuffle_f32x4(kAll, x, x, 0xB1));
  x = _mm512_maskz_max_ps(kAll, x, _mm512_maskz_permute_ps(kAll, x, 0x4E));
  x = _mm512_maskz_max_ps(kAll, x, _mm512_maskz_permute_ps(kAll, x, 0xB1));
  return _mm512_cvtss_f32(x);
}

inline float reduce_add(__m512 x) {
  x = _mm512_add_ps(x, _mm512_maskz_shuffle_f32x4(kAll, x, x, 0x4E));
  x = _mm512_add_ps(x, _mm512_maskz_shuffle_f32x4(kAll, x, x, 0xB1));
  x = _mm512_add_ps(x, _mm512_maskz_permute_ps(kAll, x, 0x4E));
  x = _mm512_add_ps(x, _mm512_maskz_permute_ps(kAll, x, 0xB1));
  return _mm512_cvtss_f32(x);
}

/// Sixteen scores, scaled and masked; those beyond `n` are −∞, and what is left in scratch there is not looked at.
template <bool kMasked>
inline __m512 scaled(const float* x, const float* mask, std::int64_t n, __m512 scale) {
  const __mmask16 there = first_16(n);
  const __m512 lowest = _mm512_set1_ps(-__builtin_inff());
  __m512 s = _mm512_mask_loadu_ps(lowest, there, x);
  s = _mm512_mask_mul_ps(lowest, there, s, scale);
  if constexpr (kMasked) s = _mm512_mask_add_ps(lowest, there, s, _mm512_maskz_loadu_ps(there, mask));
  return s;
}

template <bool kMasked>
void softmax_rows(const AttentionSoftmax& task) noexcept {
  const __m512 scale = _mm512_set1_ps(task.scale), lowest = _mm512_set1_ps(-__builtin_inff());
  const std::int64_t block_stride = task.scores_lie.block_stride;
  constexpr std::int64_t kWeightsBlock = std::int64_t{kAttentionRows} * kAttentionColumns;
  for (int r = 0; r < task.rows; ++r) {
    float* const scores = task.scores + r * task.scores_lie.row_stride;
    const float* mask = kMasked ? task.mask + r * task.mask_row_stride : nullptr;
    std::int64_t n = task.visible + r * task.visible_step;
    n = n < 0 ? 0 : n > task.keys ? task.keys : n;

    __m512 m0 = lowest, m1 = lowest;
    float* x = scores;
    std::int64_t left = n;
    for (; left > 0; left -= 32, x += block_stride) {
      const __m512 s0 = scaled<kMasked>(x, mask, left, scale),
                   s1 = scaled<kMasked>(x + 16, kMasked ? mask + 16 : nullptr, left - 16, scale);
      _mm512_store_ps(x, s0);
      _mm512_store_ps(x + 16, s1);
      m0 = _mm512_maskz_max_ps(kAll, m0, s0);
      m1 = _mm512_maskz_max_ps(kAll, m1, s1);
      if constexpr (kMasked) mask += 32;
    }

    const float before = task.greatest[r];
    const float here = reduce_max(_mm512_maskz_max_ps(kAll, m0, m1));
    const float greatest = before > here ? before : here;
    task.greatest[r] = greatest;
    // Where nothing is visible yet, weights are exp(−∞ − 0) = 0; their sum of 0 makes the row NaN in the end.
    const __m512 shift = _mm512_set1_ps(greatest == -__builtin_inff() ? 0.0f : greatest);
    const float correction = _mm512_cvtss_f32(exp_nonpositive(_mm512_sub_ps(_mm512_set1_ps(before), shift)));

    __m512 sum0 = _mm512_setzero_ps(), sum1 = sum0;
    auto* w = static_cast<std::uint16_t*>(task.weights) + r * kAttentionColumns;
    x = scores;
    std::int64_t key = 0;
    for (; key < n; key += 32, x += block_stride, w += kWeightsBlock) {
      // (−∞ beyond n gives weights of 0.)
      const __m512 e0 = exp_nonpositive(_mm512_sub_ps(_mm512_load_ps(x), shift));
      const __m512 e1 = exp_nonpositive(_mm512_sub_ps(_mm512_load_ps(x + 16), shift));
      sum0 = _mm512_add_ps(sum0, e0);
      sum1 = _mm512_add_ps(sum1, e1);
      _mm512_store_si512(w, (__m512i)_mm512_cvtne2ps_pbh(e1, e0));
    }
    for (; key < task.padded_keys; key += 32, w += kWeightsBlock) _mm512_store_si512(w, _mm512_setzero_si512());
    task.sum[r] = task.sum[r] * correction + reduce_add(_mm512_add_ps(sum0, sum1));
    task.correction[r] = correction;
  }
}

void softmax(const AttentionSoftmax& task) noexcept {
  task.mask == nullptr ? softmax_rows<false>(task) : softmax_rows<true>(task);
}

void rescale(float* sums, const AttentionBlock& lie, const float* correction, int rows, std::int64_t columns) noexcept {
  for (std::int64_t c = 0; c < columns; c += 32, sums += lie.block_stride)
    for (int r = 0; r < rows; ++r) {
      const __m512 factor = _mm512_set1_ps(correction[r]);
      float* const x = sums + r * lie.row_stride;
      _mm512_store_ps(x, _mm512_mul_ps(_mm512_load_ps(x), factor));
      _mm512_store_ps(x + 16, _mm512_mul_ps(_mm512_load_ps(x + 16), factor));
    }
}

void finish(const AttentionFinish& task) noexcept {
  for (int r = 0; r < task.rows; ++r) {
    const __m512 factor = _mm512_set1_ps(1.0f / task.weight_sums[r]);
    const float* x = task.sums + r * task.sums_lie.row_stride;
    for (std::int64_t c = 0; c < task.columns; c += 32, x += task.sums_lie.block_stride) {
      const std::int64_t left = task.columns - c, at = r * task.y_row_stride + c;
      const __m512 y0 = _mm512_mul_ps(_mm512_load_ps(x), factor), y1 = _mm512_mul_ps(_mm512_load_ps(x + 16), factor);
      if (task.y_is_bf16) {
        _mm512_mask_storeu_epi16(static_cast<std::uint16_t*>(task.y) + at, first_32(left),
                                 (__m512i)_mm512_cvtne2ps_pbh(y1, y0));
      } else {
        float* const y = static_cast<float*>(task.y) + at;
        _mm512_mask_storeu_ps(y, first_16(left), y0);
        _mm512_mask_storeu_ps(y + 16, first_16(left - 16), y1);
      }
    }
  }
}

void pack_rows(const std::uint16_t* from, std::int64_t row_stride, int rows, std::int64_t depth,
               std::uint16_t* to) noexcept {
  const std::int64_t steps = depth < 32 ? 1 : (depth + 31) / 32;
  for (std::int64_t s = 0; s < steps; ++s)
    for (int r = 0; r < kAttentionRows; ++r, to += 32) {
      const __mmask32 there = r < rows ? first_32(depth - 32 * s) : 0;
      _mm512_store_si512(to, _mm512_maskz_loadu_epi16(there, from + r * row_stride + 32 * s));
    }
}

void pack_keys(const std::uint16_t* from, std::int64_t row_stride, int keys, std::int64_t depth,
               std::uint16_t* to) noexcept {
  const std::int64_t steps = depth < 32 ? 1 : (depth + 31) / 32;
  for (std::int64_t s = 0; s < steps; ++s) {
    const __mmask32 there = first_32(depth - 32 * s);
    for (int tile = 0; tile < 2; ++tile) {
      __m512i rows[16];
#pragma GCC unroll 16
      for (int r = 0; r < 16; ++r) {
        const int key = 16 * tile + r;
        rows[r] = _mm512_maskz_loadu_epi16(key < keys ? there : 0, from + key * row_stride + 32 * s);
      }
      transpose(rows);
#pragma GCC unroll 16
      for (int r = 0; r < 16; ++r, to += 32) _mm512_store_si512(to, rows[r]);
    }
  }
}

void pack_values(const std::uint16_t* from, std::int64_t row_stride, int keys, int columns, int tiles,
                 std::uint16_t* to) noexcept {
  // Lane 2 i of the first result is element i of the one row, lane 2 i + 1 that of the other; then elements 16 + i.
  alignas(64) static constexpr std::uint16_t kPairs[32] = {0,  32, 1,  33, 2,  34, 3,  35, 4,  36, 5,
                                                           37, 6,  38, 7,  39, 8,  40, 9,  41, 10, 42,
                                                           11, 43, 12, 44, 13, 45, 14, 46, 15, 47};
  const __m512i low = _mm512_load_si512(kPairs), high = _mm512_add_epi16(low, _mm512_set1_epi16(16));
  const __mmask32 there = first_32(columns);
  for (int pair = 0; pair < 16; ++pair, to += 32) {
    const std::uint16_t* const row = from + 2 * pair * row_stride;
    const __m512i a = _mm512_maskz_loadu_epi16(2 * pair < keys ? there : 0, row);
    const __m512i b = _mm512_maskz_loadu_epi16(2 * pair + 1 < keys ? there : 0, row + row_stride);
    _mm512_store_si512(to, _mm512_permutex2var_epi16(a, low, b));
    if (tiles == 2) _mm512_store_si512(to + 16 * 32, _mm512_permutex2var_epi16(a, high, b));
  }
}

}  // namespace

constinit const AttentionKernels kAttentionAvx512Bf16 = {softmax, rescale,   finish,    nullptr,    nullptr,
                                                         nullptr, pack_rows, pack_keys, pack_values};

}  // namespace wherry::kernels
