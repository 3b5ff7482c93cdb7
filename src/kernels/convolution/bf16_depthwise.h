#pragma once
// The innermost contract of depthwise convolution on bf16 images: neighbouring output pixels of one row, channels 32 at
// a time. A column of the image is widened to fp32 once and serves every pixel whose window it lies in. On AVX-512 a
// load of 32 bf16 numbers becomes two vectors, its even and its odd elements, and weights are packed for that.

#include <cstdint>

#include "base/cpu.h"

namespace wherry::kernels {

inline constexpr std::int64_t kBf16DepthwiseLanes = 32;

/// y[p, c] = clamp(bias[c] + Σ over taps of x · w + residual[p, c], low, high) for `channels` channels c. Weights are
/// [32 channels][kernel_h][kernel_w][32] fp32, in the channels' order. Where the set splits them, first those of the 16
/// even channels, then of the odd ones, unless no more than 16 are left. Neither x nor y is touched past `channels`.
struct Bf16DepthwiseTask {
  const std::uint16_t* x;  ///< first tap's row inside the image, first pixel's first column, first channel
  std::int64_t taps_h;     ///< rows of the window inside the image
  std::int64_t x_tap_h;    ///< elements
  std::int64_t x_column;   ///< elements between neighbouring columns of the image
  /// Windows known at compile time: bit k is set where column k, counted from the first pixel's first, lies in the
  /// image. The others are not read.
  std::uint32_t columns;
  /// Any window: the taps that all pixels have inside the image (x and weights are those of the first).
  std::int64_t taps_w, x_tap_w, x_pixel;
  const float* weights;
  std::int64_t weights_tap_h, weights_vector;
  std::int64_t channels;
  const float* bias;      ///< or null
  const void* residual;   ///< or null
  bool residual_is_bf16;  ///< else fp32; so too for y
  bool y_is_bf16;
  std::int64_t residual_pixel;
  void* y;
  std::int64_t y_pixel;
  bool clamp;  ///< apply low and high; NaN passes
  float low, high;
};

using Bf16DepthwiseKernel = void (*)(const Bf16DepthwiseTask& task) noexcept;

inline constexpr int kMaxBf16DepthwisePixels = 8;

/// Kernels for one window; pixels[p] computes p pixels, p = 1 … max_pixels.
struct Bf16DepthwiseKernels {
  int taps_w = 0;    ///< 0: any window, any stride
  int stride_w = 0;  ///< taps are neighbours
  int max_pixels = 0;
  Bf16DepthwiseKernel pixels[kMaxBf16DepthwisePixels + 1] = {};
};

/// What an instruction set has.
struct Bf16DepthwiseSet {
  base::Isa isa;
  bool split;                           ///< the order of weights
  const Bf16DepthwiseKernels* windows;  ///< [count]
  int count;
};

/// Whether weights are split by even and odd channels. `isa` must have bf16.
bool splits_bf16_depthwise(base::Isa isa);

}  // namespace wherry::kernels
