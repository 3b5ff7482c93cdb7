#include "kernels/elementwise/loop_order.h"
#include "kernels/normalization/normalization.h"
#include "kernels/normalization/normalization_kernels.h"
#include "kernels/normalization/strided_block.h"

namespace wherry::kernels {
namespace {

void normalize(const NormalizedBlock& b) noexcept {
  normalize_strided({b.x, b.y, b.rows, b.columns, b.x_stride, 1, b.y_stride, 1, b.weight, b.bias,
                     b.weights_by_row ? 1 : 0, b.weights_by_row ? 0 : 1, b.epsilon});
}

}  // namespace

constinit const NormalizationKernels kNormalizationReference = {normalize};

void layer_norm_reference(const LayerNormShape& s, const float* x, const float* weight, const float* bias, float* y) {
  const LoopOrder rows = merge_loops(s.outer_sizes, {s.y_outer_strides, s.x_outer_strides});
  for (std::int64_t row = 0; row < rows.steps(); ++row)
    normalize_strided(
        {x + rows.offset(1, row), y + rows.offset(0, row), 1, s.columns, 0, 1, 0, 1, weight, bias, 0, 1, s.epsilon});
}

void group_norm_reference(const GroupNormShape& s, const float* x, const float* weight, const float* bias, float* y) {
  const std::int64_t channels = s.channels / s.groups;
  for (std::int64_t n = 0; n < s.batch; ++n)
    for (std::int64_t c = 0; c < s.channels; c += channels)
      normalize_strided({x + n * s.x_batch_stride + c * s.x_channel_stride,
                         y + n * s.y_batch_stride + c * s.y_channel_stride, channels, s.positions, s.x_channel_stride,
                         s.x_position_stride, s.y_channel_stride, s.y_position_stride, weight ? weight + c : nullptr,
                         bias ? bias + c : nullptr, 1, 0, s.epsilon});
}

}  // namespace wherry::kernels
