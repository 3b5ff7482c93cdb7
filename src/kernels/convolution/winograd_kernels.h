#pragma once
// The innermost contract of Winograd convolution: the transforms of one tile, into frequencies and back. F(m×m, 3×3)
// computes m × m outputs from n × n inputs, n = m + 2, with n² multiplications a channel pair instead of 9·m²:
//   Y = Aᵀ [ (G g Gᵀ) ⊙ (Bᵀ d B) ] A   (Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", 2015)

#include <cstdint>

#include "base/cpu.h"

namespace wherry::kernels {

/// v[f · v_stride + c] = (Bᵀ d B)[f / n, f mod n] of channel c, f = 0 … n² − 1. d[i, j] is the pixel at pixels[i · n +
/// j], or, where the whole tile lies inside the image (pixels null), at x + i · x_row + j · x_pixel. Pixels are fp32,
/// or bf16 for the kernels of sets that have it.
struct WinogradInputTask {
  const void* const* pixels;
  const void* x;
  std::int64_t x_row, x_pixel;
  std::int64_t channels;
  float* v;  ///< written up to channels rounded up to vectors, with zeros past `channels`
  std::int64_t v_stride;
};

/// y[i, j, o] = clamp((Aᵀ m A)[i, j] + bias[o] + residual[i, j, o]) for i < rows, j < columns, of the m × m outputs.
struct WinogradOutputTask {
  const float* m;  ///< frequency f of channel o at m[f · m_stride + o], readable up to whole vectors
  std::int64_t m_stride;
  std::int64_t rows, columns;
  std::int64_t channels;
  const float* bias;      ///< or null
  const void* residual;   ///< or null
  bool residual_is_bf16;  ///< else fp32; so too for y. Only the kernels of sets with bf16 know it
  bool y_is_bf16;
  std::int64_t residual_row, residual_pixel;
  void* y;
  std::int64_t y_row, y_pixel;
  bool clamp;  ///< apply low and high; NaN passes
  float low, high;
};

/// The transforms of one tile size and instruction set.
struct WinogradKernels {
  int lanes = 0;
  int tile = 0;  ///< m
  void (*input)(const WinogradInputTask& task) noexcept = nullptr;
  void (*output)(const WinogradOutputTask& task) noexcept = nullptr;
};

/// `tile` is 2 or 4; `isa` exactly one of the list's: one with bf16 for bf16 images, else one without.
const WinogradKernels& winograd_kernels(int tile, base::Isa isa);

/// The set of the list that transforms bf16 images on a machine with `isa`; scalar where it has none.
base::Isa bf16_winograd_isa(base::Isa isa);

/// u[f] = (G g Gᵀ)[f / n, f mod n] for the 3×3 filter g, row by row; in fp64.
void winograd_filter(int tile, const double g[9], double* u) noexcept;

}  // namespace wherry::kernels
