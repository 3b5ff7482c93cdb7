#pragma once
// One work item of a matmul or implicit-matmul convolution: a block of tiles times one panel, and its epilogue. Blocks
// of a micro-kernel's tiles are all that the families above share; how rows of A are found stays with them.

#include <cstdint>

#include "kernels/matmul/blocking.h"
#include "kernels/matmul/panels.h"
#include "kernels/matmul/tile_kernels.h"
#include "kernels/tile.h"

namespace wherry::kernels {

/// Where a block's epilogue operands are: `row` and `column` are the block's origin in the output.
struct EpilogueOrigin {
  std::int64_t row = 0;
  std::int64_t column = 0;
  std::int64_t residual_offset = 0;               ///< elements, of the batch element
  const std::int64_t* operand_offsets = nullptr;  ///< elements, one an operand; or null
};

/// The most operands that a program can have (Program allows 255 registers).
inline constexpr int kMaxEpilogueOperands = 255;

/// Runs epilogue.program over a block of accumulators and writes it out. `c` is the block's origin in the output.
void run_epilogue_program(const Epilogue& epilogue, const EpilogueOrigin& origin, const float* accumulators,
                          std::int64_t accumulator_stride, void* c, std::int64_t c_row_stride, std::int64_t rows,
                          std::int64_t columns) noexcept;

struct BlockTask {
  const TileKernels* kernels;
  const Blocking* blocking;
  std::int64_t taps, depth, depth_stride;
  std::int64_t first_tile, end_tile;
  const float* const* table;  ///< row pointers: tile by tile, [taps][rows of that tile]
  std::int64_t first;         ///< elements added to every row pointer (a group's first channel)
  const float* a;             ///< the block's first row where rows have one stride (the blocking is strided then) …
  std::int64_t a_row_stride;  ///< … instead of table and first; one tap, depth stride 1
  const float* panel;
  int vectors;
  std::int64_t columns;
  void* c;  ///< at the block's first row and column
  std::int64_t c_row_stride;
  const Epilogue* epilogue;
  EpilogueOrigin origin;
  Blocking::Part prefetch;  ///< elements past this panel, of what the next item reads
  float* accumulators;      ///< scratch, block rows × vectors · lanes
};

void compute_block(const BlockTask& task) noexcept;

/// Copies `rows` rows of `depth` elements, for blockings that want it.
void copy_rows(const float* a, std::int64_t a_row_stride, std::int64_t rows, std::int64_t depth, float* to,
               std::int64_t to_stride) noexcept;

}  // namespace wherry::kernels
