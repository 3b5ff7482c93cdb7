// bf16 attention: both products are blocks of the bf16 block kernels (tiles, or vdpbf16ps), 32 rows by 32 keys or
// columns. Softmax is fp32; weights are rounded to bf16 for the second product, as scores never are.

#include <algorithm>
#include <memory>
#include <string>

#include "base/checked_math.h"
#include "kernels/attention/blocked_attention.h"
#include "kernels/matmul/bf16_block.h"

namespace wherry::kernels {
namespace {

static_assert(kAttentionRows == kBf16BlockRows && kAttentionColumns == kBf16BlockColumns);
static_assert(kAttentionChunk % kBf16BlockColumns == 0);

constexpr std::int64_t kBlock = kBf16BlockRows * kBf16BlockColumns;  ///< elements
constexpr std::int64_t kRowBytes = kBf16MaxStep * 2;                 ///< of a left-hand side's step
constexpr std::int64_t kStepBytes = kBf16BlockRows * kRowBytes;
constexpr AttentionBlock kBlocks = {kBf16BlockColumns, kBlock};  ///< block after block, as sums are made
constexpr std::int64_t kNoTaps[1] = {0};

class Bf16Attention final : public BlockedAttention {
 public:
  Bf16Attention(const AttentionShape& shape, base::Isa isa)
      : BlockedAttention(shape, isa, "attention_bf16_" + std::string(base::name_of(isa)), kBlocks,
                         kAttentionRows * kAttentionChunk, kBlocks,
                         base::ceil_div(shape.columns, kBf16BlockColumns) * kBlock),
        packing_(attention_kernels(DType::bf16, isa)),
        products_(bf16_kernels(isa)),
        steps_(std::max<std::int64_t>(1, base::ceil_div(shape.depth, kBf16MaxStep))),
        key_blocks_(base::ceil_div(shape.keys, kBf16BlockColumns)),
        panels_(base::ceil_div(shape.columns, kBf16BlockColumns)) {
    rows_at_ = kAttentionRows * kAttentionChunk;
    keys_at_ = rows_at_ + steps_ * kBf16BlockRows * kBf16MaxStep;
    values_at_ = keys_at_ + key_blocks_ * keys_block();
    own_bytes_ = static_cast<std::size_t>(values_at_ + panels_ * key_blocks_ * kBlock) * sizeof(std::uint16_t);
  }

 private:
  static std::uint16_t* elements(const Scratch& scratch) noexcept {
    return reinterpret_cast<std::uint16_t*>(scratch.own);
  }
  static const std::byte* bytes(const std::uint16_t* at) noexcept { return reinterpret_cast<const std::byte*>(at); }
  int columns_of(std::int64_t panel) const noexcept {
    return static_cast<int>(std::min<std::int64_t>(kBf16BlockColumns, shape_.columns - panel * kBf16BlockColumns));
  }
  int tiles_of(std::int64_t panel) const noexcept { return columns_of(panel) > kBf16TileColumns ? 2 : 1; }
  /// Elements of 32 keys as a right-hand side.
  std::int64_t keys_block() const noexcept { return steps_ * kBf16MaxStep * kBf16BlockColumns; }
  std::uint16_t* packed_keys(std::int64_t key_block, const Scratch& scratch) const noexcept {
    return elements(scratch) + keys_at_ + key_block * keys_block();
  }
  /// Of the keys from `key_block` on, 32 a block.
  std::uint16_t* packed_values(std::int64_t panel, std::int64_t key_block, const Scratch& scratch) const noexcept {
    return elements(scratch) + values_at_ + panel * key_blocks_ * kBlock +
           key_block * tiles_of(panel) * kBf16TileColumns * kBf16BlockColumns;
  }

  void begin() const noexcept override { products_.begin(kBf16MaxStep); }
  void end() const noexcept override { products_.end(); }

  void pack(const Head& head, const Scratch& scratch) const noexcept override {
    const auto* const k = reinterpret_cast<const std::uint16_t*>(head.k);
    const auto* const v = reinterpret_cast<const std::uint16_t*>(head.v);
    for (std::int64_t first = 0; first < head.keys; first += kBf16BlockColumns) {
      const int keys = static_cast<int>(std::min<std::int64_t>(kBf16BlockColumns, head.keys - first));
      const std::int64_t block = first / kBf16BlockColumns;
      packing_.pack_keys(k + first * shape_.k_row_stride, shape_.k_row_stride, keys, shape_.depth,
                         packed_keys(block, scratch));
      for (std::int64_t panel = 0; panel < panels_; ++panel)
        packing_.pack_values(v + first * shape_.v_row_stride + panel * kBf16BlockColumns, shape_.v_row_stride, keys,
                             columns_of(panel), tiles_of(panel), packed_values(panel, block, scratch));
    }
  }

  void pack_rows(const Head& head, std::int64_t first, int rows, const Scratch& scratch) const noexcept override {
    packing_.pack_rows(reinterpret_cast<const std::uint16_t*>(head.q) + first * shape_.q_row_stride,
                       shape_.q_row_stride, rows, shape_.depth, elements(scratch) + rows_at_);
  }

  /// A block's product with a left-hand side that starts at `a`, as pack_rows lays it out.
  static Bf16BlockTask block_task(const std::uint16_t* a, std::int64_t steps, int rows) noexcept {
    Bf16BlockTask task{};
    task.a[0] = bytes(a);
    task.a[1] = task.a[0] + kBf16TileRows * kRowBytes;
    task.a_row_bytes = kRowBytes;
    task.a_step_bytes = kStepBytes;
    task.tap_bytes = kNoTaps;
    task.taps = 1;
    task.steps = steps;
    task.step = kBf16MaxStep;
    task.rows = rows;
    task.row_tiles = rows > kBf16TileRows ? 2 : 1;
    return task;
  }

  void multiply_keys(const Head&, std::int64_t, int rows, std::int64_t first_key, std::int64_t keys,
                     const Scratch& scratch) const noexcept override {
    Bf16BlockTask task = block_task(elements(scratch) + rows_at_, steps_, rows);
    task.column_tiles = 2;
    Bf16Sums in_tiles;
    for (std::int64_t block = 0; block * kBf16BlockColumns < keys; ++block) {
      task.b = bytes(packed_keys(first_key / kBf16BlockColumns + block, scratch));
      task.sums = scratch.scores + block * kBlock;
      task.prefetch = task.b;
      products_.block(task, nullptr, in_tiles);
    }
    products_.settle(in_tiles);
  }

  void multiply_values(int rows, std::int64_t first_key, std::int64_t keys, bool adds,
                       const Scratch& scratch) const noexcept override {
    Bf16BlockTask task = block_task(elements(scratch), base::ceil_div(keys, kBf16MaxStep), rows);
    task.adds = adds;
    Bf16Sums in_tiles;
    for (std::int64_t panel = 0; panel < panels_; ++panel) {
      task.column_tiles = tiles_of(panel);
      task.b = bytes(packed_values(panel, first_key / kBf16BlockColumns, scratch));
      task.sums = scratch.sums + panel * kBlock;
      task.prefetch = task.b;
      products_.block(task, nullptr, in_tiles);
    }
    products_.settle(in_tiles);
  }

  void* weights(const Scratch& scratch) const noexcept override { return elements(scratch); }
  std::int64_t key_step() const noexcept override { return kBf16BlockColumns; }
  std::int64_t padded(std::int64_t keys) const noexcept override { return base::round_up(keys, kBf16MaxStep); }

  const AttentionKernels& packing_;
  const Bf16Kernels& products_;
  std::int64_t steps_, key_blocks_, panels_;
  std::int64_t rows_at_, keys_at_, values_at_;  // behind the weights, in elements
};

}  // namespace

std::unique_ptr<const Attention> make_bf16_attention(const AttentionShape& shape, base::Isa isa) {
  return std::make_unique<Bf16Attention>(shape, isa);
}

}  // namespace wherry::kernels
