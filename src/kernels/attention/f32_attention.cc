// fp32 attention: both products are tiles of the matmul micro-kernels, Q read where it lies, K and V packed in panels.

#include <algorithm>
#include <memory>
#include <string>

#include "base/checked_math.h"
#include "kernels/attention/blocked_attention.h"
#include "kernels/matmul/panels.h"
#include "kernels/matmul/tile_kernels.h"

namespace wherry::kernels {
namespace {

/// Elements from one row of scores to the next: rows a power of two apart would meet in few sets of the cache.
constexpr std::int64_t kScoresStride = kAttentionChunk + 16;

std::int64_t padded_columns(const AttentionShape& shape) { return base::round_up(shape.columns, kAttentionColumns); }

/// A · B for one panel, whose rows are dealt to tiles in nearly equal runs.
void multiply(const TileKernels& kernels, const float* a, std::int64_t a_stride, std::int64_t depth, const float* panel,
              std::int64_t vectors, std::int64_t columns, float* c, std::int64_t c_stride, int rows,
              bool adds) noexcept {
  const TileRow& tiles = kernels.widths[vectors].rows(true);
  const int count = (rows + tiles.max_rows - 1) / tiles.max_rows;
  TileTask task{};
  task.a_stride = a_stride;
  task.taps = 1;
  task.depth = depth;
  task.depth_stride = 1;
  task.b = panel;
  task.c_stride = c_stride;
  task.columns = columns;
  task.prefetch = panel;
  for (int tile = 0; tile < count; ++tile) {
    const int first = rows * tile / count, end = rows * (tile + 1) / count;
    task.a = a + first * a_stride;
    task.c = c + first * c_stride;
    task.init = adds ? task.c : nullptr;
    task.init_stride = c_stride;
    tiles.kernels[end - first](task);
  }
}

class F32Attention final : public BlockedAttention {
 public:
  F32Attention(const AttentionShape& shape, base::Isa isa)
      : BlockedAttention(shape, isa, "attention_f32_" + std::string(base::name_of(isa)),
                         {kScoresStride, kAttentionColumns}, kAttentionRows * kScoresStride,
                         {padded_columns(shape), kAttentionColumns}, kAttentionRows * padded_columns(shape)),
        pack_keys_(attention_kernels(DType::f32, isa).pack_panel),
        tiles_(tile_kernels(isa)),
        value_panels_(make_panels(shape.columns, tiles_)) {
    // A chunk's panels hold whole vectors, so each chunk starts on a boundary.
    const std::int64_t keys = base::round_up(shape.keys, tiles_.lanes) * shape.depth;
    values_at_ = base::round_up(keys, 16);
    own_bytes_ = static_cast<std::size_t>(values_at_ + value_panels_.elements(shape.keys)) * sizeof(float);
  }

 private:
  Panels key_panels(std::int64_t first_key) const noexcept {
    return make_panels(std::min(kAttentionChunk, shape_.keys - first_key), tiles_);
  }
  float* packed_keys(const Scratch& scratch) const noexcept { return reinterpret_cast<float*>(scratch.own); }

  void begin() const noexcept override {}
  void end() const noexcept override {}

  void pack(const Head& head, const Scratch& scratch) const noexcept override {
    const auto* const k = reinterpret_cast<const float*>(head.k);
    for (std::int64_t first = 0; first < head.keys; first += kAttentionChunk) {
      const Panels panels = key_panels(first);
      float* const to = packed_keys(scratch) + first * shape_.depth;
      const float* const from = k + first * shape_.k_row_stride;
      for (std::int64_t p = 0; p < panels.count && first + panels.first_column(p) < head.keys; ++p) {
        float* const panel = to + panels.offset(p, shape_.depth);
        if (pack_keys_ != nullptr)
          pack_keys_(from + panels.first_column(p) * shape_.k_row_stride, shape_.k_row_stride, panels.columns_of(p),
                     shape_.depth, panels.width(p) * panels.lanes, panel);
        else
          pack_panel(panels, p, from, 1, shape_.k_row_stride, 0, shape_.depth, panel);
      }
    }
    float* const values = packed_keys(scratch) + values_at_;
    for (std::int64_t p = 0; p < value_panels_.count; ++p)
      pack_panel(value_panels_, p, reinterpret_cast<const float*>(head.v), shape_.v_row_stride, 1, 0, head.keys,
                 values + value_panels_.offset(p, shape_.keys));
  }

  void pack_rows(const Head&, std::int64_t, int, const Scratch&) const noexcept override {}

  void multiply_keys(const Head& head, std::int64_t first, int rows, std::int64_t first_key, std::int64_t keys,
                     const Scratch& scratch) const noexcept override {
    const Panels panels = key_panels(first_key);
    const float* const packed = packed_keys(scratch) + first_key * shape_.depth;
    const float* const q = reinterpret_cast<const float*>(head.q) + first * shape_.q_row_stride;
    for (std::int64_t p = 0; p < panels.count && panels.first_column(p) < keys; ++p)
      multiply(tiles_, q, shape_.q_row_stride, shape_.depth, packed + panels.offset(p, shape_.depth), panels.width(p),
               panels.columns_of(p), scratch.scores + panels.first_column(p), kScoresStride, rows, false);
  }

  void multiply_values(int rows, std::int64_t first_key, std::int64_t keys, bool adds,
                       const Scratch& scratch) const noexcept override {
    const float* const values = packed_keys(scratch) + values_at_;
    for (std::int64_t p = 0; p < value_panels_.count; ++p)
      multiply(tiles_, scratch.scores, kScoresStride, keys,
               values + value_panels_.offset(p, shape_.keys) + first_key * value_panels_.width(p) * tiles_.lanes,
               value_panels_.width(p), value_panels_.columns_of(p), scratch.sums + value_panels_.first_column(p),
               padded_columns(shape_), rows, adds);
  }

  void* weights(const Scratch& scratch) const noexcept override { return scratch.scores; }
  std::int64_t key_step() const noexcept override { return kAttentionChunk; }  // panels are a chunk's
  std::int64_t padded(std::int64_t keys) const noexcept override { return keys; }

  decltype(AttentionKernels::pack_panel) pack_keys_;
  const TileKernels& tiles_;
  Panels value_panels_;
  std::int64_t values_at_;  // behind the packed keys, in elements
};

}  // namespace

std::unique_ptr<const Attention> make_f32_attention(const AttentionShape& shape, base::Isa isa) {
  return std::make_unique<F32Attention>(shape, base::fp32_isa(isa));
}

}  // namespace wherry::kernels
