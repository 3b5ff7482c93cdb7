// Strassen's algorithm in Winograd's form (S. Winograd, "On multiplication of 2 × 2 matrices", 1971), with the sums of
// B made when B is packed. Rows of A are halved into even and odd ones, so that what is combined are neighbours.

#include "kernels/matmul/strassen_matmul.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <string>

#include "base/checked_math.h"
#include "kernels/matmul/batch_element.h"
#include "kernels/matmul/block.h"
#include "kernels/matmul/tile_kernels.h"

namespace wherry::kernels {
namespace {

/// Rows of a block: as many as make reading the weights worth it, as few as leave the left factors in L2.
constexpr std::int64_t kMostBlockRows = 128, kFewestBlockRows = 64;
/// Rows so many elements apart fall into two sets of L1, a dozen of them into one way too many.
constexpr std::int64_t kCrowdedStride = 512;
constexpr std::int64_t kPairsAhead = 3;  ///< of rows, when left factors are made
/// Below these the sums cost more than the products they save.
constexpr std::int64_t kLeastDepth = 256, kLeastColumns = 128;
/// Below it the weights, of which there are 1.75 times as many bytes, may not come from memory in time.
constexpr std::int64_t kFewestRows = 64;
/// A large A comes from other caches while nothing is multiplied, which many columns pay for.
constexpr std::int64_t kBytesOfAForAColumn = 8 << 10, kColumnsForAnyA = 512;

/// The matrices of a pair, in the order of their use. B is cut into B11 B12 over B21 B22.
enum Factor { kB11, kB21, kT2, kT1, kB22, kT3, kMinusT4 };

class StrassenMatmul final : public Matmul {
 public:
  StrassenMatmul(const MatmulShape& shape, base::Isa isa, int threads);

  std::string_view name() const override { return name_; }
  std::int64_t items() const override { return batch_ * blocks_ * panels_.halves.count; }
  std::int64_t weight_offset(std::int64_t item) const override {
    return panels_.offset(item % panels_.halves.count) * static_cast<std::int64_t>(sizeof(float));
  }
  std::size_t scratch_bytes() const override { return static_cast<std::size_t>(scratch_elements_) * sizeof(float); }
  void run(const MatmulArguments& arguments, std::int64_t begin, std::int64_t end,
           void* scratch) const noexcept override;

 private:
  /// A block of rows, halved: `rows[0]` even ones and `rows[1]` odd ones, of which there may be one less.
  struct Block {
    std::int64_t first_row = 0;
    std::int64_t rows[2] = {};
    const float* a = nullptr;  ///< its first row
  };
  Block block_at(std::int64_t block) const {
    const std::int64_t pairs = base::ceil_div(shape_.rows, 2);
    const std::int64_t first = 2 * (pairs * block / blocks_);
    const std::int64_t end = std::min(shape_.rows, 2 * (pairs * (block + 1) / blocks_));
    return {first, {(end - first + 1) / 2, (end - first) / 2}, nullptr};
  }
  /// As few as may be that let `threads` end together.
  std::int64_t choose_blocks(int threads) const;
  void make_lefts(const Block& block, float* scratch) const noexcept;
  void run_pair(const MatmulArguments& arguments, const Block& block, std::int64_t pair, const EpilogueOrigin& origin,
                std::int64_t c_offset, float* scratch) const noexcept;

  MatmulShape shape_;
  const TileKernels& kernels_;
  StrassenPanels panels_;
  std::int64_t batch_ = 1, blocks_ = 0, half_rows_ = 0;
  std::int64_t left_stride_ = 0;  ///< of a row of a left factor
  bool copies_ = false;           ///< whether A's quarters are copied, as its sums are made
  std::int64_t sums_at_ = 0, result_at_ = 0, zeros_at_ = 0, scratch_elements_ = 0;
  std::string name_;
};

StrassenMatmul::StrassenMatmul(const MatmulShape& shape, base::Isa isa, int threads)
    : shape_(shape), kernels_(tile_kernels(isa)) {
  panels_ = strassen_panels({shape.depth, shape.columns}, kernels_);
  for (const std::int64_t size : shape.batch) batch_ *= size;
  blocks_ = choose_blocks(threads);
  half_rows_ = blocks_ == 0 ? 0 : base::ceil_div(base::ceil_div(shape.rows, 2), blocks_);
  left_stride_ = (base::ceil_div(panels_.half_depth, 16) | 1) * 16;
  copies_ = 2 * shape.a_row_stride % kCrowdedStride == 0;
  sums_at_ = (copies_ ? kStrassenLefts : kA11) * half_rows_ * left_stride_;
  const std::int64_t width = panels_.halves.widest() * panels_.halves.lanes;
  result_at_ = sums_at_ + base::round_up(3 * half_rows_ * width, 16);
  zeros_at_ = result_at_ + 4 * half_rows_ * width;
  scratch_elements_ = zeros_at_ + shape.depth;
  const TileRow& tiles = kernels_.widths[panels_.halves.widest()].strided;
  name_ = fmt::format("f32_strassen_{}x{}_{}", std::min<std::int64_t>(tiles.max_rows, half_rows_), width,
                      base::name_of(base::fp32_isa(isa)));
}

std::int64_t StrassenMatmul::choose_blocks(int threads) const {
  const std::int64_t fewest = base::ceil_div(shape_.rows, kMostBlockRows);
  const std::int64_t most = std::max(fewest, shape_.rows / kFewestBlockRows), pairs = panels_.halves.count;
  if (pairs == 0) return fewest;
  std::int64_t best = fewest;
  double least = 0;
  for (std::int64_t blocks = fewest; blocks <= most; ++blocks) {
    // In vectors of A: seven products by half a pair's columns each, and the left factors of each block begun.
    constexpr double kCyclesOfLefts = 32;
    const std::int64_t items = base::ceil_div(batch_ * blocks * pairs, threads);
    const double products = 7 * static_cast<double>(panels_.halves.widest() * panels_.halves.lanes) / 2;
    const double rows = static_cast<double>(shape_.rows) / static_cast<double>(blocks);
    const double cycles = rows * (static_cast<double>(items) * products +
                                  static_cast<double>(base::ceil_div(items, pairs)) * kCyclesOfLefts);
    if (blocks > fewest && cycles >= least * 0.98) continue;
    least = cycles;
    best = blocks;
  }
  return best;
}

void StrassenMatmul::make_lefts(const Block& block, float* scratch) const noexcept {
  const float* const a = block.a;
  float* const zeros = scratch + zeros_at_;
  if (block.rows[1] < block.rows[0]) std::fill_n(zeros, shape_.depth, 0.0f);
  for (std::int64_t r = 0; r < block.rows[0]; ++r) {
    const float* const even = a + 2 * r * shape_.a_row_stride;
    const float* const odd = r < block.rows[1] ? even + shape_.a_row_stride : zeros;
    // Halves of rows are short for a core to guess what comes next.
    if (const std::int64_t ahead = 2 * (r + kPairsAhead); ahead + 1 < block.rows[0] + block.rows[1])
      for (std::int64_t row = ahead; row < ahead + 2; ++row)
        for (std::int64_t k = 0; k < shape_.depth; k += 16) __builtin_prefetch(a + row * shape_.a_row_stride + k);
    kernels_.strassen_rows(even, odd, panels_.half_depth, scratch + r * left_stride_, half_rows_ * left_stride_,
                           copies_);
  }
}

/// What a product adds to, and where its sum goes.
struct Terms {
  const float* init = nullptr;
  std::int64_t init_stride = 0;
  const float* residual = nullptr;
  std::int64_t residual_stride = 0;
  float* c = nullptr;
  std::int64_t c_stride = 0;
};

void StrassenMatmul::run_pair(const MatmulArguments& arguments, const Block& block, std::int64_t pair,
                              const EpilogueOrigin& origin, std::int64_t c_offset, float* scratch) const noexcept {
  const std::int64_t vectors = panels_.halves.width(pair), width = vectors * panels_.halves.lanes;
  const std::int64_t matrix = panels_.matrix(pair), depth = panels_.half_depth;
  const TileRow& kernels = kernels_.widths[vectors].strided;
  const float* const packed = static_cast<const float*>(arguments.b) + panels_.offset(pair);
  float* const x = scratch + sums_at_;
  float* const w = x + half_rows_ * width;
  float* const t = w + half_rows_ * width;
  const Epilogue& epilogue = arguments.epilogue;
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  const bool clamps = epilogue.low > -kInfinity || epilogue.high < kInfinity;

  TileTask task{};
  task.taps = 1;
  task.depth_stride = 1;
  task.columns = width;
  task.low = epilogue.low;
  task.high = epilogue.high;
  const auto walk = [&](const float* a, std::int64_t a_stride, const float* b, std::int64_t rows, const Terms& terms) {
    const std::int64_t tiles = base::ceil_div(rows, kernels.max_rows);
    const std::int64_t wanted = b == nullptr ? 0 : matrix * static_cast<std::int64_t>(sizeof(float));
    task.depth = b == nullptr ? 0 : depth;
    task.b = b == nullptr ? packed : b;
    task.prefetch_step = wanted > 0 && tiles > 0 ? base::ceil_div(wanted, tiles * depth) : 0;
    for (std::int64_t tile = 0; tile < tiles; ++tile) {
      const std::int64_t row = rows * tile / tiles, end = rows * (tile + 1) / tiles;
      task.a = a + row * a_stride;
      task.a_stride = a_stride;
      task.init = terms.init == nullptr ? nullptr : terms.init + row * terms.init_stride;
      task.init_stride = terms.init_stride;
      task.residual = terms.residual == nullptr ? nullptr : terms.residual + row * terms.residual_stride;
      task.residual_stride = terms.residual_stride;
      task.c = terms.c + row * terms.c_stride;
      task.c_stride = terms.c_stride;
      task.prefetch = reinterpret_cast<const char*>(task.b + (b == nullptr ? 0 : matrix)) + wanted * tile / tiles;
      kernels.kernels[end - row](task);
    }
  };
  const auto multiply = [&](StrassenLeft left, Factor factor, std::int64_t rows, const Terms& terms) {
    const float* const b = packed + factor * matrix;
    if (left < kA11 || copies_) {
      walk(scratch + left * half_rows_ * left_stride_, left_stride_, b, rows, terms);
    } else {
      const float* const a = block.a + (left == kA22 ? shape_.a_row_stride : 0) + (left == kA11 ? 0 : depth);
      walk(a, 2 * shape_.a_row_stride, b, rows, terms);
    }
  };
  const auto finish = [&](const float* one, const float* other, std::int64_t rows, float* c, std::int64_t c_stride) {
    task.clamp = clamps;
    walk(scratch, 0, nullptr, rows, {one, width, other, width, c, c_stride});
    task.clamp = false;
  };

  // A quarter of C: of even or odd rows, of the left or right panel.
  const auto c_at = [&](int odd, int right) {
    if (epilogue.program != nullptr) return scratch + result_at_ + odd * 2 * width + right * width;
    return static_cast<float*>(arguments.c) + c_offset + odd * shape_.c_row_stride + right * width;
  };
  const std::int64_t c_stride = epilogue.program != nullptr ? 4 * width : 2 * shape_.c_row_stride;
  const auto bias_at = [&](int right) {
    return epilogue.bias == nullptr ? nullptr : epilogue.bias + origin.column + right * width;
  };
  const auto residual_at = [&](int odd, int right) {
    return epilogue.residual == nullptr
               ? nullptr
               : static_cast<const float*>(epilogue.residual) + origin.residual_offset +
                     (origin.row + odd) * epilogue.residual_row_stride + origin.column + right * width;
  };
  /// Asks for the lines of C that finish() will write, which is too short to wait for them.
  const auto request = [&](const float* c, std::int64_t rows) {
    for (std::int64_t r = 0; r < rows; ++r)
      for (std::int64_t j = 0; j < width; j += 16) __builtin_prefetch(c + r * c_stride + j, 1);
  };
  const std::int64_t residual_stride = 2 * epilogue.residual_row_stride;

  // C11 = A11·B11 + A12·B21
  // C12 = A11·B11 + S2·T2 + S1·T1 + S4·B22
  // C21 = A11·B11 + S2·T2 + S3·T3 − A22·T4
  // C22 = A11·B11 + S2·T2 + S3·T3 + S1·T1
  // x holds what the sums begin with, w is S1·T1, t what one quarter alone has.
  const std::int64_t even = block.rows[0], odd = block.rows[1];
  multiply(kA11, kB11, even, {nullptr, 0, nullptr, 0, x, width});
  request(c_at(0, 0), even);
  multiply(kA12, kB21, even, {bias_at(0), 0, residual_at(0, 0), residual_stride, t, width});
  finish(x, t, even, c_at(0, 0), c_stride);
  multiply(kS2, kT2, even, {x, width, nullptr, 0, x, width});
  multiply(kS1, kT1, even, {bias_at(1), 0, nullptr, 0, w, width});
  request(c_at(0, 1), even);
  multiply(kS4, kB22, even, {x, width, residual_at(0, 1), residual_stride, t, width});
  finish(w, t, even, c_at(0, 1), c_stride);
  multiply(kS3, kT3, odd, {x, width, nullptr, 0, x, width});
  request(c_at(1, 0), odd);
  request(c_at(1, 1), odd);
  multiply(kA22, kMinusT4, odd, {bias_at(0), 0, residual_at(1, 0), residual_stride, t, width});
  finish(x, t, odd, c_at(1, 0), c_stride);
  if (epilogue.residual != nullptr)
    walk(scratch, 0, nullptr, odd, {x, width, residual_at(1, 1), residual_stride, x, width});
  finish(w, x, odd, c_at(1, 1), c_stride);

  if (epilogue.program != nullptr) {
    float* const c = static_cast<float*>(arguments.c);
    run_epilogue_program(
        epilogue, origin, scratch + result_at_, 2 * width,
        reinterpret_cast<std::byte*>(c) + c_offset * static_cast<std::int64_t>(size_of(shape_.c_dtype)),
        shape_.c_row_stride, even + odd, 2 * width);
  }
}

void StrassenMatmul::run(const MatmulArguments& arguments, std::int64_t begin, std::int64_t end,
                         void* memory) const noexcept {
  float* const scratch = static_cast<float*>(memory);
  std::int64_t operand_offsets[kMaxEpilogueOperands];
  EpilogueOrigin origin;
  std::int64_t c_offset = 0, last = -1;
  Block block;
  for (std::int64_t item = begin; item < end; ++item) {
    const std::int64_t pair = item % panels_.halves.count, of_block = item / panels_.halves.count;
    if (of_block != last) {
      const BatchSizes index = batch_index(shape_.batch, of_block / blocks_);
      block = block_at(of_block % blocks_);
      c_offset = batch_offset(index, shape_.c_batch_strides) + block.first_row * shape_.c_row_stride;
      origin = epilogue_origin(arguments, index, operand_offsets);
      block.a = static_cast<const float*>(arguments.a) + batch_offset(index, shape_.a_batch_strides) +
                block.first_row * shape_.a_row_stride;
      make_lefts(block, scratch);
      last = of_block;
    }
    origin.row = block.first_row;
    origin.column = 2 * panels_.halves.first_column(pair);
    run_pair(arguments, block, pair, origin, c_offset + origin.column, scratch);
  }
}

}  // namespace

StrassenPanels strassen_panels(const PackedMatrix& b, const TileKernels& kernels) {
  return {b.depth / 2, make_panels(b.columns / 2, kernels)};
}

void pack_strassen_pair(const StrassenPanels& panels, std::int64_t pair, const float* source, std::int64_t depth_stride,
                        std::int64_t column_stride, float* packed) {
  const std::int64_t width = panels.halves.width(pair) * panels.halves.lanes, matrix = panels.matrix(pair);
  source += 2 * panels.halves.first_column(pair) * column_stride;
  // Sixteen rows at a time: where a column of B is contiguous, its cache line is then read once.
  constexpr std::int64_t kRows = 16, kMostLanes = 16, kMostColumns = kMaxTileVectors * kMostLanes;
  float quarters[2][2][kRows * kMostColumns];
  for (std::int64_t k0 = 0; k0 < panels.half_depth; k0 += kRows) {
    const std::int64_t rows = std::min(kRows, panels.half_depth - k0);
    for (const std::int64_t lower : {0, 1})
      for (const std::int64_t right : {0, 1}) {
        const float* from = source + (k0 + lower * panels.half_depth) * depth_stride + right * width * column_stride;
        for (std::int64_t n = 0; n < width; ++n, from += column_stride)
          for (std::int64_t k = 0; k < rows; ++k) quarters[lower][right][k * width + n] = from[k * depth_stride];
      }
    const auto write = [&](Factor factor, auto&& sum) {
      float* const to = packed + factor * matrix + k0 * width;
      for (std::int64_t i = 0; i < rows * width; ++i)
        to[i] = static_cast<float>(sum(static_cast<double>(quarters[0][0][i]), static_cast<double>(quarters[0][1][i]),
                                       static_cast<double>(quarters[1][0][i]), static_cast<double>(quarters[1][1][i])));
    };
    write(kB11, [](double b11, double, double, double) { return b11; });
    write(kB21, [](double, double, double b21, double) { return b21; });
    write(kB22, [](double, double, double, double b22) { return b22; });
    write(kT1, [](double b11, double b12, double, double) { return b12 - b11; });
    write(kT2, [](double b11, double b12, double, double b22) { return b22 - (b12 - b11); });
    write(kT3, [](double, double b12, double, double b22) { return b22 - b12; });
    write(kMinusT4, [](double b11, double b12, double b21, double b22) { return b21 - (b22 - (b12 - b11)); });
  }
}

bool strassen_halves(base::Isa isa, std::int64_t depth, std::int64_t columns) {
  return depth % 2 == 0 && columns % (2 * tile_kernels(isa).lanes) == 0;
}

bool prefers_strassen(base::Isa isa, std::int64_t rows, std::int64_t depth, std::int64_t columns) {
  if (!strassen_halves(isa, depth, columns)) return false;
  if (rows < kFewestRows || depth < kLeastDepth || columns < kLeastColumns) return false;
  return columns >= std::min(kColumnsForAnyA, rows * depth * 4 / kBytesOfAForAColumn);
}

std::unique_ptr<const Matmul> make_strassen_matmul(const MatmulShape& shape, base::Isa isa, int threads) {
  return std::make_unique<StrassenMatmul>(shape, isa, threads);
}

}  // namespace wherry::kernels
