#pragma once
// Maximum and average over windows of channels-last images, fp32 or bf16. Adaptive and global pooling are windows of
// varying size.

#include <cstdint>
#include <memory>
#include <string_view>

#include "base/cpu.h"
#include "wherry/dtype.h"

namespace wherry::kernels {

enum class PoolMode : std::uint8_t { max, average };

/// x [batch, in_height, in_width, channels] → y [batch, out_height, out_width, channels]; channels have stride 1, the
/// other strides (in elements) are free.
///
/// Fixed windows: y[n, i, j, c] is taken over x[n, i·stride_h − pad_top + k·dilation_h, …], 0 ≤ k < kernel_h, leaving
/// out what lies outside of x. ceil_mode is whatever out_height and out_width say.
///   max      NaN where the window holds one; −∞ where it holds nothing.
///   average  sum / divisor, where the divisor is `divisor` if not 0, else with `count_include_pad` the part of the
///            window inside x plus its padding, else the part inside x (PyTorch's rules). Dilation is 1.
/// Adaptive windows (`adaptive`): rows ⌊i·in/out⌋ … ⌈(i+1)·in/out⌉ − 1, columns alike; kernel, stride, padding and
/// dilation are not read.
struct PoolShape {
  PoolMode mode = PoolMode::max;
  bool adaptive = false;
  std::int64_t batch = 1, channels = 0;
  std::int64_t in_height = 0, in_width = 0;
  std::int64_t out_height = 0, out_width = 0;
  std::int64_t kernel_h = 1, kernel_w = 1;
  std::int64_t stride_h = 1, stride_w = 1;
  std::int64_t pad_top = 0, pad_bottom = 0, pad_left = 0, pad_right = 0;
  std::int64_t dilation_h = 1, dilation_w = 1;
  bool count_include_pad = true;
  std::int64_t divisor = 0;

  DType dtype = DType::f32;  ///< of x and y: f32; or bf16, averaged in fp32 (the ISA must have bf16)
  std::int64_t x_batch_stride = 0, x_row_stride = 0, x_column_stride = 0;
  std::int64_t y_batch_stride = 0, y_row_stride = 0, y_column_stride = 0;

  bool operator==(const PoolShape&) const = default;
};

/// A primitive: no memory of its own, shareable between threads. Averages are summed in fp32, in window order per
/// channel (error ≤ window size · 2⁻²⁴ relative to the sum of magnitudes).
class Pool {
 public:
  virtual ~Pool() = default;
  virtual std::string_view name() const = 0;  ///< "pool_max_avx512"
  /// Output pixels × blocks of channels; any partition of [0, items()) gives the same result.
  virtual std::int64_t items() const = 0;
  virtual void run(const void* x, void* y, std::int64_t begin, std::int64_t end) const noexcept = 0;
};
std::unique_ptr<const Pool> make_pool(const PoolShape& shape, base::Isa isa);

/// The oracle: one output at a time, averages in fp64.
void pool_reference(const PoolShape& shape, const void* x, void* y);

}  // namespace wherry::kernels
