#pragma once
// The innermost contract of depthwise and small-group convolution: neighbouring output pixels of one image row, over
// the taps of the window that lie inside the image.

#include <cstdint>

#include "base/cpu.h"

namespace wherry::kernels {

/// y[p, o] = clamp(bias[o] + Σ over taps (i, j), inputs c of x[p·x_pixel + i·x_tap_h + j·x_tap_w + channel(o, c)] · w +
/// residual[p, o]) for output channels o of one channel block. Channels are cut into vectors; where lanes are left over
/// they neither read x past in_channels nor write y past out_channels.
struct WindowTask {
  const void* x;  ///< fp32, or bf16 for the kernels of sets that have it: first pixel, first tap inside the image,
                  ///< first input channel of the block
  std::int64_t taps_h, taps_w;
  std::int64_t x_tap_h, x_tap_w, x_pixel;
  const float* weights;  ///< of the same tap and channel
  std::int64_t weights_tap_h, weights_tap_w;
  std::int64_t in_channels, out_channels;  ///< of the block
  const float* bias;                       ///< or null
  const void* residual;                    ///< or null
  bool residual_is_bf16;                   ///< else fp32; so too for y. Only the kernels of sets with bf16 know it
  bool y_is_bf16;
  std::int64_t residual_pixel;
  void* y;
  std::int64_t y_pixel;
  bool clamp;  ///< apply low and high; NaN passes
  float low, high;
  // Row kernels only:
  std::int64_t pixels;  ///< neighbours
  bool outside_left;    ///< the first pixel's first column of x is outside the image: zeros
  bool outside_right;   ///< so is the last pixel's last column
  // Grouped kernels only:
  std::int64_t group_inputs;    ///< input channels of one group
  std::int64_t vector_inputs;   ///< input channels that one vector of outputs reads
  std::int64_t vector_outputs;  ///< output channels in one vector
  std::int64_t weights_vector;  ///< elements between the weights of one vector and of the next
  const std::int32_t* index;    ///< [group_inputs][lanes]: which of vector_inputs each output lane reads
};

using WindowKernel = void (*)(const WindowTask& task) noexcept;

inline constexpr int kMaxWindowPixels = 8;

enum class WindowKind : std::uint8_t { depthwise, grouped };

/// Kernels of one kind and instruction set; pixels[p] computes p pixels, p = 1 … max_pixels. Of depthwise kernels,
/// rows[stride][taps_h] computes any number of pixels (task.pixels) of windows 2 or 3 taps high and 3 wide, x_pixel
/// being stride · x_tap_w; task.x is at the first pixel's first column even where that is outside.
struct WindowKernels {
  int lanes = 0;
  int max_pixels = 0;
  WindowKernel pixels[kMaxWindowPixels + 1] = {};
  WindowKernel rows[3][4] = {};
};

/// `isa` is exactly one of the list's: one with bf16 for bf16 images, else one without.
const WindowKernels& window_kernels(WindowKind kind, base::Isa isa);

/// The set of the list that computes grouped convolutions of bf16 images on a machine with `isa`; scalar where it has
/// none.
base::Isa bf16_window_isa(base::Isa isa);

}  // namespace wherry::kernels
