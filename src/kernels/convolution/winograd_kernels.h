#pragma once
// The innermost contract of Winograd convolution: the transforms of one tile, into frequencies and back. F(m×m, 3×3)
// computes m × m outputs from n × n inputs, n = m + 2, with n² multiplications a channel pair instead of 9·m²:
//   Y = Aᵀ [ (G g Gᵀ) ⊙ (Bᵀ d B) ] A   (Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", 2015)

#include <cstdint>

#include "base/cpu.h"

namespace wherry::kernels {

/// v[f · v_stride + c] = (Bᵀ d B)[f / n, f mod n] of channel c, f = 0 … n² − 1. d[i, j] is the pixel at pixels[i · n +
/// j], or, where the whole tile lies inside the image (pixels null), at x + i · x_row + j · x_pixel.
struct WinogradInputTask {
  const float* const* pixels;
  const float* x;
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
  const float* residual;  ///< or null
  std::int64_t residual_row, residual_pixel;
  float* y;
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

/// `tile` is 2 or 4.
const WinogradKernels& winograd_kernels(int tile, base::Isa isa);

/// u[f] = (G g Gᵀ)[f / n, f mod n] for the 3×3 filter g, row by row; in fp64.
void winograd_filter(int tile, const double g[9], double* u) noexcept;

}  // namespace wherry::kernels
