#pragma once
// How a matmul's work is cut: tiles into blocks, depth into chunks that stay in cache, blocks and panels into work
// items. The choice is a small cost model; nothing here touches data.

#include <cstdint>
#include <vector>

#include "kernels/choice.h"
#include "kernels/matmul/panels.h"
#include "kernels/matmul/tile_kernels.h"

namespace wherry::kernels {

/// What the cost model knows of a problem: `outer` independent products of rows × (taps · depth) by columns.
struct BlockingProblem {
  std::int64_t outer = 1;  ///< batch elements, groups, …: items never span two
  std::int64_t rows = 0;
  std::int64_t taps = 1;
  std::int64_t depth = 0;            ///< per tap
  std::int64_t a_bytes_per_row = 0;  ///< of A that a row adds to the working set
  bool strided = false;              ///< rows of A have one stride, elements of a row are neighbours, one tap
  std::int64_t a_row_stride = 0;     ///< elements, of a strided problem
  bool gathered = false;             ///< rows of A are gathered into scratch: strided, and always copied
  bool shared_b = true;              ///< false: each outer element has its own B, packed by whoever uses it
  int threads = 1;
};

struct Blocking {
  std::int64_t rows = 0;
  std::int64_t tiles = 0;   ///< of at most tile_rows rows, differing by at most one
  std::int64_t blocks = 0;  ///< of tiles, differing by at most one
  std::int64_t tile_rows = 0;
  std::int64_t chunk_taps = 1;     ///< depth is cut into chunks of whole taps …
  std::int64_t chunk_depth = 0;    ///< … or, where that is less than depth, of parts of one tap
  bool strided = false;            ///< which kernels run
  std::int64_t copied_stride = 0;  ///< not 0: whoever runs a block copies its rows of A to scratch, so far apart
  bool panels_outer = false;       ///< consecutive items walk blocks (true) or panels (false)

  std::int64_t first_tile(std::int64_t block) const { return tiles * block / blocks; }
  std::int64_t first_row(std::int64_t tile) const { return rows * tile / tiles; }
  std::int64_t first_row_of_block(std::int64_t block) const { return first_row(first_tile(block)); }
  std::int64_t max_block_rows() const;
  /// Scratch for the copied rows of A, in elements.
  std::int64_t copied_elements() const { return copied_stride * max_block_rows(); }

  /// What to bring to L2 while a block is multiplied by a panel: the part [begin, end) of the next panel of B.
  struct Part {
    std::int64_t begin = 0, end = 0;
  };
  /// `elements` of B a panel has; `first` where the thread reads this panel for the first time in a run.
  Part prefetched(std::int64_t block, std::int64_t elements, bool first) const {
    if (panels_outer) return {elements * block / blocks, elements * (block + 1) / blocks};
    return first ? Part{0, elements} : Part{};
  }
};

/// Rows of a tile for products of this depth, all taps together.
std::int64_t most_tile_rows(const TileRow& kernels, std::int64_t depth);

/// What `choice` says, {blocks, chunk_taps, chunk_depth, panels_outer}; the cost model's where it is empty or does not
/// fit.
Blocking choose_blocking(const TileKernels& kernels, const Panels& panels, const BlockingProblem& problem,
                         const Choice& choice = {});

/// Blockings worth measuring, the cost model's first: other block counts and the other order around it, and other
/// chunks of depth. Empty where there is nothing to cut.
std::vector<Choice> blocking_candidates(const TileKernels& kernels, const Panels& panels,
                                        const BlockingProblem& problem);

}  // namespace wherry::kernels
