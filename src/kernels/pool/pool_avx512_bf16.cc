// Pooling windows of bf16 images, in fp32 registers.

#include <immintrin.h>

#include <cstdint>

#include "kernels/pool/pool_kernels.h"

namespace wherry::kernels {
namespace {

/// (The zero-masking forms, all lanes on, are the plain instructions; g++ 12 warns of uninitialised use in the others.)
inline __m512 load(const std::uint16_t* x, __mmask16 mask) {
  const __m512i wide = _mm512_maskz_cvtepu16_epi32(0xFFFF, _mm256_maskz_loadu_epi16(mask, x));
  return _mm512_castsi512_ps(_mm512_maskz_slli_epi32(0xFFFF, wide, 16));
}

struct Maximum {
  static __m512 start() { return _mm512_set1_ps(-__builtin_inff()); }
  /// x86's max gives its second operand where either is NaN, so x's NaN comes through; y's is kept by the mask.
  static __m512 step(__m512 y, __m512 x) { return _mm512_mask_max_ps(y, _mm512_cmp_ps_mask(y, y, _CMP_ORD_Q), y, x); }
};

struct Sum {
  static __m512 start() { return _mm512_setzero_ps(); }
  static __m512 step(__m512 y, __m512 x) { return _mm512_add_ps(y, x); }
};

/// kVectors vectors of channels at once keep as many independent chains going; `last` masks the last of them.
template <class Op, int kVectors>
inline void vectors(std::uint16_t* y, const PoolWindow& w, std::int64_t channel, __mmask16 last, __m512 scale) {
  __m512 sum[kVectors];
#pragma GCC unroll 4
  for (int v = 0; v < kVectors; ++v) sum[v] = Op::start();
  for (std::int64_t i = 0; i < w.rows; ++i) {
    const std::uint16_t* x = static_cast<const std::uint16_t*>(w.x) + i * w.row_stride + channel;
    for (std::int64_t j = 0; j < w.columns; ++j, x += w.column_stride) {
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v)
        sum[v] = Op::step(sum[v], load(x + 16 * v, v + 1 < kVectors ? static_cast<__mmask16>(0xFFFF) : last));
    }
  }
#pragma GCC unroll 4
  for (int v = 0; v < kVectors; ++v)
    _mm256_mask_storeu_epi16(y + channel + 16 * v, v + 1 < kVectors ? static_cast<__mmask16>(0xFFFF) : last,
                             (__m256i)_mm512_cvtneps_pbh(_mm512_mul_ps(sum[v], scale)));
}

template <class Op>
inline void window(void* to, const PoolWindow& w, std::int64_t channels, float factor) {
  auto* y = static_cast<std::uint16_t*>(to);
  const __m512 scale = _mm512_set1_ps(factor);
  std::int64_t c = 0;
  for (; c + 64 <= channels; c += 64) vectors<Op, 4>(y, w, c, 0xFFFF, scale);
  for (; c + 16 <= channels; c += 16) vectors<Op, 1>(y, w, c, 0xFFFF, scale);
  if (c < channels) vectors<Op, 1>(y, w, c, static_cast<__mmask16>((1u << (channels - c)) - 1u), scale);
}

void max_window(void* y, const PoolWindow& w, std::int64_t channels) noexcept { window<Maximum>(y, w, channels, 1.0f); }

void sum_window(void* y, const PoolWindow& w, std::int64_t channels, float scale) noexcept {
  window<Sum>(y, w, channels, scale);
}

}  // namespace

extern const PoolKernels kPoolAvx512Bf16;
constinit const PoolKernels kPoolAvx512Bf16 = {max_window, sum_window};

}  // namespace wherry::kernels
