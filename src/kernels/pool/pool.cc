// Walks output pixels and clips their windows; the instruction set's loops do a window.

#include "kernels/pool/pool.h"

#include <algorithm>
#include <string>
#include <vector>

#include "base/check.h"
#include "base/checked_math.h"
#include "kernels/pool/pool_kernels.h"

namespace wherry::kernels {
namespace {

/// Channels of an item: four AVX-512 vectors. Global pooling has few pixels, so channels too are shared out.
constexpr std::int64_t kChannelBlock = 64;

struct Chosen {
  const PoolKernels* kernels;
  base::Isa isa;
};

/// The last of the lists that runs on `isa`.
Chosen kernels_for(DType dtype, base::Isa isa) {
  Chosen best = {nullptr, isa};
#define WHERRY_POOL_KERNELS(set, table) \
  if (dtype != DType::bf16 && base::includes(isa, base::Isa::set)) best = {&table, base::Isa::set};
#define WHERRY_BF16_POOL_KERNELS(set, table) \
  if (dtype == DType::bf16 && base::includes(isa, base::Isa::set)) best = {&table, base::Isa::set};
#include "kernels/pool/bf16_kernels.inc"
#include "kernels/pool/kernels.inc"
#undef WHERRY_BF16_POOL_KERNELS
#undef WHERRY_POOL_KERNELS
  WHERRY_CHECK(best.kernels != nullptr);
  return best;
}

/// One axis of a window: first position inside x, how many, and how many with the padding.
struct Span {
  std::int64_t begin, count, padded;
};

Span fixed_span(std::int64_t out, std::int64_t in_size, std::int64_t kernel, std::int64_t stride, std::int64_t before,
                std::int64_t after, std::int64_t dilation) {
  const std::int64_t start = out * stride - before;
  const std::int64_t first = start < 0 ? base::ceil_div(-start, dilation) : 0;
  const auto until = [&](std::int64_t limit) {
    return limit <= start ? 0 : std::min(kernel, base::ceil_div(limit - start, dilation));
  };
  return {start + first * dilation, std::max<std::int64_t>(until(in_size) - first, 0), until(in_size + after)};
}

Span adaptive_span(std::int64_t out, std::int64_t in_size, std::int64_t out_size) {
  const std::int64_t begin = out * in_size / out_size;
  const std::int64_t count = base::ceil_div((out + 1) * in_size, out_size) - begin;
  return {begin, count, count};
}

class WindowPool final : public Pool {
 public:
  WindowPool(const PoolShape& shape, base::Isa isa)
      : shape_(shape), blocks_(base::ceil_div(shape.channels, kChannelBlock)) {
    WHERRY_CHECK(shape.adaptive || (shape.stride_h > 0 && shape.stride_w > 0));
    WHERRY_CHECK(shape.adaptive || (shape.dilation_h > 0 && shape.dilation_w > 0));
    WHERRY_CHECK(shape.mode == PoolMode::max || shape.adaptive || (shape.dilation_h == 1 && shape.dilation_w == 1));
    const Chosen chosen = kernels_for(shape.dtype, isa);
    kernels_ = chosen.kernels;
    name_ = std::string(shape.adaptive ? "adaptive_pool_" : "pool_") +
            (shape.mode == PoolMode::max ? "max_" : "average_") + (shape.dtype == DType::bf16 ? "bf16_" : "") +
            std::string(base::name_of(chosen.isa));
    element_bytes_ = static_cast<std::int64_t>(size_of(shape.dtype));
    const PoolShape& s = shape_;
    for (std::int64_t i = 0; i < s.out_height; ++i)
      rows_.push_back(s.adaptive
                          ? adaptive_span(i, s.in_height, s.out_height)
                          : fixed_span(i, s.in_height, s.kernel_h, s.stride_h, s.pad_top, s.pad_bottom, s.dilation_h));
    for (std::int64_t j = 0; j < s.out_width; ++j)
      columns_.push_back(
          s.adaptive ? adaptive_span(j, s.in_width, s.out_width)
                     : fixed_span(j, s.in_width, s.kernel_w, s.stride_w, s.pad_left, s.pad_right, s.dilation_w));
  }

  std::string_view name() const override { return name_; }
  std::int64_t items() const override { return shape_.batch * shape_.out_height * shape_.out_width * blocks_; }

  void run(const void* x, void* y, std::int64_t begin, std::int64_t end) const noexcept override {
    const PoolShape& s = shape_;
    const std::int64_t first = begin / blocks_;
    std::int64_t j = first % s.out_width, i = first / s.out_width % s.out_height,
                 n = first / s.out_width / s.out_height;
    for (std::int64_t block = begin % blocks_; begin < end; block = 0) {
      // Neighbouring blocks of one pixel go together.
      const std::int64_t count = std::min(blocks_ - block, end - begin);
      const std::int64_t channel = block * kChannelBlock;
      run_pixel(static_cast<const std::byte*>(x) + channel * element_bytes_,
                static_cast<std::byte*>(y) + channel * element_bytes_, n, i, j,
                std::min(count * kChannelBlock, s.channels - channel));
      begin += count;
      // A division for each pixel takes as long as a small window.
      if (++j < s.out_width) continue;
      j = 0;
      if (++i < s.out_height) continue;
      i = 0;
      ++n;
    }
  }

 private:
  void run_pixel(const std::byte* x, std::byte* y, std::int64_t n, std::int64_t i, std::int64_t j,
                 std::int64_t channels) const {
    const PoolShape& s = shape_;
    y += (n * s.y_batch_stride + i * s.y_row_stride + j * s.y_column_stride) * element_bytes_;
    const Span& rows = rows_[static_cast<std::size_t>(i)];
    const Span& columns = columns_[static_cast<std::size_t>(j)];
    const std::int64_t row_step = s.adaptive ? 1 : s.dilation_h, column_step = s.adaptive ? 1 : s.dilation_w;
    const PoolWindow window = {
        x + (n * s.x_batch_stride + rows.begin * s.x_row_stride + columns.begin * s.x_column_stride) * element_bytes_,
        rows.count, row_step * s.x_row_stride, columns.count, column_step * s.x_column_stride};
    if (s.mode == PoolMode::max) return kernels_->max(y, window, channels);
    const std::int64_t inside = rows.count * columns.count;
    std::int64_t divisor = inside;
    if (!s.adaptive && s.divisor != 0)
      divisor = s.divisor;
    else if (!s.adaptive && s.count_include_pad)
      divisor = rows.padded * columns.padded;
    kernels_->sum(y, window, channels, inside == 0 ? 0.0f : static_cast<float>(1.0 / static_cast<double>(divisor)));
  }

  PoolShape shape_;
  const PoolKernels* kernels_;
  std::int64_t blocks_;
  std::int64_t element_bytes_;
  std::vector<Span> rows_, columns_;  ///< of every output row and column
  std::string name_;
};

}  // namespace

std::unique_ptr<const Pool> make_pool(const PoolShape& shape, base::Isa isa) {
  return std::make_unique<WindowPool>(shape, isa);
}

}  // namespace wherry::kernels
