#pragma once
// The innermost contract of bf16 matmul and convolution: one block of up to 32 × 32 fp32 sums of bf16 products. While a
// block is multiplied, the rows of the block before it are finished (bias, residual, clamp, rounding), so that on AMX
// vector units and tile unit work at the same time.

#include <cstddef>
#include <cstdint>

#include "base/cpu.h"

namespace wherry::kernels {

inline constexpr int kBf16TileRows = 16;     ///< of A and of the sums
inline constexpr int kBf16TileColumns = 16;  ///< of B and of the sums
inline constexpr int kBf16BlockRows = 2 * kBf16TileRows;
inline constexpr int kBf16BlockColumns = 2 * kBf16TileColumns;
inline constexpr int kBf16MaxStep = 32;  ///< depth that one tile product covers

/// sums[r, j] = (adds ? sums[r, j] : 0) + Σ over taps t, steps s, k < step of A[t, s, r, k] · B[t, s, k, j].
/// A[t, s, r, k] is the bf16 at a[r / 16] + tap_bytes[t] + s · a_step_bytes + r % 16 · a_row_bytes + 2 · k.
struct Bf16BlockTask {
  const std::byte* a[2];  ///< one a row tile
  std::int64_t a_row_bytes;
  std::int64_t a_step_bytes;
  const std::int64_t* tap_bytes;
  std::int64_t taps, steps;  ///< ≥ 1
  int step;                  ///< even, 2 … 32
  int rows;                  ///< of interest; 16 · row_tiles rows of A must be readable, whatever they hold
  int row_tiles;             ///< 1 or 2
  int column_tiles;          ///< 1 or 2
  const std::byte* b;        ///< [tap][step][column tile][step / 2][16 columns][2]: pairs of neighbours in depth
  bool a_streams;            ///< A comes from beyond L1 and had better not displace B there
  bool adds;                 ///< to what an earlier chunk of depth left in sums

  float* sums;                  ///< [32][32], on a 64-byte boundary
  const std::byte* prefetch;    ///< what will be wanted next: each step asks L2 for …
  std::int64_t prefetch_lines;  ///< … so many cache lines of it and moves on
};

/// Rows of a block on their way out: y = clamp(sum + bias + residual, low, high), rounded to nearest even for a bf16 y.
struct Bf16Finish {
  enum class Residual : std::uint8_t { none, f32, bf16 };
  const float* sums;                     ///< [32][32]
  const std::int64_t* y_offsets;         ///< bytes from y, one a row; negative: this row is nobody's result
  const std::int64_t* residual_offsets;  ///< bytes from residual, one a row
  int next;                              ///< first row that is not finished
  int rows;
  int columns;  ///< that exist
  std::byte* y;
  bool y_is_bf16;  ///< else fp32
  Residual residual_kind;
  const std::byte* residual;
  bool clamp_low, clamp_high;  ///< NaN passes
  float low, high;
  const float* bias;  ///< [32]
};

/// A run of neighbouring elements of a row of A.
struct Bf16Piece {
  const std::byte* from;
  std::int64_t at;        ///< place in the row, in elements
  std::int64_t elements;  ///< > 0
};

/// Writes one row of A in the order that tiles load fast: element k goes to to + k / step · step_bytes + 2 · (k %
/// step). What no piece covers is zero, up to `depth`, a multiple of step. `row` is scratch of depth elements.
struct Bf16GatherTask {
  const Bf16Piece* pieces;
  std::int64_t count;
  std::int64_t depth;
  int step;
  std::byte* to;
  std::int64_t step_bytes;
  std::byte* row;
};

struct Bf16Kernels {
  base::Isa isa;
  void (*begin)(int step) noexcept;  ///< on each thread, before its blocks
  void (*end)() noexcept;            ///< and after them
  /// `pending` may be null; its rows may be finished during the block, in part.
  void (*block)(const Bf16BlockTask& task, Bf16Finish* pending) noexcept;
  /// The next `count` rows, or as many as are left.
  void (*finish)(Bf16Finish& finish, int count) noexcept;
  void (*gather)(const Bf16GatherTask& task) noexcept;
};

/// `isa` must have bf16.
const Bf16Kernels& bf16_kernels(base::Isa isa);

}  // namespace wherry::kernels
