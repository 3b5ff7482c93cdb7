#pragma once
// The innermost contract of bf16 matmul and convolution: one block of up to 32 × 32 fp32 sums of bf16 products. While a
// block is multiplied, the rows of the block before it are finished (bias, residual, clamp, rounding), so that on AMX
// vector units and tile unit work at the same time.

#include <cstddef>
#include <cstdint>

#include "base/cpu.h"
#include "kernels/activation.h"

namespace wherry::kernels {

inline constexpr int kBf16TileRows = 16;     ///< of A and of the sums
inline constexpr int kBf16TileColumns = 16;  ///< of B and of the sums
inline constexpr int kBf16BlockRows = 2 * kBf16TileRows;
inline constexpr int kBf16BlockColumns = 2 * kBf16TileColumns;

// What the bf16 instructions of an architecture share, and packed weights with them.
#if defined(__aarch64__)
/// BFMMLA multiplies four elements of depth of two rows by those of two columns: the quads of neighbours must be
/// neighbours in memory, so rows are gathered.
inline constexpr int kBf16MaxStep = 4;
inline constexpr int kBf16Group = 4;
inline constexpr bool kBf16Gathers = true;
inline constexpr int kBf16GatherRows = 8;  ///< at a time: their quads fill a cache line
#else
inline constexpr int kBf16MaxStep = 32;      ///< depth that one tile product covers
inline constexpr int kBf16Group = 2;         ///< elements of depth of a column that lie side by side in B
inline constexpr bool kBf16Gathers = false;  ///< whether A can be read in its tiles' order alone
inline constexpr int kBf16GatherRows = 1;
#endif

/// An fp32 number is the sum of so many bf16 ones: each takes 8 of its 24 bits.
inline constexpr int kBf16Parts = 3;

/// Which operand of a block is not worth keeping in L1.
enum class Bf16Streams : std::uint8_t { none, a, b };

/// sums[r, j] = (adds ? sums[r, j] : 0) + Σ over taps t, steps s, k < step of A[t, s, r, k] · B[t, s, k, j].
/// A[t, s, r, k] is the bf16 at a[r / 16] + tap_bytes[t] + s · a_step_bytes + r % 16 · a_row_bytes + 2 · k. Where A is
/// gathered, a step's rows of both tiles follow each other without gaps. Where row_bytes is not
/// null, A[t, s, r, k] is at a[0] + row_bytes[r] + tap_bytes[t] + s · a_step_bytes + 2 · k.
/// With kBf16Parts `parts`, each number of A and B is the sum of three bf16 ones, its parts, and six of the products
/// are summed: first part by first, second and third, second by first and second, third by first. (The others are below
/// what rounding to fp32 leaves.) A step holds its parts one after the other; A is then always gathered.
struct Bf16BlockTask {
  const std::byte* a[2];  ///< one a row tile
  std::int64_t a_row_bytes;
  const std::int64_t* row_bytes;  ///< for kernels whose rows may lie anywhere
  std::int64_t a_step_bytes;
  const std::int64_t* tap_bytes;
  std::int64_t taps, steps;  ///< ≥ 1
  int step;                  ///< a multiple of kBf16Group, at most kBf16MaxStep
  int rows;                  ///< of interest; else than with row_bytes, 16 · row_tiles rows of A must be readable
  int row_tiles;             ///< 1 or 2
  int column_tiles;          ///< 1 or 2
  int parts = 1;             ///< or kBf16Parts, by kernels with gather_parts
  const std::byte* b;        ///< [tap][step][part][column tile][step / kBf16Group][16 columns][kBf16Group]
  Bf16Streams streams;       ///< what comes from beyond L1 and had better not displace the other operand there
  bool adds;                 ///< to what an earlier chunk of depth left in sums

  float* sums;                  ///< [32][32], on a 64-byte boundary
  const std::byte* prefetch;    ///< what will be wanted next: each step asks L2 for …
  std::int64_t prefetch_lines;  ///< … so many cache lines of it and moves on
};

/// Rows of a block on their way out: y = activation(clamp(sum + bias + residual, low, high)), rounded to nearest even
/// for a bf16 y.
struct Bf16Finish {
  enum class Residual : std::uint8_t { none, f32, bf16 };
  const float* sums;                     ///< [32][32]
  const std::int64_t* y_offsets;         ///< bytes from y, one a row; negative: this row is nobody's result
  const std::int64_t* residual_offsets;  ///< bytes from residual, one a row
  bool even;                             ///< all rows are results, and both tables grow by one number a row: …
  std::int64_t y_step, residual_step;    ///< … these
  int next;                              ///< first row that is not finished
  int rows;
  int columns;  ///< that exist
  std::byte* y;
  bool y_is_bf16;  ///< else fp32
  Residual residual_kind;
  const std::byte* residual;
  bool clamp_low, clamp_high;  ///< NaN passes
  float low, high;
  Activation activation;
  const float* bias;  ///< [32]
};

/// Where the sums of the block that was multiplied last still have to be stored, null where they have been.
struct Bf16Sums {
  float* to = nullptr;
};

/// A run of neighbouring elements of a row of A.
struct Bf16Piece {
  const std::byte* from;
  std::int64_t at;        ///< place in the row, in elements
  std::int64_t elements;  ///< > 0
};

/// Writes one row of A in the order that tiles load fast: element k goes to to + k / step · step_bytes + 2 · (k %
/// step). What no piece covers is zero, up to `depth`, a multiple of step. `row` is scratch of depth elements of A.
struct Bf16GatherTask {
  const Bf16Piece* pieces;
  std::int64_t count;
  std::int64_t depth;
  int step;
  std::byte* to;
  std::int64_t step_bytes;
  std::byte* row;
};

/// Neighbouring rows of A that are alike, in the same order: each has the same pieces, of whole steps, one after the
/// other.
struct Bf16AlikeRows {
  const std::byte* from;
  const std::int64_t* row_bytes;    ///< from there to each row …
  std::int64_t rows;                ///< of one tile, from its first
  const std::int64_t* piece_bytes;  ///< … and from the row to each of its pieces
  std::int64_t pieces;
  std::int64_t elements;  ///< of a piece
  std::byte* to;
  std::int64_t step_bytes;
};

struct Bf16Kernels {
  base::Isa isa;
  bool rows_anywhere =
      false;  ///< reads rows of interest alone, and through row_bytes; else tiles of 16 at even distances
  bool finishes_itself = false;      ///< `block` is given its own rows to finish instead of those of the block before
  void (*begin)(int step) noexcept;  ///< on each thread, before its blocks
  void (*end)() noexcept;            ///< and after them
  /// Multiplies a block and finishes all rows of `pending`, the block before, or, where finishes_itself, its own (null
  /// for none). Where the sums of either are after the call, `in_tiles` says: the call before left it there, this one
  /// may leave its own.
  void (*block)(const Bf16BlockTask& task, Bf16Finish* pending, Bf16Sums& in_tiles) noexcept;
  /// Stores the sums that the last block left in the tiles, if any: before its rows are finished by `finish`.
  void (*settle)(Bf16Sums& in_tiles) noexcept;
  /// The next `count` rows, or as many as are left.
  void (*finish)(Bf16Finish& finish, int count) noexcept;
  /// Up to kBf16GatherRows rows of one tile, neighbours there.
  void (*gather)(const Bf16GatherTask* rows, int count) noexcept;
  void (*gather_alike)(const Bf16AlikeRows& rows) noexcept = nullptr;  ///< where kBf16Gathers, else null
  /// One row of A in parts: the pieces are of fp32 numbers, at the places of part 0 of a step; part p is p ·
  /// step_bytes / kBf16Parts further. Null where the kernels multiply no parts.
  void (*gather_parts)(const Bf16GatherTask& row) noexcept = nullptr;
};

/// `isa` must have bf16.
const Bf16Kernels& bf16_kernels(base::Isa isa);

}  // namespace wherry::kernels
