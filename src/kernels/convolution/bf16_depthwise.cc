// Depthwise convolution of bf16 images: an item is a block of output rows times a block of channels. Inside it, tiles
// of neighbouring columns go down the rows, so that a tile's part of an input row is in L1 for all windows that it lies
// in.

#include "kernels/convolution/bf16_depthwise.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <string>
#include <vector>

#include "base/check.h"
#include "base/checked_math.h"
#include "kernels/convolution/families.h"
#include "kernels/matmul/block.h"

namespace wherry::kernels {

// Defined in depthwise_<isa>.cc.
#define WHERRY_BF16_DEPTHWISE(isa) extern const Bf16DepthwiseSet kBf16Depthwise_##isa;
#include "kernels/convolution/bf16_depthwise_kernels.inc"
#undef WHERRY_BF16_DEPTHWISE

namespace {

using base::ceil_div;

constexpr std::int64_t kLanes = kBf16DepthwiseLanes;
/// Of an item, so that a tile's input stays in L1.
constexpr std::int64_t kBlockRows = 4;
constexpr std::int64_t kBlockVectors = 8;

/// First and last tap of a window that starts at `start` and must stay in [0, size).
struct Taps {
  std::int64_t first, end;
};
Taps clip(std::int64_t start, std::int64_t dilation, std::int64_t taps, std::int64_t size) {
  const std::int64_t first = start >= 0 ? 0 : std::min(taps, ceil_div(-start, dilation));
  const std::int64_t end = start >= size ? 0 : std::min(taps, (size - 1 - start) / dilation + 1);
  return {first, std::max(first, end)};
}

/// The sets that run on `isa`, strongest first.
std::vector<const Bf16DepthwiseSet*> sets_of(base::Isa isa) {
  std::vector<const Bf16DepthwiseSet*> sets;
#define WHERRY_BF16_DEPTHWISE(set) \
  if (base::includes(isa, base::Isa::set)) sets.insert(sets.begin(), &kBf16Depthwise_##set);
#include "kernels/convolution/bf16_depthwise_kernels.inc"
#undef WHERRY_BF16_DEPTHWISE
  WHERRY_CHECK(!sets.empty());
  return sets;
}

/// The kernels for this window, and the set that they are of. The weakest set has kernels for any window.
struct Chosen {
  const Bf16DepthwiseKernels* kernels;
  base::Isa isa;
};
Chosen kernels_for(const ConvolutionShape& shape, base::Isa isa) {
  for (const Bf16DepthwiseSet* set : sets_of(isa))
    for (int i = 0; i < set->count; ++i) {
      const Bf16DepthwiseKernels& kernels = set->windows[i];
      if (kernels.taps_w == 0 ||
          (kernels.taps_w == shape.weights.kernel_w && kernels.stride_w == shape.stride_w && shape.dilation_w == 1))
        return {&kernels, set->isa};
    }
  base::fail<InternalError>("no bf16 depthwise kernels for windows {} wide", shape.weights.kernel_w);
}

class Bf16Depthwise final : public Convolution {
 public:
  Bf16Depthwise(const ConvolutionShape& shape, base::Isa isa, int threads)
      : shape_(shape),
        kernels_(*kernels_for(shape, isa).kernels),
        out_h_(shape.out_h()),
        out_w_(shape.out_w()),
        vectors_(ceil_div(shape.weights.in_channels, kLanes)) {
    for (std::int64_t oh = 0; oh < out_h_; ++oh) {
      const std::int64_t ih = oh * shape.stride_h - shape.pad_top;
      const Taps taps = clip(ih, shape.dilation_h, shape.weights.kernel_h, shape.in_h);
      rows_.push_back({taps.end - taps.first, (ih + taps.first * shape.dilation_h) * shape.x_stride_h,
                       taps.first * shape.weights.kernel_w * kLanes});
    }
    if (kernels_.taps_w > 0) {
      const std::int64_t count = ceil_div(out_w_, kernels_.max_pixels);
      for (std::int64_t tile = 0; tile < count; ++tile)
        add_tile(out_w_ * tile / count, out_w_ * (tile + 1) / count, {0, kernels_.taps_w});
    } else {
      add_tiles_of_equal_taps();
    }
    row_blocks_ = ceil_div(out_h_, kBlockRows);
    channel_blocks_ = ceil_div(vectors_, kBlockVectors);
    // Equal shares: of rows where there are many, else of channels.
    if (shape.batch * row_blocks_ >= 2 * threads)
      row_blocks_ = std::min(out_h_, base::round_up(row_blocks_, threads));
    else
      channel_blocks_ = std::min(vectors_, base::round_up(channel_blocks_, threads)), row_blocks_ = 1;
    block_channels_ = ceil_div(vectors_, channel_blocks_) * kLanes;
    name_ = fmt::format("bf16_depthwise_{}x32_{}", kernels_.max_pixels, base::name_of(kernels_for(shape, isa).isa));
  }

  std::string_view name() const override { return name_; }
  std::int64_t items() const override { return shape_.batch * row_blocks_ * channel_blocks_; }
  std::size_t scratch_bytes() const override {
    return static_cast<std::size_t>(kMaxBf16DepthwisePixels * block_channels_) * sizeof(float);
  }
  void run(const ConvolutionArguments& arguments, std::int64_t begin, std::int64_t end,
           void* scratch) const noexcept override;

 private:
  /// An output row: how many of its window's rows lie in the image, and where the first of them is.
  struct Row {
    std::int64_t taps, x, weights;
  };
  /// Neighbouring pixels of a row.
  struct Tile {
    Bf16DepthwiseKernel kernel;
    std::int64_t first, pixels;
    std::int64_t x, weights;
    std::int64_t taps;
    std::uint32_t columns;
  };

  void add_tile(std::int64_t first, std::int64_t end, Taps taps) {
    const std::int64_t iw = first * shape_.stride_w - shape_.pad_left;
    std::uint32_t columns = 0;
    if (kernels_.taps_w > 0)
      for (std::int64_t i = 0; i < (end - first - 1) * shape_.stride_w + kernels_.taps_w; ++i)
        columns |= static_cast<std::uint32_t>(iw + i >= 0 && iw + i < shape_.in_w) << i;
    tiles_.push_back({kernels_.pixels[end - first], first, end - first,
                      (iw + taps.first * shape_.dilation_w) * shape_.x_stride_w, taps.first * kLanes,
                      taps.end - taps.first, columns});
  }

  void add_tiles_of_equal_taps() {
    const auto taps_of = [&](std::int64_t ow) {
      return clip(ow * shape_.stride_w - shape_.pad_left, shape_.dilation_w, shape_.weights.kernel_w, shape_.in_w);
    };
    for (std::int64_t first = 0, end = 0; first < out_w_; first = end) {
      const Taps taps = taps_of(first);
      for (end = first + 1; end < out_w_ && end - first < kernels_.max_pixels; ++end) {
        const Taps next = taps_of(end);
        if (next.first != taps.first || next.end != taps.end) break;
      }
      add_tile(first, end, taps);
    }
  }

  ConvolutionShape shape_;
  const Bf16DepthwiseKernels& kernels_;
  std::int64_t out_h_, out_w_;
  std::int64_t vectors_;  ///< of 32 channels
  std::int64_t row_blocks_, channel_blocks_, block_channels_;
  std::vector<Row> rows_;
  std::vector<Tile> tiles_;
  std::string name_;
};

void Bf16Depthwise::run(const ConvolutionArguments& arguments, std::int64_t begin, std::int64_t end,
                        void* scratch) const noexcept {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  const Epilogue& epilogue = arguments.epilogue;
  const ConvolutionWeights& weights = shape_.weights;
  const bool program = epilogue.program != nullptr;
  const auto y_bytes = static_cast<std::int64_t>(size_of(shape_.y_dtype));
  const auto residual_bytes = static_cast<std::int64_t>(size_of(epilogue.residual_dtype));
  Bf16DepthwiseTask task;
  task.x_tap_h = shape_.dilation_h * shape_.x_stride_h;
  task.x_column = shape_.x_stride_w;
  task.x_tap_w = shape_.dilation_w * shape_.x_stride_w;
  task.x_pixel = shape_.stride_w * shape_.x_stride_w;
  task.weights_tap_h = weights.kernel_w * kLanes;
  task.weights_vector = weights.kernel_h * task.weights_tap_h;
  task.residual_is_bf16 = epilogue.residual_dtype == DType::bf16;
  task.residual_pixel = epilogue.residual_row_stride;
  task.y_is_bf16 = !program && shape_.y_dtype == DType::bf16;
  task.clamp = epilogue.low > -kInfinity || epilogue.high < kInfinity;
  task.low = epilogue.low;
  task.high = epilogue.high;

  for (std::int64_t item = begin; item < end; ++item) {
    const std::int64_t channel_block = item % channel_blocks_, row_block = item / channel_blocks_ % row_blocks_;
    const std::int64_t n = item / channel_blocks_ / row_blocks_;
    const std::int64_t first_vector = vectors_ * channel_block / channel_blocks_;
    const std::int64_t c = first_vector * kLanes;
    task.channels = std::min(weights.in_channels, vectors_ * (channel_block + 1) / channel_blocks_ * kLanes) - c;
    task.bias = epilogue.bias == nullptr ? nullptr : epilogue.bias + c;
    const auto* const x = static_cast<const std::uint16_t*>(arguments.x) + n * shape_.x_stride_n + c;
    const float* const packed = static_cast<const float*>(arguments.weights) + first_vector * task.weights_vector;
    const std::int64_t first_row = out_h_ * row_block / row_blocks_;
    const std::int64_t end_row = out_h_ * (row_block + 1) / row_blocks_;
    for (const Tile& tile : tiles_) {
      task.columns = tile.columns;
      task.taps_w = tile.taps;
      for (std::int64_t oh = first_row; oh < end_row; ++oh) {
        const Row& row = rows_[static_cast<std::size_t>(oh)];
        const std::int64_t pixel = (n * out_h_ + oh) * out_w_ + tile.first;
        const std::int64_t at = n * shape_.y_stride_n + oh * shape_.y_stride_h + tile.first * shape_.y_stride_w + c;
        std::byte* const y = static_cast<std::byte*>(arguments.y) + at * y_bytes;
        task.taps_h = row.taps;
        task.x = x + row.x + tile.x;
        task.weights = packed + row.weights + tile.weights;
        if (epilogue.residual != nullptr)
          task.residual = static_cast<const std::byte*>(epilogue.residual) +
                          (pixel * epilogue.residual_row_stride + c) * residual_bytes;
        else
          task.residual = nullptr;
        task.y = program ? scratch : y;
        task.y_pixel = program ? task.channels : shape_.y_stride_w;
        tile.kernel(task);
        if (program)
          run_epilogue_program(epilogue, {pixel, c, 0, nullptr}, static_cast<const float*>(scratch), task.y_pixel, y,
                               shape_.y_stride_w, tile.pixels, task.channels);
      }
    }
  }
}

}  // namespace

bool splits_bf16_depthwise(base::Isa isa) { return sets_of(isa).front()->split; }

std::unique_ptr<const Convolution> make_bf16_depthwise(const ConvolutionShape& shape, base::Isa isa, int threads) {
  return std::make_unique<Bf16Depthwise>(shape, isa, threads);
}

}  // namespace wherry::kernels
