// The cost model of bf16 blocking, scratch, and what needs no knowledge of operands.

#include "kernels/matmul/bf16_walk.h"

#include <algorithm>

#include "base/check.h"
#include "base/checked_math.h"

namespace wherry::kernels {

// Defined in bf16_block_<isa>.cc.
#define WHERRY_BF16_BLOCK(isa) extern const Bf16Kernels kBf16Kernels_##isa;
#include "kernels/matmul/bf16_kernels.inc"
#undef WHERRY_BF16_BLOCK

const Bf16Kernels& bf16_kernels(base::Isa isa) {
#define WHERRY_BF16_BLOCK(isa_) \
  if (isa == base::Isa::isa_) return kBf16Kernels_##isa_;
#include "kernels/matmul/bf16_kernels.inc"
#undef WHERRY_BF16_BLOCK
  base::fail_check("a bf16 kernel for this instruction set", base::name_of(isa), __FILE__, __LINE__);
}

namespace {

// Of a present x86 server core with tiles, or of a Neoverse V1, in cycles and bytes a cycle. Wrong by a factor of two,
// they cost a few per cent.
constexpr double kStepCycles = 66;       ///< four tile products; or 128 of BFMMLA on 256 bits
constexpr double kDotStepCycles = 1024;  ///< of vdpbf16ps, one a cycle
constexpr double kFinishCycles = kBf16Gathers ? 300 : 110;
constexpr double kChunkCycles = 140;  ///< sums of a block out and in again
constexpr double kL1Bytes = 40 << 10;
constexpr double kL2Bytes = 1 << 20;
constexpr double kPartsL2Bytes = 3 << 19;  ///< CPUs with tiles have 2 MiB
constexpr double kL2Rate = 32;
constexpr double kGatherRate = 12;
constexpr double kForeignRate = 4;                  ///< of lines that lie changed in another core's cache
constexpr std::int64_t kMostChunkBytes = 32 << 10;  ///< of B

std::size_t round_up(std::int64_t bytes) { return static_cast<std::size_t>((bytes + 63) / 64 * 64); }

/// Chunks of depth for superblocks of `size` blocks. Neighbouring taps read the same pixels from L1, so only products
/// of one tap are cut.
std::int64_t chunks_for(const Bf16Problem& problem, std::int64_t size) {
  const bool one_tap = problem.gathers ? problem.shared_rows == 0 : problem.panels.taps == 1;
  const Bf16Panels& panels = problem.panels;
  return size > 1 && one_tap ? base::ceil_div(panels.all_steps(), kMostChunkBytes / (2 * panels.tile_bytes())) : 1;
}

double block_bytes(const Bf16Problem& problem) {
  return kBf16BlockRows * (problem.gathers
                               ? 2.0 * static_cast<double>(problem.panels.parts * problem.panels.padded_depth())
                               : static_cast<double>(problem.a_read_bytes));
}

/// Cycles of the busiest thread.
double cost(const Bf16Problem& problem, const Bf16Blocking& blocking) {
  const Bf16Panels& panels = problem.panels;
  // In blocks; only tiles take as long for a part of one.
  const double size = problem.locates ? std::min<double>(static_cast<double>(blocking.largest()),
                                                         static_cast<double>(problem.rows) / kBf16BlockRows)
                                      : static_cast<double>(blocking.largest());
  const auto steps = static_cast<double>(panels.all_steps());
  const double weights = problem.packs_b ? 0 : static_cast<double>(panels.bytes());
  const std::int64_t superblocks = problem.outer * blocking.superblocks;
  const auto items = static_cast<double>(base::ceil_div(superblocks * panels.count, problem.threads));
  const double visited = std::max(1.0, items / static_cast<double>(panels.count));  // superblocks of one thread
  const auto chunks = static_cast<double>(chunks_for(problem, blocking.largest()));
  const double a_block = block_bytes(problem);
  const double panel = 2.0 * static_cast<double>(panels.strip_bytes());

  // What a block brings from L2: its rows, unless those of the superblock stay in L1 from panel to panel; and the
  // panel, unless that stays from block to block.
  const double gathered =
      (size + static_cast<double>(problem.shared_blocks())) * static_cast<double>(problem.gathered_bytes());
  const double rows = problem.gathers ? gathered : size * a_block;
  const bool all_stay = weights + rows < kL1Bytes;
  const bool rows_stay = rows + panel / chunks < kL1Bytes;
  const bool panel_stays = panel / chunks < kL1Bytes && size > 1;
  const double a_rate = rows < (panels.parts > 1 ? kPartsL2Bytes : kL2Bytes) ? kL2Rate : kL3Rate;
  const double a_part = all_stay ? 0.0 : rows_stay ? 1.0 / static_cast<double>(panels.count) : 1.0;
  const double l2 = (all_stay || panel_stays ? 0 : panel / kL2Rate) + a_part * a_block / a_rate;
  const double step = problem.locates ? kDotStepCycles : panels.parts > 1 ? 6 * kStepCycles : kStepCycles;
  double block = std::max(steps * step, l2) + kFinishCycles + (chunks - 1) * kChunkCycles;
  // Results of a superblock are written panel by panel: parts of their rows, one line here and one there.
  const double y = size * kBf16BlockRows * static_cast<double>(panels.columns) * (problem.y_is_bf16 ? 2 : 4);
  block += y < 48 << 10 ? 0 : y < 160 << 10 ? 40 : y < 768 << 10 ? 160 : 250;
  // Weights come from L3 while the blocks before them compute: once where they stay in L2, else for each superblock.
  const double cold = std::max(size * block, panel / kL3Rate);
  const double warm = size * block;
  const double first_items = std::min(items, static_cast<double>(panels.count));
  double cycles = weights < kBf16ResidentBytes ? first_items * cold + (items - first_items) * warm : items * cold;
  if (problem.gathers) cycles += visited * gathered / kGatherRate;
  // Rows that another core has just written come slowly. If threads divide rows, each finds its own.
  const double read = std::min(1.0, visited / static_cast<double>(superblocks));
  const double foreign = std::max(0.0, read - 1.0 / problem.threads);
  const std::int64_t row_bytes = problem.gathers ? problem.a_read_bytes : problem.a_row_bytes;
  const std::int64_t y_bytes = panels.columns * (problem.y_is_bf16 ? 2 : 4);  // what the next layer finds
  cycles += foreign * static_cast<double>(problem.outer * problem.rows * (row_bytes + y_bytes)) / kForeignRate;
  if (problem.packs_b) cycles += items * panel * 2;
  return cycles;
}

/// Blocks of a superblock at most: its tables and gathered rows must stay small.
std::int64_t most_blocks(const Bf16Problem& problem) {
  constexpr std::int64_t kMostBlocks = 64;
  const std::int64_t most_gathered_bytes = problem.panels.parts > 1 ? 4 << 20 : 1 << 20;
  if (!problem.gathers) return kMostBlocks;
  return std::clamp<std::int64_t>(most_gathered_bytes / problem.gathered_bytes() - problem.shared_blocks(), 1,
                                  kMostBlocks);
}

}  // namespace

Bf16Blocking choose_bf16_blocking(const Bf16Problem& problem, const Choice& choice) {
  Bf16Blocking best;
  if (problem.rows == 0) return best;
  best.line_tiles = base::ceil_div(problem.line_rows, kBf16TileRows);
  best.tiles = problem.rows / problem.line_rows * best.line_tiles;
  best.blocks = base::ceil_div(best.tiles, 2);
  if (best.blocks == 0) return best;
  const std::int64_t fewest = base::ceil_div(best.blocks, most_blocks(problem));
  const bool chosen = choice.size() == 1 && choice[0] >= fewest && choice[0] <= best.blocks;
  if (chosen) best.superblocks = choice[0];
  double least = 0;
  for (std::int64_t superblocks = fewest; superblocks <= best.blocks && !chosen; ++superblocks) {
    // Threads divide rows evenly, or columns.
    if (superblocks != fewest && superblocks % problem.threads != 0 && best.blocks >= problem.threads) continue;
    Bf16Blocking candidate = best;
    candidate.superblocks = superblocks;
    const double cycles = cost(problem, candidate);
    if (best.superblocks == 0 || cycles < least * 0.99) {
      least = cycles;
      best.superblocks = superblocks;
    }
    // Larger images differ little from one count to the next.
    if (superblocks > 64) superblocks += superblocks / 16;
  }
  best.chunks = chunks_for(problem, best.largest());
  // Rows that are read once a panel had better stay out of L1 where the panel, or its chunk, would not survive them
  // there; a panel that does not fit, where a window's taps read the same rows again and again.
  const double chunk_bytes = 2.0 * static_cast<double>(problem.panels.strip_bytes()) / static_cast<double>(best.chunks);
  const bool rereads = !problem.gathers && problem.panels.taps > 1;
  if (rereads && chunk_bytes + block_bytes(problem) > kL1Bytes)
    best.streams = Bf16Streams::b;
  else if (!rereads && best.largest() > 1 && chunk_bytes < kL1Bytes &&
           chunk_bytes + block_bytes(problem) / static_cast<double>(best.chunks) > kL1Bytes)
    best.streams = Bf16Streams::a;
  return best;
}

double bf16_cycles(const Bf16Problem& problem) {
  const Bf16Blocking blocking = choose_bf16_blocking(problem);
  return blocking.blocks == 0 ? 0 : cost(problem, blocking);
}

std::vector<Choice> Bf16Walk::candidates() const {
  const Bf16Blocking model = choose_bf16_blocking(problem_);
  if (model.blocks == 0) return {};
  const std::int64_t fewest = base::ceil_div(model.blocks, most_blocks(problem_));
  const std::int64_t threads = problem_.threads;
  std::vector<Choice> candidates{{model.superblocks}};
  for (const std::int64_t superblocks :
       {fewest, model.superblocks / 2, model.superblocks * 2, model.superblocks * 4, model.superblocks - 1,
        model.superblocks + 1, base::ceil_div(model.superblocks, threads) * threads, threads, 2 * threads, 4 * threads,
        model.blocks}) {
    const Choice choice{std::clamp(superblocks, fewest, model.blocks)};
    if (std::find(candidates.begin(), candidates.end(), choice) == candidates.end()) candidates.push_back(choice);
  }
  return candidates;
}

Bf16Walk::Bf16Walk(const Bf16Problem& problem, base::Isa isa, const Choice& choice)
    : problem_(problem), kernels_(&bf16_kernels(isa)), blocking_(choose_bf16_blocking(problem, choice)) {
  element_bytes_ = static_cast<std::int64_t>(size_of(problem.y_dtype));
  constexpr std::size_t kBlockBytes = kBf16BlockRows * kBf16BlockColumns * sizeof(float);
  const std::int64_t blocks = blocking_.blocks == 0 ? 0 : blocking_.largest();
  results_at_ = static_cast<std::size_t>(blocking_.chunks > 1 ? std::max<std::int64_t>(blocks, 2) : 2) * kBlockBytes;
  tables_at_ = results_at_ + kBlockBytes;
  blocks_at_ = tables_at_ + round_up((problem.locates ? 4 : 3) * blocks * kBf16BlockRows *
                                     static_cast<std::int64_t>(sizeof(std::int64_t)));
  row_at_ = blocks_at_ + round_up(blocks * static_cast<std::int64_t>(sizeof(Block)));
  gathered_at_ = row_at_ + (problem.gathers ? round_up(problem.a_element_bytes() * problem.panels.padded_depth()) : 0);
  packed_at_ =
      gathered_at_ + (problem.gathers ? round_up((blocks + problem.shared_blocks()) * problem.gathered_bytes()) : 0);
  for (std::int64_t tap = 0; tap < problem.shared_taps(); ++tap)
    gathered_tap_bytes_.push_back(
        problem.shared_rows == 0 ? 0 : tap * (problem.shared_rows / problem.line_rows) * problem.gathered_bytes());
  scratch_bytes_ = packed_at_ + (problem.packs_b ? round_up(2 * problem.panels.strip_bytes()) : 0);
}

std::int64_t Bf16Walk::weight_offset(std::int64_t item) const {
  const Bf16Panels& panels = problem_.panels;
  return panels.count == 0 || problem_.packs_b ? 0 : panels.offset(item % panels.count);
}

Bf16Walk::Scratch Bf16Walk::divide(void* memory) const noexcept {
  auto* const bytes = static_cast<std::byte*>(memory);
  Scratch scratch;
  scratch.sums = reinterpret_cast<float*>(bytes);
  scratch.results = reinterpret_cast<float*>(bytes + results_at_);
  scratch.y_offsets = reinterpret_cast<std::int64_t*>(bytes + tables_at_);
  const std::int64_t rows = (blocking_.blocks == 0 ? 0 : blocking_.largest()) * kBf16BlockRows;
  scratch.pixels = scratch.y_offsets + rows;
  scratch.residual_offsets = scratch.pixels + rows;
  scratch.row_bytes = scratch.residual_offsets + rows;
  scratch.blocks = reinterpret_cast<Block*>(bytes + blocks_at_);
  scratch.row = bytes + row_at_;
  scratch.gathered = bytes + gathered_at_;
  scratch.packed = bytes + packed_at_;
  return scratch;
}

void Bf16Walk::run_program(const Epilogue& epilogue, EpilogueOrigin origin, const Bf16Finish& finish,
                           const std::int64_t* pixels, const float* results, std::byte* y,
                           std::int64_t y_row_stride) const noexcept {
  const std::int64_t step = y_row_stride * element_bytes_;
  for (int r = 0; r < finish.rows;) {
    if (finish.y_offsets[r] < 0) {
      ++r;
      continue;
    }
    int end = r + 1;
    while (end < finish.rows && finish.y_offsets[end] == finish.y_offsets[end - 1] + step &&
           pixels[end] == pixels[end - 1] + 1)
      ++end;
    origin.row = pixels[r];
    run_epilogue_program(epilogue, origin, results + r * kBf16BlockColumns, kBf16BlockColumns, y + finish.y_offsets[r],
                         y_row_stride, end - r, finish.columns);
    r = end;
  }
}

}  // namespace wherry::kernels
