#pragma once
// Layer norm and group norm in fp32 arithmetic: y = (x − mean) / √(variance + epsilon) · weight + bias, mean and
// (biased) variance taken over a row or over a group of channels.

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "base/cpu.h"
#include "wherry/dtype.h"

namespace wherry::kernels {

/// Rows of `columns` contiguous elements, one for every index of `outer_sizes` (any rank; none means one row). Strides
/// are in elements, one per outer dimension. Weight and bias have `columns` elements.
struct LayerNormShape {
  std::vector<std::int64_t> outer_sizes;
  std::vector<std::int64_t> x_outer_strides;
  std::vector<std::int64_t> y_outer_strides;
  std::int64_t columns = 0;
  float epsilon = 1e-5f;
  DType x_dtype = DType::f32, y_dtype = DType::f32;  ///< either may be bf16 where the ISA has it

  bool operator==(const LayerNormShape&) const = default;
};

/// A primitive: no memory of its own, shareable between threads. Two passes in fp32 vectors over a row (mean, then
/// squared deviations): relative error of the statistics about columns / lanes · 2⁻²⁴.
class LayerNorm {
 public:
  virtual ~LayerNorm() = default;
  virtual std::string_view name() const = 0;  ///< "layer_norm_avx512"
  /// Rows; any partition of [0, items()) gives the same result.
  virtual std::int64_t items() const = 0;
  /// `weight` and `bias` may be null. y may be x with equal strides and dtypes.
  virtual void run(const void* x, const float* weight, const float* bias, void* y, std::int64_t begin,
                   std::int64_t end) const noexcept = 0;
};
std::unique_ptr<const LayerNorm> make_layer_norm(const LayerNormShape& shape, base::Isa isa);

/// x [batch, channels, positions] → y alike; every group of channels / groups channels of one image is normalised over
/// its channels and positions. Strides in elements; fast where channels (channels-last) or positions have stride 1.
/// Weight and bias have `channels` elements.
struct GroupNormShape {
  std::int64_t batch = 1, channels = 0, positions = 1, groups = 1;
  std::int64_t x_batch_stride = 0, x_channel_stride = 1, x_position_stride = 0;
  std::int64_t y_batch_stride = 0, y_channel_stride = 1, y_position_stride = 0;
  float epsilon = 1e-5f;

  bool operator==(const GroupNormShape&) const = default;
};

class GroupNorm {
 public:
  virtual ~GroupNorm() = default;
  virtual std::string_view name() const = 0;  ///< "group_norm_avx512"
  /// batch × groups; any partition of [0, items()) gives the same result.
  virtual std::int64_t items() const = 0;
  /// `weight` and `bias` may be null. y may be x with equal strides.
  virtual void run(const float* x, const float* weight, const float* bias, float* y, std::int64_t begin,
                   std::int64_t end) const noexcept = 0;
};
std::unique_ptr<const GroupNorm> make_group_norm(const GroupNormShape& shape, base::Isa isa);

/// The oracles, in fp64, of fp32 operands.
void layer_norm_reference(const LayerNormShape& shape, const float* x, const float* weight, const float* bias,
                          float* y);
void group_norm_reference(const GroupNormShape& shape, const float* x, const float* weight, const float* bias,
                          float* y);

}  // namespace wherry::kernels
