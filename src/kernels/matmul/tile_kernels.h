#pragma once
// The innermost contract of matmul and implicit-matmul convolution: one tile of C in registers. What differs between
// instruction sets is behind this header, everything above it is written once.

#include <cstdint>

#include "base/cpu.h"

namespace wherry::kernels {

/// C[r, j] = clamp(init[r, j] + Σ over taps t, depth k of A_t[r, k] · B[t, k, j] + residual[r, j]) for one tile.
/// Of a gathering kernel, row r of A_t starts at rows[t · tile_rows + r] + first, so A needs no order at all: rows of a
/// matrix, pixels of an image, a row of zeros where a tap lies outside it. A strided kernel has one tap of depth stride
/// 1, and row r starts at a + r · a_stride: few address registers leave it more rows, and a step of depth fewer loads.
struct TileTask {
  const float* const* rows;  ///< [taps][tile rows]
  std::int64_t first;        ///< elements added to every row pointer
  const float* a;            ///< of strided kernels, instead of rows, first, taps and depth_stride
  std::int64_t a_stride;
  std::int64_t taps;          ///< ≥ 0
  std::int64_t depth;         ///< per tap, ≥ 0
  std::int64_t depth_stride;  ///< elements between A_t[r, k] and A_t[r, k+1]
  const float* b;             ///< [taps][depth][vectors · lanes], aligned to a vector
  const float* init;          ///< accumulators' start, or null for 0
  std::int64_t init_stride;   ///< 0: the same for every row (a bias)
  const float* residual;      ///< or null
  std::int64_t residual_stride;
  float* c;
  std::int64_t c_stride;
  std::int64_t
      columns;  ///< of init, residual and C that exist: more than (vectors − 1) · lanes, at most vectors · lanes
  const void* prefetch;        ///< what will be wanted next: each step of depth asks L2 for one line of it …
  std::int64_t prefetch_step;  ///< … and moves on by so many bytes
  bool clamp;                  ///< apply low and high; NaN passes
  float low, high;
};

using TileKernel = void (*)(const TileTask& task) noexcept;

/// The left factors of Strassen's products (strassen_matmul.cc), for A cut into A11 A12 (its even rows) over A21 A22.
enum StrassenLeft { kS1, kS2, kS3, kS4, kA11, kA12, kA22, kStrassenLefts };

/// A row of each: S1 = A21 + A22, S2 = S1 − A11, S3 = A11 − A21, S4 = A12 − S2, and copies of the others where
/// `copies`. `even` and `odd` have 2 · half elements; factor f goes to to + f · next.
using StrassenRows = void (*)(const float* even, const float* odd, std::int64_t half, float* to, std::int64_t next,
                              bool copies) noexcept;

inline constexpr int kMaxTileVectors = 4;
inline constexpr int kMaxTileRows = 14;

/// Kernels of one width; kernels[r] computes r rows, r = 1 … max_rows.
struct TileRow {
  int max_rows = 0;
  TileKernel kernels[kMaxTileRows + 1] = {};
};

/// Both ways to find a row of A.
struct TileWidth {
  TileRow gathering, strided;

  const TileRow& rows(bool is_strided) const { return is_strided ? strided : gathering; }
};

/// All kernels of one instruction set.
struct TileKernels {
  base::Isa isa;
  int lanes;
  int max_vectors;
  StrassenRows strassen_rows;
  TileWidth widths[kMaxTileVectors + 1];  ///< by vectors, 1 … max_vectors
};

const TileKernels& tile_kernels(base::Isa isa);

}  // namespace wherry::kernels
