#include "kernels/normalization/normalization.h"

#include <cstddef>
#include <string>

#include "base/check.h"
#include "kernels/elementwise/loop_order.h"
#include "kernels/normalization/normalization_kernels.h"
#include "kernels/normalization/strided_block.h"

namespace wherry::kernels {
namespace {

const NormalizationKernels& kernels_for(base::Isa isa) {
  const NormalizationKernels* best = &kNormalizationReference;
#define WHERRY_NORMALIZATION_KERNELS(set, table) \
  if (base::includes(isa, base::Isa::set)) best = &table;
#include "kernels/normalization/kernels.inc"
#undef WHERRY_NORMALIZATION_KERNELS
  return *best;
}

class RowLayerNorm final : public LayerNorm {
 public:
  RowLayerNorm(const LayerNormShape& shape, base::Isa isa)
      : rows_(order_loops(shape.outer_sizes, {shape.y_outer_strides, shape.x_outer_strides})),
        columns_(shape.columns),
        epsilon_(shape.epsilon),
        normalize_(kernels_for(isa).normalize),
        name_("layer_norm_" + std::string(base::name_of(isa))) {}

  std::string_view name() const override { return name_; }
  std::int64_t items() const override { return columns_ == 0 ? 0 : rows_.steps(); }

  void run(const void* x, const float* weight, const float* bias, void* y, std::int64_t begin,
           std::int64_t end) const noexcept override {
    const auto* const from = static_cast<const float*>(x);
    auto* const to = static_cast<float*>(y);
    for (std::int64_t row = begin; row < end; ++row)
      normalize_({from + rows_.offset(1, row), to + rows_.offset(0, row), 1, columns_, columns_, columns_, weight, bias,
                  false, epsilon_});
  }

 private:
  LoopOrder rows_;  // operand 0 is y
  std::int64_t columns_;
  float epsilon_;
  void (*normalize_)(const NormalizedBlock&) noexcept;
  std::string name_;
};

class Bf16LayerNorm final : public LayerNorm {
 public:
  Bf16LayerNorm(const LayerNormShape& shape, base::Isa isa)
      : shape_(shape), rows_(order_loops(shape.outer_sizes, {shape.y_outer_strides, shape.x_outer_strides})) {
#define WHERRY_BF16_ROWS(set) \
  if (base::includes(isa, base::Isa::set)) normalize_row_ = normalize_row_##set, name_ = "layer_norm_" #set;
#include "kernels/normalization/bf16_kernels.inc"
#undef WHERRY_BF16_ROWS
    WHERRY_CHECK(normalize_row_ != nullptr);
  }

  std::string_view name() const override { return name_; }
  std::int64_t items() const override { return shape_.columns == 0 ? 0 : rows_.steps(); }

  void run(const void* x, const float* weight, const float* bias, void* y, std::int64_t begin,
           std::int64_t end) const noexcept override {
    const auto x_bytes = static_cast<std::int64_t>(size_of(shape_.x_dtype));
    const auto y_bytes = static_cast<std::int64_t>(size_of(shape_.y_dtype));
    for (std::int64_t row = begin; row < end; ++row)
      normalize_row_({static_cast<const std::byte*>(x) + rows_.offset(1, row) * x_bytes,
                      static_cast<std::byte*>(y) + rows_.offset(0, row) * y_bytes, shape_.x_dtype == DType::bf16,
                      shape_.y_dtype == DType::bf16, shape_.columns, weight, bias, shape_.epsilon});
  }

 private:
  LayerNormShape shape_;
  LoopOrder rows_;  // operand 0 is y
  void (*normalize_row_)(const NormalizedRow&) noexcept = nullptr;
  std::string_view name_;
};

class BlockGroupNorm final : public GroupNorm {
 public:
  BlockGroupNorm(const GroupNormShape& shape, base::Isa isa) : shape_(shape), normalize_(kernels_for(isa).normalize) {
    WHERRY_CHECK_GE(shape.groups, 1);
    WHERRY_CHECK_EQ(shape.channels % shape.groups, 0);
    if (shape.x_channel_stride == 1 && shape.y_channel_stride == 1)
      layout_ = Layout::channels_last;
    else if (shape.x_position_stride == 1 && shape.y_position_stride == 1)
      layout_ = Layout::channels_first;
    const bool strided = layout_ == Layout::strided;
    name_ = (strided ? "group_norm_strided_" : "group_norm_") +
            std::string(base::name_of(strided ? base::Isa::scalar : isa));
  }

  std::string_view name() const override { return name_; }
  std::int64_t items() const override {
    return shape_.channels == 0 || shape_.positions == 0 ? 0 : shape_.batch * shape_.groups;
  }

  void run(const float* x, const float* weight, const float* bias, float* y, std::int64_t begin,
           std::int64_t end) const noexcept override {
    const GroupNormShape& s = shape_;
    const std::int64_t channels = s.channels / s.groups;
    for (std::int64_t item = begin; item < end; ++item) {
      const std::int64_t n = item / s.groups, c = item % s.groups * channels;
      const float* from = x + n * s.x_batch_stride + c * s.x_channel_stride;
      float* to = y + n * s.y_batch_stride + c * s.y_channel_stride;
      const float* w = weight ? weight + c : nullptr;
      const float* b = bias ? bias + c : nullptr;
      switch (layout_) {
        case Layout::channels_last:
          normalize_(
              {from, to, s.positions, channels, s.x_position_stride, s.y_position_stride, w, b, false, s.epsilon});
          break;
        case Layout::channels_first:
          normalize_({from, to, channels, s.positions, s.x_channel_stride, s.y_channel_stride, w, b, true, s.epsilon});
          break;
        case Layout::strided:
          normalize_strided({from, to, channels, s.positions, s.x_channel_stride, s.x_position_stride,
                             s.y_channel_stride, s.y_position_stride, w, b, 1, 0, s.epsilon});
          break;
      }
    }
  }

 private:
  enum class Layout { channels_last, channels_first, strided };
  GroupNormShape shape_;
  Layout layout_ = Layout::strided;
  void (*normalize_)(const NormalizedBlock&) noexcept;
  std::string name_;
};

}  // namespace

std::unique_ptr<const LayerNorm> make_layer_norm(const LayerNormShape& shape, base::Isa isa) {
  const auto known = [](DType dtype) { return dtype == DType::f32 || dtype == DType::bf16; };
  WHERRY_CHECK(known(shape.x_dtype) && known(shape.y_dtype));
  if (shape.x_dtype == DType::bf16 || shape.y_dtype == DType::bf16) return std::make_unique<Bf16LayerNorm>(shape, isa);
  return std::make_unique<RowLayerNorm>(shape, base::fp32_isa(isa));
}

std::unique_ptr<const GroupNorm> make_group_norm(const GroupNormShape& shape, base::Isa isa) {
  return std::make_unique<BlockGroupNorm>(shape, isa);
}

}  // namespace wherry::kernels
