// Depthwise and small-group convolution: a walk over rows of output pixels. Inside a row the pixels whose whole window
// lies in the image go several at a time, those at its edges one by one with the taps that remain.

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <string>
#include <vector>

#include "kernels/convolution/families.h"
#include "kernels/convolution/window_kernels.h"
#include "kernels/lanes.h"
#include "kernels/matmul/block.h"
#include "kernels/matmul/tile_kernels.h"

namespace wherry::kernels {
namespace {

/// Channels of one item, and results (pixels × channels) of one item: what keeps input rows and results in L1.
constexpr std::int64_t kBlockChannels = 128;
constexpr std::int64_t kBlockResults = 4096;

std::int64_t divide_up(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

/// The set whose kernels compute on these images.
base::Isa kernels_isa(const ConvolutionWeights& weights, base::Isa isa) {
  return weights.dtype == DType::bf16 ? bf16_window_isa(isa) : fixed_length_isa(base::fp32_isa(isa));
}

class WindowConvolution final : public Convolution {
 public:
  WindowConvolution(const ConvolutionShape& shape, base::Isa isa);

  std::string_view name() const override { return name_; }
  std::int64_t items() const override { return shape_.batch * channel_blocks_ * column_blocks_ * out_h_; }
  std::size_t scratch_bytes() const override { return scratch_bytes_; }
  void run(const ConvolutionArguments& arguments, std::int64_t begin, std::int64_t end,
           void* scratch) const noexcept override;

 private:
  /// First and last tap of a window that starts at `start` and must stay in [0, size).
  struct Range {
    std::int64_t first, end;
  };
  static Range clip(std::int64_t start, std::int64_t dilation, std::int64_t taps, std::int64_t size) {
    const std::int64_t first = start >= 0 ? 0 : std::min(taps, divide_up(-start, dilation));
    const std::int64_t end = start >= size ? 0 : std::min(taps, (size - 1 - start) / dilation + 1);
    return {first, std::max(first, end)};
  }

  ConvolutionShape shape_;
  const WindowKernels& kernels_;
  bool grouped_;
  std::int64_t out_h_, out_w_;
  std::int64_t vectors_;         ///< of output channels
  std::int64_t vector_outputs_;  ///< channels in each but the last
  std::int64_t vector_inputs_;
  std::int64_t weights_vector_, weights_tap_;
  std::int64_t channel_blocks_, column_blocks_;
  std::int64_t interior_begin_, interior_end_;  ///< columns whose windows lie in the image
  std::int64_t x_bytes_, element_bytes_;
  bool whole_rows_;  ///< 3×3 windows that row kernels compute
  std::size_t scratch_bytes_;
  std::vector<std::int32_t> index_;
  std::string name_;
};

WindowConvolution::WindowConvolution(const ConvolutionShape& shape, base::Isa isa)
    : shape_(shape),
      kernels_(window_kernels(
          family_of(shape.weights, isa) == ConvolutionFamily::grouped ? WindowKind::grouped : WindowKind::depthwise,
          kernels_isa(shape.weights, isa))),
      grouped_(family_of(shape.weights, isa) == ConvolutionFamily::grouped),
      out_h_(shape.out_h()),
      out_w_(shape.out_w()) {
  const ConvolutionWeights& weights = shape.weights;
  const std::int64_t lanes = kernels_.lanes;
  const std::int64_t inputs = weights.in_channels / weights.groups, outputs = weights.out_channels / weights.groups;
  if (grouped_) {
    const GroupedVectors vectors = grouped_vectors(weights, lanes);
    vectors_ = vectors.count;
    vector_outputs_ = vectors.vector_outputs;
    vector_inputs_ = vectors.vector_inputs;
    weights_tap_ = inputs * lanes;
    weights_vector_ = weights.kernel_h * weights.kernel_w * weights_tap_;
    index_.assign(static_cast<std::size_t>(inputs * lanes), 0);
    for (std::int64_t c = 0; c < inputs; ++c)
      for (std::int64_t lane = 0; lane < vector_outputs_; ++lane)
        index_[c * lanes + lane] = static_cast<std::int32_t>(lane / outputs * inputs + c);
  } else {
    vectors_ = divide_up(weights.in_channels, lanes);
    vector_outputs_ = vector_inputs_ = weights_vector_ = lanes;
    weights_tap_ = vectors_ * lanes;
  }
  channel_blocks_ = std::min(vectors_, divide_up(weights.out_channels, kBlockChannels));
  const std::int64_t block_channels = divide_up(vectors_, channel_blocks_) * vector_outputs_;
  column_blocks_ = std::min(out_w_, divide_up(out_w_ * block_channels, kBlockResults));
  scratch_bytes_ = static_cast<std::size_t>(divide_up(out_w_, column_blocks_) * block_channels) * sizeof(float);

  interior_begin_ = std::min(out_w_, divide_up(shape.pad_left, shape.stride_w));
  const std::int64_t last_start = shape.in_w - 1 - shape.dilation_w * (weights.kernel_w - 1) + shape.pad_left;
  interior_end_ = last_start < 0 ? 0 : std::min(out_w_, last_start / shape.stride_w + 1);
  interior_end_ = std::max(interior_begin_, interior_end_);
  whole_rows_ = !grouped_ && weights.kernel_h == 3 && weights.kernel_w == 3 && shape.dilation_w == 1 &&
                shape.stride_w <= 2 && shape.in_w >= 2;
  element_bytes_ = static_cast<std::int64_t>(size_of(shape.y_dtype));
  const bool bf16 = shape.weights.dtype == DType::bf16;
  x_bytes_ = static_cast<std::int64_t>(size_of(shape.weights.dtype));
  name_ = fmt::format("{}_{}_{}x{}_{}", bf16 ? "bf16" : "f32", grouped_ ? "grouped" : "depthwise", kernels_.max_pixels,
                      lanes, base::name_of(kernels_isa(weights, isa)));
}

void WindowConvolution::run(const ConvolutionArguments& arguments, std::int64_t begin, std::int64_t end,
                            void* scratch) const noexcept {
  const Epilogue& epilogue = arguments.epilogue;
  const ConvolutionWeights& weights = shape_.weights;
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  WindowTask task;
  task.x_tap_h = shape_.dilation_h * shape_.x_stride_h;
  task.x_tap_w = shape_.dilation_w * shape_.x_stride_w;
  task.x_pixel = shape_.stride_w * shape_.x_stride_w;
  task.weights_tap_h = weights.kernel_w * weights_tap_;
  task.weights_tap_w = weights_tap_;
  task.residual_pixel = epilogue.residual_row_stride;
  task.residual_is_bf16 = epilogue.residual_dtype == DType::bf16;
  task.y_is_bf16 = epilogue.program == nullptr && shape_.y_dtype == DType::bf16;
  const auto residual_bytes = static_cast<std::int64_t>(size_of(epilogue.residual_dtype));
  const std::int64_t result_bytes = epilogue.program == nullptr ? element_bytes_ : 4;
  task.clamp = epilogue.low > -kInfinity || epilogue.high < kInfinity;
  task.low = epilogue.low;
  task.high = epilogue.high;
  task.group_inputs = weights.in_channels / weights.groups;
  task.vector_inputs = vector_inputs_;
  task.vector_outputs = vector_outputs_;
  task.weights_vector = weights_vector_;
  task.index = index_.data();

  for (std::int64_t item = begin; item < end; ++item) {
    // Rows outermost: a thread's share is a band of the image, as it is in the layers before and after, so that each
    // core finds in its own L2 most of what it reads.
    const std::int64_t column_block = item % column_blocks_;
    std::int64_t rest = item / column_blocks_;
    const std::int64_t channel_block = rest % channel_blocks_;
    rest /= channel_blocks_;
    const std::int64_t oh = rest % out_h_, n = rest / out_h_;

    const std::int64_t first_vector = vectors_ * channel_block / channel_blocks_;
    const std::int64_t end_vector = vectors_ * (channel_block + 1) / channel_blocks_;
    const std::int64_t first_output = first_vector * vector_outputs_, first_input = first_vector * vector_inputs_;
    task.out_channels = std::min(weights.out_channels, end_vector * vector_outputs_) - first_output;
    task.in_channels = std::min(weights.in_channels, end_vector * vector_inputs_) - first_input;
    const float* const packed = static_cast<const float*>(arguments.weights) + first_vector * weights_vector_;
    task.bias = epilogue.bias == nullptr ? nullptr : epilogue.bias + first_output;

    const std::int64_t ih = oh * shape_.stride_h - shape_.pad_top;
    const Range rows = clip(ih, shape_.dilation_h, weights.kernel_h, shape_.in_h);
    task.taps_h = rows.end - rows.first;
    const std::int64_t first_ow = out_w_ * column_block / column_blocks_;
    const std::int64_t end_ow = out_w_ * (column_block + 1) / column_blocks_;
    const std::int64_t first_pixel = (n * out_h_ + oh) * out_w_ + first_ow;
    std::byte* const y =
        static_cast<std::byte*>(arguments.y) +
        (n * shape_.y_stride_n + oh * shape_.y_stride_h + first_ow * shape_.y_stride_w + first_output) * element_bytes_;
    std::byte* const results = epilogue.program == nullptr ? y : static_cast<std::byte*>(scratch);
    task.y_pixel = epilogue.program == nullptr ? shape_.y_stride_w : task.out_channels;

    const auto compute = [&](std::int64_t ow, std::int64_t pixels, Range columns) {
      const std::int64_t iw = ow * shape_.stride_w - shape_.pad_left;
      task.taps_w = columns.end - columns.first;
      task.x = arguments.x;
      if (task.taps_h > 0 && task.taps_w > 0)
        task.x = static_cast<const std::byte*>(arguments.x) +
                 x_bytes_ * (n * shape_.x_stride_n + (ih + rows.first * shape_.dilation_h) * shape_.x_stride_h +
                             (iw + columns.first * shape_.dilation_w) * shape_.x_stride_w + first_input);
      task.weights = packed + rows.first * task.weights_tap_h + columns.first * task.weights_tap_w;
      task.residual =
          epilogue.residual == nullptr
              ? nullptr
              : static_cast<const std::byte*>(epilogue.residual) +
                    residual_bytes * ((first_pixel + ow - first_ow) * epilogue.residual_row_stride + first_output);
      task.y = results + (ow - first_ow) * task.y_pixel * result_bytes;
      const WindowKernel kernel = pixels == 0 ? kernels_.rows[shape_.stride_w][task.taps_h] : kernels_.pixels[pixels];
      kernel(task);
    };
    const std::int64_t first_iw = first_ow * shape_.stride_w - shape_.pad_left;
    const std::int64_t last_iw = (end_ow - 1) * shape_.stride_w - shape_.pad_left;
    if (whole_rows_ && task.taps_h >= 2 && first_iw >= -1 && last_iw + 2 <= shape_.in_w) {
      task.pixels = end_ow - first_ow;
      task.outside_left = first_iw < 0;
      task.outside_right = last_iw + 2 == shape_.in_w;
      compute(first_ow, 0, {0, 3});
    } else {
      const std::int64_t inside = std::clamp(interior_begin_, first_ow, end_ow);
      const std::int64_t outside = std::clamp(interior_end_, inside, end_ow);
      const auto edge = [&](std::int64_t ow) {
        compute(ow, 1, clip(ow * shape_.stride_w - shape_.pad_left, shape_.dilation_w, weights.kernel_w, shape_.in_w));
      };
      for (std::int64_t ow = first_ow; ow < inside; ++ow) edge(ow);
      const std::int64_t tiles = divide_up(outside - inside, kernels_.max_pixels);
      for (std::int64_t tile = 0; tile < tiles; ++tile) {
        const std::int64_t from = inside + (outside - inside) * tile / tiles;
        compute(from, inside + (outside - inside) * (tile + 1) / tiles - from, {0, weights.kernel_w});
      }
      for (std::int64_t ow = outside; ow < end_ow; ++ow) edge(ow);
    }

    if (epilogue.program != nullptr) {
      const EpilogueOrigin origin = {first_pixel, first_output, 0, nullptr};
      run_epilogue_program(epilogue, origin, static_cast<const float*>(scratch), task.y_pixel, y, shape_.y_stride_w,
                           end_ow - first_ow, task.out_channels);
    }
  }
}

}  // namespace

std::unique_ptr<const Convolution> make_window_convolution(const ConvolutionShape& shape, base::Isa isa, int) {
  return std::make_unique<WindowConvolution>(shape, isa);
}

}  // namespace wherry::kernels
