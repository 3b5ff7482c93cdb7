// Depthwise convolution of bf16 images on SVE with BF16, whatever the length of its vectors: a load of bf16 numbers is
// two vectors of fp32, its even and its odd elements, and two conversions put them back. The windows that most networks
// have; others are NEON's.

#include <arm_sve.h>

#include <cstdint>

#include "kernels/convolution/bf16_depthwise.h"

namespace wherry::kernels {
namespace {

inline svfloat32_t even_of(svuint16_t x) {
  return svreinterpret_f32(svlsl_n_u32_x(svptrue_b32(), svreinterpret_u32(x), 16));
}
inline svfloat32_t odd_of(svuint16_t x) {
  return svreinterpret_f32(svand_n_u32_x(svptrue_b32(), svreinterpret_u32(x), 0xFFFF0000u));
}

/// Neighbouring channels, from `begin` to at most `end`.
struct Channels {
  std::int64_t begin, end;

  svbool_t words() const { return svwhilelt_b16_s64(begin, end); }
  svbool_t low() const { return svwhilelt_b32_s64(begin, end); }
  svbool_t high() const { return svwhilelt_b32_s64(begin + static_cast<std::int64_t>(svcntw()), end); }
};

inline svfloat32x2_t load(const float* p, Channels channels) {
  const svfloat32_t low = svld1_f32(channels.low(), p), high = svld1_vnum_f32(channels.high(), p, 1);
  return svcreate2_f32(svuzp1_f32(low, high), svuzp2_f32(low, high));
}
inline svfloat32x2_t load(const std::uint16_t* p, Channels channels) {
  const svuint16_t words = svld1_u16(channels.words(), p);
  return svcreate2_f32(even_of(words), odd_of(words));
}
inline void store(float* p, Channels channels, svfloat32_t even, svfloat32_t odd) {
  svst1_f32(channels.low(), p, svzip1_f32(even, odd));
  svst1_vnum_f32(channels.high(), p, 1, svzip2_f32(even, odd));
}
inline void store(std::uint16_t* p, svbool_t words, svfloat32_t even, svfloat32_t odd) {
  const svbool_t all = svptrue_b32();
  svst1_u16(words, p, svreinterpret_u16(svcvtnt_bf16_f32_x(svcvt_bf16_f32_x(all, even), all, odd)));
}

/// NaN passes.
inline svfloat32_t clamp(svfloat32_t x, float low, float high) {
  return svmin_n_f32_x(svptrue_b32(), svmax_n_f32_x(svptrue_b32(), x, low), high);
}

/// Residual, clamp and either dtype: what few layers need. `pixel` is counted from the task's first.
[[gnu::noinline, gnu::noclone]] void finish_any(const Bf16DepthwiseTask& task, Channels channels, std::int64_t pixel,
                                                svfloat32_t even, svfloat32_t odd) {
  const std::int64_t c = channels.begin, at = pixel * task.y_pixel + c;
  if (task.residual != nullptr) {
    const std::int64_t from = pixel * task.residual_pixel + c;
    const svfloat32x2_t residual = task.residual_is_bf16
                                       ? load(static_cast<const std::uint16_t*>(task.residual) + from, channels)
                                       : load(static_cast<const float*>(task.residual) + from, channels);
    even = svadd_f32_x(svptrue_b32(), even, svget2_f32(residual, 0));
    odd = svadd_f32_x(svptrue_b32(), odd, svget2_f32(residual, 1));
  }
  if (task.clamp) even = clamp(even, task.low, task.high), odd = clamp(odd, task.low, task.high);
  if (task.y_is_bf16)
    store(static_cast<std::uint16_t*>(task.y) + at, channels.words(), even, odd);
  else
    store(static_cast<float*>(task.y) + at, channels, even, odd);
}

/// w<kTap>: vectors have no size that a compiler knows, so there are no arrays of them.
template <int kTap>
[[gnu::always_inline]] inline svfloat32x2_t pick(svfloat32x2_t w0, svfloat32x2_t w1, svfloat32x2_t w2, svfloat32x2_t w3,
                                                 svfloat32x2_t w4) {
  if constexpr (kTap == 0) return w0;
  if constexpr (kTap == 1) return w1;
  if constexpr (kTap == 2) return w2;
  if constexpr (kTap == 3) return w3;
  if constexpr (kTap == 4) return w4;
}

#define WHERRY_EACH_PIXEL(DO, ...) \
  DO(0, __VA_ARGS__)               \
  DO(1, __VA_ARGS__)               \
  DO(2, __VA_ARGS__) DO(3, __VA_ARGS__) DO(4, __VA_ARGS__) DO(5, __VA_ARGS__) DO(6, __VA_ARGS__) DO(7, __VA_ARGS__)
#define WHERRY_EACH_COLUMN(DO) \
  DO(0)                        \
  DO(1) DO(2) DO(3) DO(4) DO(5) DO(6) DO(7) DO(8) DO(9) DO(10) DO(11) DO(12) DO(13) DO(14) DO(15) DO(16) DO(17) DO(18)

/// A window of kTaps columns at steps of kStride: every column is read once a row and multiplied for all its pixels.
/// `kInside`: all columns lie in the image. `weights` are those of the channels, of which `pairs` are packed.
template <int kTaps, int kStride, int kPixels, bool kInside>
[[gnu::always_inline]] inline void window(const Bf16DepthwiseTask& task, Channels channels, const float* weights,
                                          svbool_t pairs) {
  constexpr int kColumns = (kPixels - 1) * kStride + kTaps;
  static_assert(kTaps <= 5 && kColumns <= 19 && kPixels <= 8);
  svbool_t all = svptrue_b32();
  __asm__("" : "+Upl"(all));  // (else made anew for each column)
  const svbool_t words = channels.words();
  const svfloat32x2_t bias =
      task.bias == nullptr ? svcreate2_f32(svdup_f32(0), svdup_f32(0)) : load(task.bias + channels.begin, channels);
#define WHERRY_START(p, ...) svfloat32_t even##p = svget2_f32(bias, 0), odd##p = svget2_f32(bias, 1);
  WHERRY_EACH_PIXEL(WHERRY_START, )
#undef WHERRY_START

  const std::uint16_t* row = task.x + channels.begin;
  const std::int64_t x_tap_h = task.x_tap_h, weights_tap_h = task.weights_tap_h;
  std::int64_t one = task.x_column, two = 2 * one, three = 3 * one;
  const std::int64_t four = 4 * one;
  std::uint32_t columns = task.columns;
  for (std::int64_t i = task.taps_h; i > 0; --i, row += x_tap_h, weights += weights_tap_h) {
    const auto tap = [&](int j) { return svld2_f32(pairs, weights + kBf16DepthwiseLanes * j); };
    const svfloat32x2_t w0 = tap(0), w1 = tap(1), w2 = tap(2), w3 = kTaps > 3 ? tap(3) : w0,
                        w4 = kTaps > 4 ? tap(4) : w0;
    // Keeps the tests below one instruction each; known not to change, each would hold a register.
    __asm__("" : "+r"(columns));
#define WHERRY_MULTIPLY(p, column)                                                      \
  if constexpr (p < kPixels && column >= p * kStride && column - p * kStride < kTaps) { \
    const svfloat32x2_t w = pick<column - p * kStride>(w0, w1, w2, w3, w4);             \
    even##p = svmla_f32_m(all, even##p, even, svget2_f32(w, 0));                        \
    odd##p = svmla_f32_m(all, odd##p, odd, svget2_f32(w, 1));                           \
  }
    const std::uint16_t* x = row;
    // (Offsets that are not known to be used again stay offsets of loads, which shift them. The barrier: columns loaded
    // ahead of their multiplications would not fit the registers.)
#define WHERRY_COLUMN(column)                                                  \
  if constexpr (column < kColumns) {                                           \
    if constexpr (column % 4 == 0) {                                           \
      if constexpr (column > 0) x += four;                                     \
      __asm__("" : "+r"(one), "+r"(two), "+r"(three));                         \
    }                                                                          \
    if (kInside || (columns >> column & 1) != 0) {                             \
      __asm__ volatile("" ::: "memory");                                       \
      const svuint16_t in = svld1_u16(words, x + (column % 4 == 0   ? 0        \
                                                  : column % 4 == 1 ? one      \
                                                  : column % 4 == 2 ? two      \
                                                                    : three)); \
      const svfloat32_t even = even_of(in), odd = odd_of(in);                  \
      WHERRY_EACH_PIXEL(WHERRY_MULTIPLY, column)                               \
    }                                                                          \
  }
    WHERRY_EACH_COLUMN(WHERRY_COLUMN)
#undef WHERRY_COLUMN
#undef WHERRY_MULTIPLY
  }

  if (task.residual != nullptr || !task.y_is_bf16) {
#define WHERRY_FINISH(p, ...) \
  if constexpr (p < kPixels) finish_any(task, channels, p, even##p, odd##p);
    WHERRY_EACH_PIXEL(WHERRY_FINISH, )
#undef WHERRY_FINISH
    return;
  }
  if (task.clamp) {
    const float low = task.low, high = task.high;
#define WHERRY_CLAMP(p, ...) even##p = clamp(even##p, low, high), odd##p = clamp(odd##p, low, high);
    WHERRY_EACH_PIXEL(WHERRY_CLAMP, )
#undef WHERRY_CLAMP
  }
  std::uint16_t* y = static_cast<std::uint16_t*>(task.y) + channels.begin;
  const std::int64_t y_pixel = task.y_pixel;  // (a store may alias what is behind a reference)
#define WHERRY_STORE(p, ...) \
  if constexpr (p < kPixels) store(y, words, even##p, odd##p), y += y_pixel;
  WHERRY_EACH_PIXEL(WHERRY_STORE, )
#undef WHERRY_STORE
}

#undef WHERRY_EACH_COLUMN
#undef WHERRY_EACH_PIXEL

template <int kTaps, int kStride, int kPixels, bool kInside>
inline void blocks(const Bf16DepthwiseTask& task) {
  const auto step = static_cast<std::int64_t>(svcnth());
  const float* block = task.weights;
  for (std::int64_t first = 0; first < task.channels; first += kBf16DepthwiseLanes, block += task.weights_vector) {
    const std::int64_t left = task.channels - first, count = left < kBf16DepthwiseLanes ? left : kBf16DepthwiseLanes;
    for (std::int64_t lane = 0; lane < count; lane += step)
      window<kTaps, kStride, kPixels, kInside>(task, {first + lane, first + count}, block + lane,
                                               svwhilelt_b32_s64(lane / 2, kBf16DepthwiseLanes / 2));
  }
}

template <int kTaps, int kStride, int kPixels>
void depthwise(const Bf16DepthwiseTask& task) noexcept {
  constexpr std::uint32_t kAll = (std::uint32_t{1} << ((kPixels - 1) * kStride + kTaps)) - 1;
  task.columns == kAll ? blocks<kTaps, kStride, kPixels, true>(task) : blocks<kTaps, kStride, kPixels, false>(task);
}

#include "kernels/convolution/bf16_depthwise_table.inc"

constexpr Bf16DepthwiseKernels kWindows[] = {table<3, 1, 8>(), table<3, 2, 8>(), table<5, 1, 8>(), table<5, 2, 8>()};

}  // namespace

extern const Bf16DepthwiseSet kBf16Depthwise_sve_bf16;
constinit const Bf16DepthwiseSet kBf16Depthwise_sve_bf16 = {base::Isa::sve_bf16, false, kWindows, 4};

}  // namespace wherry::kernels
