// The cost model of blocking.

#include "kernels/matmul/blocking.h"

#include <algorithm>

namespace wherry::kernels {
namespace {

// Of a present x86 server core. Wrong by a factor of two, they cost a few per cent.
constexpr std::int64_t kL2Bytes = 1 << 20;
constexpr std::int64_t kMaxPanelBytes = kL2Bytes * 3 / 8;  ///< beyond it depth is cut …
constexpr std::int64_t kChunkBytes = kL2Bytes / 8;         ///< … into chunks of about this
constexpr std::int64_t kMaxBlockABytes = kL2Bytes / 2;
constexpr std::int64_t kMaxBlockRows = 72;  ///< a block's fp32 results, 32 columns wide, stay in L1 with room to spare
/// Up to this depth, tiles of fewer rows: their beginnings and ends are a good part of them, and so many rows leave
/// enough registers for a tile to begin while the one before ends.
constexpr std::int64_t kShallowDepth = 160;
constexpr std::int64_t kShallowRows = 9;
constexpr std::int64_t kL1WayElements = 1024;    ///< rows so far apart fall into one set of L1 …
constexpr std::int64_t kFewestPanelsToCopy = 4;  ///< … but to copy them first takes a few per cent of a panel's time
constexpr std::int64_t kMaxGatheredBytes = kL2Bytes;
constexpr double kItemCycles = 150;
constexpr double kTileCycles = 30;

std::int64_t divide_up(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

/// Cycles of one tile: two multiply-adds and two loads a cycle, a latency of four.
double tile_cycles(double rows, double vectors, double depth, double chunks) {
  const double step = std::max({rows * vectors / 2, (rows + vectors) / 2, 4.0});
  return depth * step + chunks * (kTileCycles + rows * vectors);
}

/// Depth cut into chunks whose part of a panel is at most about `bytes`.
void cut_depth(Blocking& blocking, const BlockingProblem& problem, std::int64_t panel_row_bytes, std::int64_t bytes) {
  const std::int64_t depth = problem.taps * problem.depth;
  const std::int64_t chunk = divide_up(depth, divide_up(depth * panel_row_bytes, bytes));
  if (chunk >= problem.depth) {
    blocking.chunk_taps = divide_up(problem.taps, divide_up(problem.taps, chunk / problem.depth));
    blocking.chunk_depth = problem.depth;
  } else {
    blocking.chunk_taps = 1;
    blocking.chunk_depth = divide_up(problem.depth, divide_up(problem.depth, chunk));
  }
}

Choice choice_of(const Blocking& blocking) {
  return {blocking.blocks, blocking.chunk_taps, blocking.chunk_depth, blocking.panels_outer ? 1 : 0};
}

/// Takes the choice over where it fits: it may come from a file, and decides how large scratch is.
void apply(const Choice& choice, const BlockingProblem& problem, Blocking& blocking) {
  if (choice.size() != 4) return;
  Blocking chosen = blocking;
  chosen.blocks = choice[0];
  chosen.chunk_taps = choice[1];
  chosen.chunk_depth = choice[2];
  chosen.panels_outer = choice[3] == 1;
  if (chosen.blocks < 1 || chosen.blocks > chosen.tiles) return;
  if (chosen.chunk_taps < 1 || chosen.chunk_taps > problem.taps) return;
  if (chosen.chunk_depth < 1 || chosen.chunk_depth > problem.depth) return;
  if (chosen.chunk_depth < problem.depth && chosen.chunk_taps > 1) return;  // a chunk is one run of the packed panel
  if (!problem.shared_b && !chosen.panels_outer) return;
  if (chosen.max_block_rows() > 4 * kMaxBlockRows) return;
  blocking = chosen;
}

}  // namespace

std::int64_t most_tile_rows(const TileRow& kernels, std::int64_t depth) {
  return depth <= kShallowDepth ? std::min<std::int64_t>(kernels.max_rows, kShallowRows) : kernels.max_rows;
}

std::int64_t Blocking::max_block_rows() const {
  std::int64_t most = 0;
  for (std::int64_t block = 0; block < blocks; ++block)
    most = std::max(most, first_row_of_block(block + 1) - first_row_of_block(block));
  return most;
}

Blocking choose_blocking(const TileKernels& kernels, const Panels& panels, const BlockingProblem& problem,
                         const Choice& choice) {
  Blocking result;
  result.rows = problem.rows;
  result.chunk_taps = problem.taps;
  result.chunk_depth = problem.depth;
  if (problem.rows <= 0 || panels.count == 0) return result;
  const std::int64_t widest = panels.widest();
  result.strided = problem.strided;
  const std::int64_t depth = problem.taps * problem.depth;
  result.tile_rows = std::min(most_tile_rows(kernels.widths[widest].rows(problem.strided), depth), problem.rows);
  result.tiles = divide_up(problem.rows, result.tile_rows);

  const std::int64_t panel_row_bytes = widest * panels.lanes * 4;
  if (depth * panel_row_bytes > kMaxPanelBytes && result.tiles > 1) {
    cut_depth(result, problem, panel_row_bytes, kChunkBytes);
  }
  const double chunks = static_cast<double>(divide_up(problem.taps, result.chunk_taps) *
                                            divide_up(problem.depth, std::max<std::int64_t>(result.chunk_depth, 1)));

  // Blocks: few enough that an item is worth its overhead, many enough that threads end together.
  const double average_rows = static_cast<double>(problem.rows) / static_cast<double>(result.tiles);
  const double average_vectors = static_cast<double>(panels.vectors) / static_cast<double>(panels.count);
  const double tile = tile_cycles(average_rows, average_vectors, static_cast<double>(depth), chunks);
  std::int64_t most_rows = kMaxBlockRows;
  // Where B comes from memory, once for each block, rows may fill more of L2.
  const bool b_passes_by = depth * panels.vectors * panels.lanes * 4 > 4 * kL2Bytes && !problem.gathered;
  const std::int64_t most_a = b_passes_by ? kL2Bytes : kMaxBlockABytes;
  if (problem.a_bytes_per_row > 0) most_rows = std::min(most_rows, most_a / problem.a_bytes_per_row);
  const std::int64_t most_tiles = std::max<std::int64_t>(1, most_rows / result.tile_rows);
  const std::int64_t fewest = divide_up(result.tiles, most_tiles);
  double best = 0;
  for (std::int64_t blocks = fewest; blocks <= std::min(result.tiles, fewest * 8 + 64); ++blocks) {
    const std::int64_t items = problem.outer * panels.count * blocks;
    const double average = static_cast<double>(result.tiles) / static_cast<double>(blocks);
    const double largest = static_cast<double>(divide_up(result.tiles, blocks));
    const double cycles = static_cast<double>(divide_up(items, problem.threads)) * (average * tile + kItemCycles) +
                          (problem.threads > 1 ? (largest - average) * tile : 0);
    if (result.blocks == 0 || cycles < best * 0.995) {
      best = cycles;
      result.blocks = blocks;
    }
  }

  // Order: what is walked in the inner loop is read again by every step of the outer one, unless it stays in L2.
  if (!problem.shared_b) {
    result.panels_outer = true;
  } else {
    const double a_bytes = static_cast<double>(problem.rows * problem.a_bytes_per_row);
    const double b_bytes = static_cast<double>(depth * panels.vectors * panels.lanes * 4);
    const double threads = problem.threads;
    const double blocks_each = std::max(1.0, static_cast<double>(result.blocks) / threads);
    const double panels_each = std::max(1.0, static_cast<double>(panels.count) / threads);
    const double blocks_outer_bytes = a_bytes / threads + b_bytes * (b_bytes < kL2Bytes / 2 ? 1 : blocks_each);
    // Threads that divide the columns of C leave the next step, which mostly divides rows, with half of what it reads
    // in another core's cache.
    const double c_bytes = static_cast<double>(problem.rows * panels.vectors * panels.lanes * 4);
    const double panels_outer_bytes = b_bytes / threads + a_bytes * (a_bytes < kL2Bytes / 2 ? 1 : panels_each) +
                                      (problem.threads > 1 ? c_bytes / 2 : 0);
    result.panels_outer = panels_outer_bytes <= blocks_outer_bytes;
    // Whole blocks for every thread, then: shares of rows that are the same from step to step.
    const std::int64_t even = divide_up(result.blocks, problem.threads) * problem.threads;
    if (!result.panels_outer && even <= result.tiles) result.blocks = even;
    if (problem.gathered) {
      // A block is gathered once: large ones, so that B passes by few times; all rows in one if panels are outermost.
      result.panels_outer = a_bytes <= kMaxGatheredBytes && b_bytes >= kL2Bytes;
      const std::int64_t fewest_blocks = divide_up(problem.rows * problem.a_bytes_per_row, kMaxGatheredBytes);
      result.blocks =
          result.panels_outer ? 1 : std::min(result.tiles, divide_up(fewest_blocks, problem.threads) * problem.threads);
      result.copied_stride = (problem.depth + 15) / 16 * 16 + 16;
    } else if (problem.strided && problem.a_row_stride % kL1WayElements == 0 && panels.count >= kFewestPanelsToCopy &&
               result.tile_rows > 4 && (result.blocks == 1 || !result.panels_outer)) {
      result.copied_stride = (problem.depth + 15) / 16 * 16 + 16;
    }
  }
  apply(choice, problem, result);
  return result;
}

std::vector<Choice> blocking_candidates(const TileKernels& kernels, const Panels& panels,
                                        const BlockingProblem& problem) {
  const Blocking model = choose_blocking(kernels, panels, problem);
  if (problem.rows <= 0 || problem.depth <= 0 || panels.count == 0) return {};
  std::vector<Choice> candidates{choice_of(model)};
  const auto offer = [&](const Blocking& blocking) {
    Blocking fitting = model;
    apply(choice_of(blocking), problem, fitting);
    const Choice choice = choice_of(fitting);
    if (std::find(candidates.begin(), candidates.end(), choice) == candidates.end()) candidates.push_back(choice);
  };
  const auto offer_orders = [&](Blocking blocking) {
    offer(blocking);
    blocking.panels_outer = !blocking.panels_outer;
    offer(blocking);
  };
  offer_orders(model);
  const std::int64_t threads = problem.threads;
  for (const std::int64_t blocks : {model.blocks / 2, model.blocks * 2, model.blocks * 4,
                                    divide_up(model.blocks, threads) * threads, model.blocks - 1, model.blocks + 1}) {
    Blocking blocking = model;
    blocking.blocks = blocks;
    offer_orders(blocking);
  }
  const std::int64_t panel_row_bytes = panels.widest() * panels.lanes * 4;
  for (const std::int64_t bytes : {kChunkBytes / 4, kChunkBytes / 2, kChunkBytes, kChunkBytes * 2}) {
    Blocking blocking = model;
    cut_depth(blocking, problem, panel_row_bytes, bytes);
    offer(blocking);
  }
  Blocking whole = model;
  whole.chunk_taps = problem.taps;
  whole.chunk_depth = problem.depth;
  offer(whole);
  return candidates;
}

}  // namespace wherry::kernels
