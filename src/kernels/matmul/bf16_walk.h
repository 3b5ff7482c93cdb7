#pragma once
// The walk over a bf16 product: rows in blocks, blocks in superblocks, columns in panels. An item is one superblock
// times one panel. How rows of A are found, and where results go, is the business of matmul and convolution.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <utility>
#include <vector>

#include "base/checked_math.h"
#include "kernels/choice.h"
#include "kernels/matmul/bf16_block.h"
#include "kernels/matmul/bf16_panels.h"
#include "kernels/matmul/block.h"
#include "kernels/tile.h"

namespace wherry::kernels {

/// Weights of at most so many bytes stay in a core's L2 from one superblock to the next.
inline constexpr std::int64_t kBf16ResidentBytes = 1 << 20;

/// Bytes a cycle that a core gets from L3, for the cost models.
inline constexpr double kL3Rate = 6;

struct Bf16Problem {
  Bf16Panels panels;
  std::int64_t outer = 1;  ///< independent products: groups or batch elements
  std::int64_t rows = 0;   ///< of A, each product
  /// Tiles never span two lines of so many rows each (all rows, unless A's stride changes from line to line). A line
  /// that is read where it lies has at least 16.
  std::int64_t line_rows = 0;
  bool gathers = false;  ///< A is brought into tiles' order first; else it is read where it lies
  /// Each row of A is found by itself, so that there is one line: for kernels with rows_anywhere that do not gather.
  bool locates = false;
  bool packs_b = false;  ///< B is an activation: packed by whoever uses it
  /// Of the pieces that every row to gather has, each a tap's, as Bf16AlikeRows has them; 0 where rows differ.
  std::int64_t piece_elements = 0;
  /// Where not 0, a row's second piece is the first of the row so many rows on, and so forth, so that rows are gathered
  /// with their first piece alone, and once for all that share it. line_rows divides it, and is of one block.
  std::int64_t shared_rows = 0;
  std::int64_t a_row_bytes = 0;   ///< of A read where it lies: between neighbouring rows …
  std::int64_t a_read_bytes = 0;  ///< … and how much of memory a row adds
  bool y_is_even = false;         ///< rows of y that follow each other lie at even distances, all through a product
  bool y_is_bf16 = true;
  DType y_dtype = DType::bf16;
  int threads = 1;

  /// Of the elements of A as they lie in memory: those of parts are fp32 numbers.
  std::int64_t a_element_bytes() const { return panels.parts == 1 ? 2 : 4; }
  /// Pieces of a row, which are the taps of a block, where rows are shared; else 1.
  std::int64_t shared_taps() const { return shared_rows == 0 ? 1 : panels.padded_depth() / piece_elements; }
  /// Blocks of rows that are gathered beyond those of the results.
  std::int64_t shared_blocks() const { return shared_rows == 0 ? 0 : (shared_taps() - 1) * (shared_rows / line_rows); }
  /// Of a block's gathered rows.
  std::int64_t gathered_bytes() const {
    return kBf16BlockRows * 2 * panels.parts * panels.padded_depth() / shared_taps();
  }
};

/// How the work is cut. Tiles of 16 rows pair up to blocks; the last block may be a single tile.
struct Bf16Blocking {
  std::int64_t line_tiles = 0;
  std::int64_t tiles = 0;
  std::int64_t blocks = 0;
  std::int64_t superblocks = 0;  ///< of blocks, differing by at most one
  std::int64_t chunks = 1;       ///< of depth: a panel's chunk stays in L1 while the blocks pass
  Bf16Streams streams = Bf16Streams::none;

  std::int64_t first_block(std::int64_t superblock) const { return blocks * superblock / superblocks; }
  std::int64_t largest() const { return (blocks + superblocks - 1) / superblocks; }
};

/// What `choice` says, {superblocks}; the cost model's where it is empty or does not fit.
Bf16Blocking choose_bf16_blocking(const Bf16Problem& problem, const Choice& choice = {});

/// What the cost model expects of its own choice, in cycles of the busiest thread.
double bf16_cycles(const Bf16Problem& problem);

class Bf16Walk {
 public:
  Bf16Walk(const Bf16Problem& problem, base::Isa isa, const Choice& choice = {});

  const Bf16Kernels& kernels() const { return *kernels_; }
  const Bf16Panels& panels() const { return problem_.panels; }
  std::int64_t items() const { return problem_.outer * blocking_.superblocks * problem_.panels.count; }
  std::size_t scratch_bytes() const { return scratch_bytes_; }
  /// Where in a group's packed weights an item begins to read, in bytes.
  std::int64_t weight_offset(std::int64_t item) const;
  /// Numbers of superblocks worth measuring, the cost model's first.
  std::vector<Choice> candidates() const;

  /// Computes items [begin, end). Operands has, for each of the `outer` products:
  ///   const std::byte* a(outer, line)                  first row of a line, where A is read where it lies, or of all
  ///                                                    where its rows are alike
  ///   void locate(row, count, bytes)                   from there to each of `count` rows, alike or located
  ///   void gather(outer, row, i, Bf16GatherTask& task) else: fills task.pieces and task.count for one row, the i-th of
  ///                                                    those that are gathered together
  ///   const std::byte* panel(outer, panel, scratch)    packed B; `scratch` has room for a panel where B is an
  ///   activation void outputs(outer, row, count, offsets, pixels) bytes from y's first column, or negative where a row
  ///   is no result EpilogueOrigin origin(outer)                     where the epilogue's operands start; column is y's
  ///   first too
  /// `next` (or null) is what the thread will read after this run: the last panel brings its first bytes to L2.
  template <class Operands>
  void run(Operands& operands, const std::int64_t* tap_bytes, const Epilogue& epilogue, const void* next, void* y,
           std::int64_t y_row_stride, std::int64_t begin, std::int64_t end, void* scratch) const noexcept;

 private:
  struct Block {
    const std::byte* a[2];
    int row_tiles, rows;
    bool even;  ///< as Bf16Finish has it
  };
  struct Scratch {
    float* sums;  ///< a block each of the superblock, or two that take turns
    float* results;
    std::int64_t* y_offsets;
    std::int64_t* pixels;
    std::int64_t* residual_offsets;
    std::int64_t* row_bytes;  ///< of located rows
    Block* blocks;
    std::byte* row;
    std::byte* gathered;
    std::byte* packed;
  };
  Scratch divide(void* scratch) const noexcept;
  /// Brings rows [first, first + count) of A to a tile at `to`, in the order that `task` reads; `row` is scratch.
  template <class Operands>
  void gather_tile(Operands& operands, const std::int64_t* tap_bytes, std::int64_t outer, std::int64_t first,
                   std::int64_t count, const Bf16BlockTask& task, std::byte* to, std::byte* row) const noexcept;
  /// Runs the epilogue's program over the finished fp32 results of a block.
  void run_program(const Epilogue& epilogue, EpilogueOrigin origin, const Bf16Finish& finish,
                   const std::int64_t* pixels, const float* results, std::byte* y,
                   std::int64_t y_row_stride) const noexcept;

  Bf16Problem problem_;
  const Bf16Kernels* kernels_;
  Bf16Blocking blocking_;
  std::vector<std::int64_t> gathered_tap_bytes_;
  std::int64_t element_bytes_;
  std::size_t results_at_, tables_at_, blocks_at_, row_at_, gathered_at_, packed_at_, scratch_bytes_;
};

template <class Operands>
void Bf16Walk::gather_tile(Operands& operands, const std::int64_t* tap_bytes, std::int64_t outer, std::int64_t first,
                           std::int64_t count, const Bf16BlockTask& task, std::byte* to,
                           std::byte* row) const noexcept {
  const std::int64_t depth = problem_.panels.padded_depth();
  if (problem_.piece_elements != 0) {
    std::int64_t row_bytes[kBf16TileRows];
    operands.locate(first, count, row_bytes);
    const std::int64_t pieces = problem_.shared_rows == 0 ? depth / problem_.piece_elements : 1;
    kernels_->gather_alike(
        {operands.a(outer, 0), row_bytes, count, tap_bytes, pieces, problem_.piece_elements, to, task.a_step_bytes});
    return;
  }
  for (std::int64_t r = 0; r < count; r += kBf16GatherRows) {
    Bf16GatherTask rows[kBf16GatherRows];
    const int together = static_cast<int>(std::min<std::int64_t>(kBf16GatherRows, count - r));
    for (int i = 0; i < together; ++i) {
      rows[i].depth = depth;
      rows[i].step = task.step;
      rows[i].to = to + (r + i) * task.a_row_bytes;
      rows[i].step_bytes = task.a_step_bytes;
      rows[i].row = row;
      operands.gather(outer, first + r + i, i, rows[i]);
    }
    if (problem_.panels.parts > 1)
      for (int i = 0; i < together; ++i) kernels_->gather_parts(rows[i]);
    else
      kernels_->gather(rows, together);
  }
}

template <class Operands>
void Bf16Walk::run(Operands& operands, const std::int64_t* tap_bytes, const Epilogue& epilogue, const void* next,
                   void* y, std::int64_t y_row_stride, std::int64_t begin, std::int64_t end,
                   void* memory) const noexcept {
  if (begin >= end) return;
  const Bf16Panels& panels = problem_.panels;
  const Scratch scratch = divide(memory);
  constexpr float kInfinity = std::numeric_limits<float>::infinity();

  Bf16BlockTask task;
  task.row_bytes = nullptr;
  task.step = panels.step;
  task.parts = panels.parts;
  if (problem_.gathers) {
    task.a_row_bytes = std::int64_t{2} * panels.step;
    task.a_step_bytes = kBf16BlockRows * task.a_row_bytes * panels.parts;
    task.tap_bytes = gathered_tap_bytes_.data();
    task.taps = problem_.shared_taps();
    task.steps = panels.all_steps() / task.taps;
  } else {
    task.a_row_bytes = problem_.a_row_bytes;
    task.a_step_bytes = std::int64_t{2} * panels.step;
    task.tap_bytes = tap_bytes;
    task.taps = panels.taps;
    task.steps = panels.steps;
  }
  const bool program = epilogue.program != nullptr;
  const auto residual_bytes = static_cast<std::int64_t>(size_of(epilogue.residual_dtype));
  const std::int64_t y_row_bytes = y_row_stride * element_bytes_;
  Bf16Finish finishes[2];
  for (Bf16Finish& each : finishes) {
    each.y_is_bf16 = !program && problem_.y_is_bf16;
    each.residual_kind = epilogue.residual == nullptr             ? Bf16Finish::Residual::none
                         : epilogue.residual_dtype == DType::bf16 ? Bf16Finish::Residual::bf16
                                                                  : Bf16Finish::Residual::f32;
    each.activation = epilogue.activation;
    each.clamp_low = epilogue.low > -kInfinity;
    each.clamp_high = epilogue.high < kInfinity;
    each.low = epilogue.low;
    each.high = epilogue.high;
    each.next = each.rows = 0;
    each.y_step = y_row_bytes;
    each.residual_step = epilogue.residual_row_stride * residual_bytes;
  }
  static constexpr std::int64_t kDense[kBf16BlockRows] = {
      0,    128,  256,  384,  512,  640,  768,  896,  1024, 1152, 1280, 1408, 1536, 1664, 1792, 1920,
      2048, 2176, 2304, 2432, 2560, 2688, 2816, 2944, 3072, 3200, 3328, 3456, 3584, 3712, 3840, 3968};

  alignas(64) float tail_bias[kBf16BlockColumns] = {};
  const float* bias = tail_bias;
  const std::int64_t all_steps = task.steps;  // of a tap
  task.streams = blocking_.streams;

  kernels_->begin(panels.step);
  Bf16Finish* pending = nullptr;
  Bf16Sums in_tiles;
  const auto finish_last = [&] {
    kernels_->settle(in_tiles);
    if (pending != nullptr) kernels_->finish(*pending, kBf16BlockRows);
    pending = nullptr;
  };
  std::int64_t last = -1;
  int turn = 0;
  std::int64_t blocks = 0;
  EpilogueOrigin origin;
  for (std::int64_t item = begin; item < end; ++item) {
    const std::int64_t panel = item % panels.count, superblock = item / panels.count;
    const std::int64_t outer = superblock / blocking_.superblocks;
    if (superblock != last) {
      // The tables are about to change: finish what still reads them.
      finish_last();
      const std::int64_t first = blocking_.first_block(superblock % blocking_.superblocks);
      blocks = blocking_.first_block(superblock % blocking_.superblocks + 1) - first;
      for (std::int64_t b = 0; b < blocks; ++b) {
        Block& block = scratch.blocks[b];
        block.row_tiles = 2 * (first + b) + 1 < blocking_.tiles ? 2 : 1;
        block.rows = 0;
        for (int t = 0; t < block.row_tiles; ++t) {
          const std::int64_t tile = 2 * (first + b) + t;
          const std::int64_t line = tile / blocking_.line_tiles;
          const std::int64_t row = tile % blocking_.line_tiles * kBf16TileRows;  // in the line
          const std::int64_t left = problem_.line_rows - row;
          const std::int64_t here = left < kBf16TileRows ? left : std::int64_t{kBf16TileRows};
          std::int64_t* const offsets = scratch.y_offsets + b * kBf16BlockRows + t * kBf16TileRows;
          std::int64_t* const pixels = scratch.pixels + b * kBf16BlockRows + t * kBf16TileRows;
          const std::int64_t at = line * problem_.line_rows + row;
          if (problem_.gathers || problem_.locates) {
            block.rows += static_cast<int>(here);
            operands.outputs(outer, at, here, offsets, pixels);
            for (std::int64_t r = here; r < kBf16TileRows; ++r) offsets[r] = -1, pixels[r] = 0;
            if (problem_.gathers) {
              std::byte* const to =
                  scratch.gathered + b * problem_.gathered_bytes() + t * kBf16TileRows * task.a_row_bytes;
              block.a[t] = to;
              gather_tile(operands, tap_bytes, outer, at, here, task, to, scratch.row);
            } else {
              block.a[t] = operands.a(outer, 0);
              operands.locate(at, here, scratch.row_bytes + b * kBf16BlockRows + t * kBf16TileRows);
            }
          } else {
            // Tiles always read 16 rows: the last one of a line moves up, over rows that the one before computes.
            const std::int64_t over = kBf16TileRows - here;
            block.a[t] = operands.a(outer, line) + (row - over) * task.a_row_bytes;
            block.rows += kBf16TileRows;
            for (std::int64_t r = 0; r < over; ++r) offsets[r] = -1, pixels[r] = 0;
            operands.outputs(outer, at, here, offsets + over, pixels + over);
          }
        }
      }
      // What the last blocks share with rows that are not of this superblock.
      for (std::int64_t b = blocks; b < blocks + problem_.shared_blocks(); ++b)
        for (int t = 0; t < 2; ++t) {
          const std::int64_t row = t * kBf16TileRows;
          gather_tile(operands, tap_bytes, outer, (first + b) * problem_.line_rows + row,
                      std::min<std::int64_t>(kBf16TileRows, problem_.line_rows - row), task,
                      scratch.gathered + b * problem_.gathered_bytes() + row * task.a_row_bytes, scratch.row);
        }
      if (epilogue.residual != nullptr) {
        const std::int64_t row_bytes = epilogue.residual_row_stride * residual_bytes;
        for (std::int64_t b = 0; b < blocks; ++b)
          for (std::int64_t r = b * kBf16BlockRows; r < b * kBf16BlockRows + scratch.blocks[b].rows; ++r)
            scratch.residual_offsets[r] = scratch.pixels[r] * row_bytes;
      }
      for (std::int64_t b = 0; b < blocks; ++b) {
        Block& block = scratch.blocks[b];
        const std::int64_t first_row = b * kBf16BlockRows, last_row = first_row + block.rows - 1;
        block.even = problem_.y_is_even && scratch.y_offsets[first_row] >= 0 && scratch.y_offsets[last_row] >= 0 &&
                     scratch.pixels[last_row] - scratch.pixels[first_row] == block.rows - 1;
      }
      origin = operands.origin(outer);
      last = superblock;
    }
    const std::int64_t first_column = panels.first_column(panel);
    const std::byte* const packed = operands.panel(outer, panel, scratch.packed);
    task.column_tiles = panels.column_tiles(panel);
    // The next panel follows this one in memory; each block asks for its share. Where the weights stay in L2, the first
    // superblock brings them there.
    const std::int64_t step_bytes = task.column_tiles * panels.tile_bytes();
    task.prefetch = packed + task.column_tiles * panels.strip_bytes();
    const bool wanted = panel + 1 < panels.count && !problem_.packs_b &&
                        (superblock == begin / panels.count || panels.bytes() > kBf16ResidentBytes);
    const bool next_run = item + 1 == end && next != nullptr;
    if (next_run) task.prefetch = static_cast<const std::byte*>(next);
    task.prefetch_lines = wanted || next_run ? base::ceil_div(step_bytes, 64 * blocks) : 0;
    const int columns = panels.columns_of(panel);
    const std::int64_t y_column = origin.column + first_column;
    if (epilogue.bias != nullptr) {
      bias = epilogue.bias + y_column;
      if (columns < kBf16BlockColumns) {
        std::memcpy(tail_bias, bias, static_cast<std::size_t>(columns) * sizeof(float));
        bias = tail_bias;
      }
    }
    // Depth in chunks, all blocks through each; a tap is never cut where there are several.
    const std::int64_t chunks = blocks > 1 ? blocking_.chunks : 1;
    for (std::int64_t chunk = 0; chunk < chunks; ++chunk) {
      const bool last_chunk = chunk + 1 == chunks;
      const std::int64_t first_step = all_steps * chunk / chunks;
      task.steps = all_steps * (chunk + 1) / chunks - first_step;
      task.b = packed + first_step * step_bytes;
      for (std::int64_t b = 0; b < blocks; ++b) {
        const Block& block = scratch.blocks[b];
        for (int t = 0; t < block.row_tiles; ++t) task.a[t] = block.a[t] + first_step * task.a_step_bytes;
        if (problem_.locates) task.row_bytes = scratch.row_bytes + b * kBf16BlockRows;
        task.rows = block.rows;
        task.row_tiles = block.row_tiles;
        task.sums = scratch.sums + (chunks > 1 ? b : turn) * kBf16BlockRows * kBf16BlockColumns;
        task.adds = chunk > 0;
        Bf16Finish& finish = finishes[turn];
        finish.sums = task.sums;
        finish.residual_offsets = scratch.residual_offsets + b * kBf16BlockRows;
        finish.next = 0;
        finish.rows = block.rows;
        finish.even = block.even;
        finish.columns = columns;
        finish.bias = bias;
        if (epilogue.residual != nullptr) {
          finish.residual =
              static_cast<const std::byte*>(epilogue.residual) + (origin.residual_offset + y_column) * residual_bytes;
        }
        std::byte* const to = static_cast<std::byte*>(y) + y_column * element_bytes_;
        finish.y = to;
        finish.y_offsets = scratch.y_offsets + b * kBf16BlockRows;
        if (kernels_->finishes_itself)
          kernels_->block(task, last_chunk && !program ? &finish : nullptr, in_tiles);
        else
          kernels_->block(task, std::exchange(pending, nullptr), in_tiles);
        task.prefetch += task.prefetch_lines * 64 * task.taps * task.steps;
        if (!last_chunk) continue;
        if (program) {
          // Into fp32 rows first, all of them, then through the program.
          finish.y = reinterpret_cast<std::byte*>(scratch.results);
          finish.y_offsets = kDense;
          kernels_->settle(in_tiles);
          kernels_->finish(finish, kBf16BlockRows);
          finish.y_offsets = scratch.y_offsets + b * kBf16BlockRows;
          EpilogueOrigin at = origin;
          at.column = y_column;
          run_program(epilogue, at, finish, scratch.pixels + b * kBf16BlockRows, scratch.results, to, y_row_stride);
        } else if (!kernels_->finishes_itself) {
          pending = &finish;
          turn ^= 1;
        }
      }
    }
    // What is still pending reads sums that the next panel's first chunk may overwrite.
    if (chunks > 1) finish_last();
  }
  finish_last();
  kernels_->end();
}

}  // namespace wherry::kernels
