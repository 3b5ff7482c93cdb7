// Pooling windows of bf16 images, 32 channels a load: maxima of integers that are ordered as the numbers are, sums of
// fp32 vectors that hold the even and the odd channels.

#include <immintrin.h>

#include <cstdint>

#include "kernels/pool/pool_kernels.h"

namespace wherry::kernels {
namespace {

// (The zero-masking forms, all lanes on, are the plain instructions; g++ 12 warns of uninitialised use in the others.)
constexpr __mmask16 kAll = 0xFFFF;
constexpr __mmask32 kAllWords = 0xFFFFFFFF;

alignas(64) constexpr std::int16_t kWords[32] = {0, 16, 1, 17, 2,  18, 3,  19, 4,  20, 5,  21, 6,  22, 7,  23,
                                                 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31};

/// Signed 16-bit integers in the numbers' order are x, or where x is negative x with all bits but the sign turned. Seen
/// from −∞, unsigned, NaN of either sign comes after +∞: a maximum is NaN where one of its numbers is.
constexpr std::int16_t kFromInfinity = 0x7f81;

inline __m512i turn(__m512i x) {
  constexpr int kXorAnd = 0x78;  // a ^ (b & c)
  return _mm512_ternarylogic_epi32(x, _mm512_srai_epi16(x, 15), _mm512_set1_epi16(0x7fff), kXorAnd);
}

struct Maximum {
  struct Value {
    __m512i words;
  };
  static Value start() { return {_mm512_setzero_si512()}; }  // −∞
  static void take(Value& y, __m512i x) {
    y.words = _mm512_max_epu16(y.words, _mm512_add_epi16(turn(x), _mm512_set1_epi16(kFromInfinity)));
  }
  static __m512i result(const Value& y, float) {
    return turn(_mm512_sub_epi16(y.words, _mm512_set1_epi16(kFromInfinity)));
  }
};

struct Sum {
  struct Value {
    __m512 even, odd;
  };
  static Value start() { return {_mm512_setzero_ps(), _mm512_setzero_ps()}; }
  static void take(Value& y, __m512i x) {
    y.even = _mm512_add_ps(y.even, _mm512_castsi512_ps(_mm512_maskz_slli_epi32(kAll, x, 16)));
    y.odd = _mm512_add_ps(y.odd, _mm512_castsi512_ps(_mm512_and_si512(x, _mm512_set1_epi32(-65536))));
  }
  static __m512i result(const Value& y, float scale) {
    const __m512 factor = _mm512_set1_ps(scale);
    const __m512i words = (__m512i)_mm512_cvtne2ps_pbh(_mm512_mul_ps(y.odd, factor), _mm512_mul_ps(y.even, factor));
    return _mm512_maskz_permutexvar_epi16(kAllWords, _mm512_load_si512(kWords), words);
  }
};

/// kVectors vectors of channels at once keep as many independent chains going.
template <class Op, int kVectors>
inline void vectors(std::uint16_t* y, const PoolWindow& w, std::int64_t channel, float scale) {
  typename Op::Value value[kVectors];
#pragma GCC unroll 4
  for (int v = 0; v < kVectors; ++v) value[v] = Op::start();
  for (std::int64_t i = 0; i < w.rows; ++i) {
    const std::uint16_t* x = static_cast<const std::uint16_t*>(w.x) + i * w.row_stride + channel;
    for (std::int64_t j = w.columns; j > 0; --j, x += w.column_stride) {
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v) Op::take(value[v], _mm512_loadu_si512(x + 32 * v));
    }
  }
#pragma GCC unroll 4
  for (int v = 0; v < kVectors; ++v) _mm512_storeu_si512(y + channel + 32 * v, Op::result(value[v], scale));
}

template <class Op>
inline void tail(std::uint16_t* y, const PoolWindow& w, std::int64_t channel, __mmask32 mask, float scale) {
  typename Op::Value value = Op::start();
  for (std::int64_t i = 0; i < w.rows; ++i) {
    const std::uint16_t* x = static_cast<const std::uint16_t*>(w.x) + i * w.row_stride + channel;
    for (std::int64_t j = w.columns; j > 0; --j, x += w.column_stride)
      Op::take(value, _mm512_maskz_loadu_epi16(mask, x));
  }
  _mm512_mask_storeu_epi16(y + channel, mask, Op::result(value, scale));
}

template <class Op>
inline void window(void* to, const PoolWindow& w, std::int64_t channels, float scale) {
  auto* y = static_cast<std::uint16_t*>(to);
  std::int64_t c = 0;
  for (; c + 128 <= channels; c += 128) vectors<Op, 4>(y, w, c, scale);
  if (c + 64 <= channels) vectors<Op, 2>(y, w, c, scale), c += 64;
  if (c + 32 <= channels) vectors<Op, 1>(y, w, c, scale), c += 32;
  if (c < channels) tail<Op>(y, w, c, (__mmask32{1} << (channels - c)) - 1, scale);
}

void max_window(void* y, const PoolWindow& w, std::int64_t channels) noexcept { window<Maximum>(y, w, channels, 1.0f); }

void sum_window(void* y, const PoolWindow& w, std::int64_t channels, float scale) noexcept {
  window<Sum>(y, w, channels, scale);
}

}  // namespace

extern const PoolKernels kPoolAvx512Bf16;
constinit const PoolKernels kPoolAvx512Bf16 = {max_window, sum_window};

}  // namespace wherry::kernels
