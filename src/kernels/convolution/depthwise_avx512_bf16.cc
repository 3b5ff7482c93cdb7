// Depthwise convolution of bf16 images for CPUs with AVX-512 BF16. Sums are fp32 multiply-adds: on the cores that have
// the bf16 dot product it takes four times as long as one of those and does twice the work.

#include <immintrin.h>

#include <cstdint>
#include <type_traits>

#include "kernels/convolution/bf16_depthwise.h"

namespace wherry::kernels {
namespace {

// (The zero-masking forms, all lanes on, are the plain instructions; g++ 12 warns of uninitialised use in the others.)
constexpr __mmask16 kAll = 0xFFFF;
constexpr __mmask32 kAllWords = 0xFFFFFFFF;

alignas(64) constexpr std::int32_t kEven[16] = {0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30};
alignas(64) constexpr std::int32_t kOdd[16] = {1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31};
alignas(64) constexpr std::int32_t kLow[16] = {0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23};
alignas(64) constexpr std::int32_t kHigh[16] = {8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31};
alignas(64) constexpr std::int16_t kWords[32] = {0, 16, 1, 17, 2,  18, 3,  19, 4,  20, 5,  21, 6,  22, 7,  23,
                                                 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31};

inline __m512i index(const void* p) { return _mm512_load_si512(p); }
inline __m512 upper_halves(__m512i x) { return _mm512_castsi512_ps(_mm512_and_si512(x, _mm512_set1_epi32(-65536))); }
inline __m512 lower_halves(__m512i x) { return _mm512_castsi512_ps(_mm512_maskz_slli_epi32(kAll, x, 16)); }

/// 32 channels, or with `kMasked` the first of them: sums[0] has the even ones, sums[1] the odd ones.
template <bool kMasked>
struct Wide {
  static constexpr int kVectors = 2;
  __mmask32 mask;

  explicit Wide(std::int64_t channels) : mask(kMasked ? (__mmask32{1} << channels) - 1 : kAllWords) {}
  __mmask16 low() const { return static_cast<__mmask16>(mask); }
  __mmask16 high() const { return static_cast<__mmask16>(mask >> 16); }

  void load(const std::uint16_t* p, __m512* x) const {
    const __m512i words = kMasked ? _mm512_maskz_loadu_epi16(mask, p) : _mm512_loadu_si512(p);
    x[0] = lower_halves(words);
    x[1] = upper_halves(words);
  }
  void load(const float* p, __m512* x) const {
    const __m512 a = kMasked ? _mm512_maskz_loadu_ps(low(), p) : _mm512_loadu_ps(p);
    const __m512 b = kMasked ? _mm512_maskz_loadu_ps(high(), p + 16) : _mm512_loadu_ps(p + 16);
    x[0] = _mm512_permutex2var_ps(a, index(kEven), b);
    x[1] = _mm512_permutex2var_ps(a, index(kOdd), b);
  }
  void store(std::uint16_t* p, const __m512* y) const {
    const __m512i words = (__m512i)_mm512_cvtne2ps_pbh(y[1], y[0]);
    const __m512i result = _mm512_maskz_permutexvar_epi16(kAllWords, index(kWords), words);
    if constexpr (kMasked)
      _mm512_mask_storeu_epi16(p, mask, result);
    else
      _mm512_storeu_si512(p, result);
  }
  void store(float* p, const __m512* y) const {
    const __m512 a = _mm512_permutex2var_ps(y[0], index(kLow), y[1]);
    const __m512 b = _mm512_permutex2var_ps(y[0], index(kHigh), y[1]);
    if constexpr (kMasked) {
      _mm512_mask_storeu_ps(p, low(), a);
      _mm512_mask_storeu_ps(p + 16, high(), b);
    } else {
      _mm512_storeu_ps(p, a);
      _mm512_storeu_ps(p + 16, b);
    }
  }
};

/// Up to 16 channels in their order.
struct Narrow {
  static constexpr int kVectors = 1;
  __mmask16 mask;

  explicit Narrow(std::int64_t channels) : mask(static_cast<__mmask16>((1u << channels) - 1u)) {}

  void load(const std::uint16_t* p, __m512* x) const {
    x[0] = lower_halves(_mm512_maskz_cvtepu16_epi32(kAll, _mm256_maskz_loadu_epi16(mask, p)));
  }
  void load(const float* p, __m512* x) const { x[0] = _mm512_maskz_loadu_ps(mask, p); }
  void store(std::uint16_t* p, const __m512* y) const {
    _mm256_mask_storeu_epi16(p, mask, (__m256i)_mm512_cvtneps_pbh(y[0]));
  }
  void store(float* p, const __m512* y) const { _mm512_mask_storeu_ps(p, mask, y[0]); }
};

template <class Lanes, int kPixels>
inline void start(const Bf16DepthwiseTask& task, std::int64_t c, const Lanes& lanes,
                  __m512 (&sum)[kPixels][Lanes::kVectors]) {
  __m512 bias[2] = {_mm512_setzero_ps(), _mm512_setzero_ps()};
  if (task.bias != nullptr) lanes.load(task.bias + c, bias);
#pragma GCC unroll 8
  for (int p = 0; p < kPixels; ++p)
#pragma GCC unroll 2
    for (int v = 0; v < Lanes::kVectors; ++v) sum[p][v] = bias[v];
}

/// The operands' order lets a NaN through.
inline __m512 clamp(__m512 x, __m512 low, __m512 high) {
  return _mm512_maskz_min_ps(kAll, high, _mm512_maskz_max_ps(kAll, low, x));
}

/// What few layers need, from sums in memory.
template <class Lanes>
[[gnu::noinline]] void finish_any(const Bf16DepthwiseTask& task, std::int64_t c, const Lanes& lanes, const float* sums,
                                  int pixels) {
  for (int p = 0; p < pixels; ++p) {
    __m512 sum[2], residual[2];
    for (int v = 0; v < Lanes::kVectors; ++v, sums += 16) sum[v] = _mm512_load_ps(sums);
    if (task.residual != nullptr) {
      const std::int64_t at = p * task.residual_pixel + c;
      if (task.residual_is_bf16)
        lanes.load(static_cast<const std::uint16_t*>(task.residual) + at, residual);
      else
        lanes.load(static_cast<const float*>(task.residual) + at, residual);
      for (int v = 0; v < Lanes::kVectors; ++v) sum[v] = _mm512_add_ps(sum[v], residual[v]);
    }
    if (task.clamp)
      for (int v = 0; v < Lanes::kVectors; ++v)
        sum[v] = clamp(sum[v], _mm512_set1_ps(task.low), _mm512_set1_ps(task.high));
    const std::int64_t at = p * task.y_pixel + c;
    if (task.y_is_bf16)
      lanes.store(static_cast<std::uint16_t*>(task.y) + at, sum);
    else
      lanes.store(static_cast<float*>(task.y) + at, sum);
  }
}

template <class Lanes, int kPixels>
inline void finish(const Bf16DepthwiseTask& task, std::int64_t c, const Lanes& lanes,
                   __m512 (&sum)[kPixels][Lanes::kVectors]) {
  if (task.residual != nullptr || !task.y_is_bf16) {
    alignas(64) float sums[kPixels * Lanes::kVectors * 16];
#pragma GCC unroll 8
    for (int p = 0; p < kPixels; ++p)
#pragma GCC unroll 2
      for (int v = 0; v < Lanes::kVectors; ++v) _mm512_store_ps(sums + 16 * (p * Lanes::kVectors + v), sum[p][v]);
    return finish_any(task, c, lanes, sums, kPixels);
  }
  if (task.clamp) {
    const __m512 low = _mm512_set1_ps(task.low), high = _mm512_set1_ps(task.high);
#pragma GCC unroll 8
    for (int p = 0; p < kPixels; ++p)
#pragma GCC unroll 2
      for (int v = 0; v < Lanes::kVectors; ++v) sum[p][v] = clamp(sum[p][v], low, high);
  }
  std::uint16_t* y = static_cast<std::uint16_t*>(task.y) + c;
#pragma GCC unroll 8
  for (int p = 0; p < kPixels; ++p, y += task.y_pixel) lanes.store(y, sum[p]);
}

/// A window of kTaps columns at steps of kStride: every column is read once a row and multiplied for all its pixels.
template <class Lanes, int kTaps, int kStride, int kPixels>
inline void window(const Bf16DepthwiseTask& task, std::int64_t c, const float* weights, const Lanes lanes) {
  constexpr int kColumns = (kPixels - 1) * kStride + kTaps;
  __m512 sum[kPixels][Lanes::kVectors];
  start<Lanes, kPixels>(task, c, lanes, sum);
  const std::uint16_t* row = task.x + c;
  std::uint32_t columns = task.columns;
  for (std::int64_t i = task.taps_h; i > 0; --i, row += task.x_tap_h, weights += task.weights_tap_h) {
    __m512 w[kTaps][Lanes::kVectors];
#pragma GCC unroll 8
    for (int j = 0; j < kTaps; ++j)
#pragma GCC unroll 2
      for (int v = 0; v < Lanes::kVectors; ++v) w[j][v] = _mm512_load_ps(weights + 32 * j + 16 * v);
    const std::uint16_t* x = row;
    // Keeps the tests below one instruction each; known not to change, each would hold a register.
    __asm__("" : "+r"(columns));
#pragma GCC unroll 32
    for (int column = 0; column < kColumns; ++column, x += task.x_column) {
      if ((columns >> column & 1) == 0) continue;
      __m512 in[Lanes::kVectors];
      lanes.load(x, in);
#pragma GCC unroll 8
      for (int j = 0; j < kTaps; ++j) {
        if (column < j || (column - j) % kStride != 0 || (column - j) / kStride >= kPixels) continue;
        const int p = (column - j) / kStride;
#pragma GCC unroll 2
        for (int v = 0; v < Lanes::kVectors; ++v) sum[p][v] = _mm512_fmadd_ps(in[v], w[j][v], sum[p][v]);
      }
    }
  }
  finish<Lanes, kPixels>(task, c, lanes, sum);
}

/// Any window, stride and dilation: every pixel reads all its taps.
template <class Lanes, int kPixels>
inline void any_window(const Bf16DepthwiseTask& task, std::int64_t c, const float* weights, const Lanes lanes) {
  __m512 sum[kPixels][Lanes::kVectors];
  start<Lanes, kPixels>(task, c, lanes, sum);
  for (std::int64_t i = 0; i < task.taps_h; ++i) {
    const std::uint16_t* x = task.x + c + i * task.x_tap_h;
    const float* w = weights + i * task.weights_tap_h;
    for (std::int64_t j = task.taps_w; j > 0; --j, x += task.x_tap_w, w += 32) {
#pragma GCC unroll 8
      for (int p = 0; p < kPixels; ++p) {
        __m512 in[Lanes::kVectors];
        lanes.load(x + p * task.x_pixel, in);
#pragma GCC unroll 2
        for (int v = 0; v < Lanes::kVectors; ++v)
          sum[p][v] = _mm512_fmadd_ps(in[v], _mm512_load_ps(w + 16 * v), sum[p][v]);
      }
    }
  }
  finish<Lanes, kPixels>(task, c, lanes, sum);
}

template <int kTaps, int kStride, int kPixels>
void depthwise(const Bf16DepthwiseTask& task) noexcept {
  const float* weights = task.weights;
  const auto vector = [&](std::int64_t c, const auto lanes) {
    using Lanes = std::remove_const_t<decltype(lanes)>;
    if constexpr (kTaps == 0)
      any_window<Lanes, kPixels>(task, c, weights, lanes);
    else
      window<Lanes, kTaps, kStride, kPixels>(task, c, weights, lanes);
  };
  std::int64_t c = 0;
  for (; c + 32 <= task.channels; c += 32, weights += task.weights_vector) vector(c, Wide<false>(32));
  const std::int64_t rest = task.channels - c;
  if (rest > 16)
    vector(c, Wide<true>(rest));
  else if (rest > 0)
    vector(c, Narrow(rest));
}

#include "kernels/convolution/bf16_depthwise_table.inc"

constexpr Bf16DepthwiseKernels kWindows[] = {table<3, 1, 8>(), table<3, 2, 8>(), table<5, 1, 8>(),
                                             table<5, 2, 8>(), table<7, 1, 7>(), table<0, 0, 8>()};

}  // namespace

extern const Bf16DepthwiseSet kBf16Depthwise_avx512_bf16;
constinit const Bf16DepthwiseSet kBf16Depthwise_avx512_bf16 = {base::Isa::avx512_bf16, true, kWindows, 6};

}  // namespace wherry::kernels
