// Depthwise convolution of bf16 images for AArch64 with BF16: fp32 multiply-adds on NEON, of which its cores do twice
// as many a cycle as of the widening ones that read bf16 as it is.

#include <arm_neon.h>

#include <cstdint>

#include "kernels/convolution/bf16_depthwise.h"

namespace wherry::kernels {
namespace {

#include "kernels/vector_neon_bf16.inc"

/// Eight channels, or with `kWhole` false the first of them.
template <bool kWhole>
struct Lanes {
  std::int64_t count;

  template <class Element>
  Eight load(const Element* p) const {
    return kWhole ? kernels::load(p) : load_first(count, p);
  }
  template <class Element>
  void store(Element* p, Eight x) const {
    kWhole ? kernels::store(p, x) : store_first(count, p, x);
  }
};

template <class L>
inline Eight bias_of(const Bf16DepthwiseTask& task, std::int64_t c, const L& lanes) {
  return task.bias == nullptr ? splat(0) : lanes.load(task.bias + c);
}

/// What few layers need, from sums in memory.
template <class L>
[[gnu::noinline]] void finish_any(const Bf16DepthwiseTask& task, std::int64_t c, const L& lanes, const float* sums,
                                  int pixels) {
  for (int p = 0; p < pixels; ++p, sums += 8) {
    Eight sum = kernels::load(sums);
    if (task.residual != nullptr) {
      const std::int64_t at = p * task.residual_pixel + c;
      sum = add(sum, task.residual_is_bf16 ? lanes.load(static_cast<const std::uint16_t*>(task.residual) + at)
                                           : lanes.load(static_cast<const float*>(task.residual) + at));
    }
    if (task.clamp) sum = minimum(maximum(sum, splat(task.low)), splat(task.high));
    const std::int64_t at = p * task.y_pixel + c;
    if (task.y_is_bf16)
      lanes.store(static_cast<std::uint16_t*>(task.y) + at, sum);
    else
      lanes.store(static_cast<float*>(task.y) + at, sum);
  }
}

template <class L, int kPixels>
inline void finish(const Bf16DepthwiseTask& task, std::int64_t c, const L& lanes, Eight (&sum)[kPixels]) {
  if (task.residual != nullptr || !task.y_is_bf16) {
    float sums[kPixels * 8];
#pragma GCC unroll 8
    for (int p = 0; p < kPixels; ++p) kernels::store(sums + 8 * p, sum[p]);
    return finish_any(task, c, lanes, sums, kPixels);
  }
  if (task.clamp) {
    const Eight low = splat(task.low), high = splat(task.high);
#pragma GCC unroll 8
    for (int p = 0; p < kPixels; ++p) sum[p] = minimum(maximum(sum[p], low), high);
  }
  std::uint16_t* y = static_cast<std::uint16_t*>(task.y) + c;
  const std::int64_t y_pixel = task.y_pixel;  // (a store may alias what is behind a reference)
#pragma GCC unroll 8
  for (int p = 0; p < kPixels; ++p, y += y_pixel) lanes.store(y, sum[p]);
}

template <int kTaps, int kStride, int kPixels>
constexpr int kColumns = (kPixels - 1) * kStride + kTaps;

/// A window of kTaps columns at steps of kStride: every column is read once a row and multiplied for all its pixels.
/// `kInside`: all columns lie in the image.
template <class L, int kTaps, int kStride, int kPixels, bool kInside>
[[gnu::always_inline]] inline void window(const Bf16DepthwiseTask& task, std::int64_t c, const float* weights,
                                          const L lanes) {
  Eight sum[kPixels];
  const Eight bias = bias_of(task, c, lanes);
#pragma GCC unroll 8
  for (int p = 0; p < kPixels; ++p) sum[p] = bias;
  const std::uint16_t* row = task.x + c;
  const std::int64_t x_tap_h = task.x_tap_h, x_column = task.x_column, weights_tap_h = task.weights_tap_h;
  std::uint32_t columns = task.columns;
  for (std::int64_t i = task.taps_h; i > 0; --i, row += x_tap_h, weights += weights_tap_h) {
    Eight w[kTaps];
#pragma GCC unroll 8
    for (int j = 0; j < kTaps; ++j) w[j] = kernels::load(weights + kBf16DepthwiseLanes * j);
    const std::uint16_t* x = row;
    // Keeps the tests below one instruction each; known not to change, each would hold a register.
    __asm__("" : "+r"(columns));
#pragma GCC unroll 32
    for (int column = 0; column < kColumns<kTaps, kStride, kPixels>; ++column, x += x_column) {
      if (!kInside && (columns >> column & 1) == 0) continue;
      // Columns loaded ahead of their multiplications would not fit the registers.
      __asm__ volatile("" ::: "memory");
      const Eight in = lanes.load(x);
#pragma GCC unroll 8
      for (int j = 0; j < kTaps; ++j) {
        if (column < j || (column - j) % kStride != 0 || (column - j) / kStride >= kPixels) continue;
        const int p = (column - j) / kStride;
        sum[p] = multiply_add(in, w[j], sum[p]);
      }
    }
  }
  finish<L, kPixels>(task, c, lanes, sum);
}

/// Any window, stride and dilation: every pixel reads all its taps.
template <class L, int kPixels>
inline void any_window(const Bf16DepthwiseTask& task, std::int64_t c, const float* weights, const L lanes) {
  Eight sum[kPixels];
  const Eight bias = bias_of(task, c, lanes);
#pragma GCC unroll 8
  for (int p = 0; p < kPixels; ++p) sum[p] = bias;
  for (std::int64_t i = 0; i < task.taps_h; ++i) {
    const std::uint16_t* x = task.x + c + i * task.x_tap_h;
    const float* w = weights + i * task.weights_tap_h;
    for (std::int64_t j = task.taps_w; j > 0; --j, x += task.x_tap_w, w += kBf16DepthwiseLanes) {
      const Eight tap = kernels::load(w);
#pragma GCC unroll 8
      for (int p = 0; p < kPixels; ++p) sum[p] = multiply_add(lanes.load(x + p * task.x_pixel), tap, sum[p]);
    }
  }
  finish<L, kPixels>(task, c, lanes, sum);
}

/// Channels from `c` on, as many as `lanes` has.
template <int kTaps, int kStride, int kPixels, bool kInside, class L>
[[gnu::always_inline]] inline void vector(const Bf16DepthwiseTask& task, std::int64_t c, const float* weights,
                                          L lanes) {
  if constexpr (kTaps == 0)
    any_window<L, kPixels>(task, c, weights, lanes);
  else
    window<L, kTaps, kStride, kPixels, kInside>(task, c, weights, lanes);
}

/// All channels but those that fill no vector.
template <int kTaps, int kStride, int kPixels, bool kInside>
inline void vectors(const Bf16DepthwiseTask& task) {
  const float* block = task.weights;
  for (std::int64_t first = 0; first + 8 <= task.channels; first += kBf16DepthwiseLanes, block += task.weights_vector)
    for (std::int64_t lane = 0; lane < kBf16DepthwiseLanes && first + lane + 8 <= task.channels; lane += 8)
      vector<kTaps, kStride, kPixels, kInside>(task, first + lane, block + lane, Lanes<true>{8});
}

template <int kTaps, int kStride, int kPixels>
void depthwise(const Bf16DepthwiseTask& task) noexcept {
  constexpr std::uint32_t kAll = (std::uint32_t{1} << kColumns<kTaps, kStride, kPixels>)-1;
  if (kTaps == 0 || task.columns == kAll)
    vectors<kTaps, kStride, kPixels, true>(task);
  else
    vectors<kTaps, kStride, kPixels, false>(task);
  const std::int64_t left = task.channels % 8, c = task.channels - left;
  if (left > 0)
    vector<kTaps, kStride, kPixels, false>(
        task, c, task.weights + c / kBf16DepthwiseLanes * task.weights_vector + c % kBf16DepthwiseLanes,
        Lanes<false>{left});
}

#include "kernels/convolution/bf16_depthwise_table.inc"

constexpr Bf16DepthwiseKernels kWindows[] = {table<3, 1, 8>(), table<3, 2, 8>(), table<5, 1, 8>(),
                                             table<5, 2, 8>(), table<7, 1, 7>(), table<0, 0, 8>()};

}  // namespace

extern const Bf16DepthwiseSet kBf16Depthwise_neon_bf16;
constinit const Bf16DepthwiseSet kBf16Depthwise_neon_bf16 = {base::Isa::neon_bf16, false, kWindows, 6};

}  // namespace wherry::kernels
