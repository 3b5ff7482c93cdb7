// Convolution as a matmul that is never laid out: a row of A is, for each tap of the window, the channels of one pixel.
// The micro-kernel takes a pointer to each, so strides, dilation and padding (a row of zeros) cost nothing inside it.

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <string>

#include "kernels/convolution/families.h"
#include "kernels/matmul/block.h"
#include "kernels/matmul/blocking.h"
#include "kernels/matmul/panels.h"
#include "kernels/matmul/tile_kernels.h"

namespace wherry::kernels {
namespace {

/// Up to this many channels a window's row (kernel_w · C neighbouring floats) is one tap: a stem's 3 channels alone
/// would be too short a loop.
constexpr std::int64_t kMaxMergedChannels = 15;
constexpr std::int64_t kFewestPanelsToGather = 4;

std::size_t round_up(std::size_t bytes) { return (bytes + 63) / 64 * 64; }

class ImplicitConvolution final : public Convolution {
 public:
  ImplicitConvolution(const ConvolutionShape& shape, base::Isa isa, int threads, const Choice& choice);

  std::string_view name() const override { return name_; }
  std::int64_t items() const override { return items_; }
  std::size_t scratch_bytes() const override { return scratch_bytes_; }
  std::vector<Choice> candidates() const override { return blocking_candidates(kernels_, panels_, problem_); }
  void run(const ConvolutionArguments& arguments, std::int64_t begin, std::int64_t end,
           void* scratch) const noexcept override;

 private:
  struct Item {
    std::int64_t segment, group, block, panel;
  };
  Item item_at(std::int64_t item) const {
    Item result;
    if (blocking_.panels_outer) {
      result.block = item % blocking_.blocks, item /= blocking_.blocks;
      result.panel = item % panels_.count, item /= panels_.count;
      result.group = item % shape_.weights.groups;
      result.segment = item / shape_.weights.groups;
    } else {
      result.panel = item % panels_.count, item /= panels_.count;
      result.group = item % shape_.weights.groups, item /= shape_.weights.groups;
      result.block = item % blocking_.blocks;
      result.segment = item / blocking_.blocks;
    }
    return result;
  }

  /// Whether the rows of A in a segment are pixels one stride apart: a 1×1 window that moves on by one pixel, in an
  /// image without gaps between its rows.
  bool rows_are_strided() const {
    if (taps_ != 1 || padded_ || shape_.stride_h != 1 || shape_.stride_w != 1) return false;
    const bool rows_join = out_h_ == 1 || shape_.x_stride_h == out_w_ * shape_.x_stride_w;
    const bool images_join = shape_.batch == 1 || shape_.x_stride_n == out_h_ * out_w_ * shape_.x_stride_w;
    if (segments_ == shape_.batch * out_h_) return true;
    return rows_join && (segments_ == shape_.batch || images_join);
  }

  /// Lays out the rows that the task's table points to: [row][tap][depth].
  void gather_rows(const BlockTask& task, float* to) const noexcept;
  /// Writes the row pointers of pixels [first, end) of the flat order (n, oh, ow), tile by tile.
  void find_rows(const float* x, std::int64_t first_pixel, std::int64_t first_tile, std::int64_t end_tile,
                 std::byte* scratch) const noexcept;
  const float* find_merged_row(const float* image, std::int64_t ih, std::int64_t iw, const float* zeros,
                               float*& patch) const noexcept;

  ConvolutionShape shape_;
  const TileKernels& kernels_;
  Panels panels_;
  BlockingProblem problem_;
  Blocking blocking_;
  std::int64_t out_h_, out_w_;
  bool merged_ = false;      ///< a tap is a row of the window
  std::int64_t taps_w_ = 1;  ///< taps in one row of the window
  std::int64_t taps_ = 1, depth_ = 0;
  bool padded_ = false;
  bool gathered_ = false;      ///< blocks of rows are laid out in scratch: im2col, a block at a time
  std::int64_t segments_ = 1;  ///< runs of pixels whose y has one stride
  std::int64_t items_ = 0;
  std::int64_t element_bytes_ = 4;
  std::size_t copied_at_ = 0, zeros_at_ = 0, patches_at_ = 0, accumulators_at_ = 0, scratch_bytes_ = 0;
  std::string name_;
};

ImplicitConvolution::ImplicitConvolution(const ConvolutionShape& shape, base::Isa isa, int threads,
                                         const Choice& choice)
    : shape_(shape),
      kernels_(tile_kernels(isa)),
      panels_(make_panels(shape.weights.out_channels / shape.weights.groups, kernels_)),
      out_h_(shape.out_h()),
      out_w_(shape.out_w()) {
  const ConvolutionWeights& weights = shape.weights;
  const std::int64_t inputs = weights.in_channels / weights.groups;
  merged_ = weights.groups == 1 && weights.kernel_w > 1 && inputs <= kMaxMergedChannels && shape.dilation_w == 1 &&
            shape.x_stride_w == inputs;
  taps_w_ = merged_ ? 1 : weights.kernel_w;
  taps_ = weights.kernel_h * taps_w_;
  depth_ = merged_ ? weights.kernel_w * inputs : inputs;
  padded_ = shape.pad_top + shape.pad_bottom + shape.pad_left + shape.pad_right > 0;

  const std::int64_t pixels = shape.batch * out_h_ * out_w_;
  if (out_h_ > 1 && shape.y_stride_h != out_w_ * shape.y_stride_w) {
    segments_ = shape.batch * out_h_;
  } else if (shape.batch > 1 && shape.y_stride_n != out_h_ * out_w_ * shape.y_stride_w) {
    segments_ = shape.batch;
  }
  if (segments_ == 0) segments_ = 1;
  const std::int64_t reread = std::min(taps_, shape.stride_h * shape.stride_w);
  // Many panels pay for laying a block's rows out once, as the strided kernels like them.
  gathered_ = !rows_are_strided() && panels_.count >= kFewestPanelsToGather;
  problem_ = {.outer = segments_ * weights.groups,
              .rows = pixels / segments_,
              .taps = gathered_ ? 1 : taps_,
              .depth = gathered_ ? taps_ * depth_ : depth_,
              .a_bytes_per_row = gathered_ ? taps_ * depth_ * 4 : inputs * 4 * reread,
              .strided = gathered_ || rows_are_strided(),
              .a_row_stride = shape.x_stride_w,
              .gathered = gathered_,
              .shared_b = true,
              .threads = threads};
  blocking_ = choose_blocking(kernels_, panels_, problem_, choice);
  items_ = segments_ * weights.groups * blocking_.blocks * panels_.count;
  element_bytes_ = static_cast<std::int64_t>(size_of(shape.y_dtype));
  name_ = fmt::format("f32_conv_{}x{}_{}", blocking_.tile_rows, panels_.widest() * panels_.lanes,
                      base::name_of(base::fp32_isa(isa)));

  const std::int64_t rows = blocking_.max_block_rows();
  copied_at_ = round_up(blocking_.strided && !gathered_ ? 0 : rows * taps_ * sizeof(const float*));
  zeros_at_ = copied_at_ + round_up(blocking_.copied_elements() * sizeof(float));
  patches_at_ = zeros_at_ + (padded_ ? round_up(std::max(weights.in_channels, depth_) * sizeof(float)) : 0);
  accumulators_at_ = patches_at_ + (padded_ && merged_ ? round_up(rows * taps_ * depth_ * sizeof(float)) : 0);
  scratch_bytes_ = accumulators_at_ + round_up(rows * panels_.widest() * panels_.lanes * sizeof(float));
}

/// The kernel_w pixels from (ih, iw) on, which may lie outside the image in part.
const float* ImplicitConvolution::find_merged_row(const float* image, std::int64_t ih, std::int64_t iw,
                                                  const float* zeros, float*& patch) const noexcept {
  const std::int64_t channels = shape_.weights.in_channels;
  const std::int64_t from = std::max<std::int64_t>(0, -iw);
  const std::int64_t to = std::min(shape_.weights.kernel_w, shape_.in_w - iw);
  if (ih < 0 || ih >= shape_.in_h || from >= to) return zeros;
  const std::int64_t offset = ih * shape_.x_stride_h + iw * channels;
  if (from == 0 && to == shape_.weights.kernel_w) return image + offset;
  float* const row = patch;
  patch += depth_;
  std::memset(row, 0, depth_ * sizeof(float));
  std::memcpy(row + from * channels, image + offset + from * channels, (to - from) * channels * sizeof(float));
  return row;
}

void ImplicitConvolution::find_rows(const float* x, std::int64_t first_pixel, std::int64_t first_tile,
                                    std::int64_t end_tile, std::byte* scratch) const noexcept {
  const float** table = reinterpret_cast<const float**>(scratch);
  const float* const zeros = reinterpret_cast<const float*>(scratch + zeros_at_);
  float* patch = reinterpret_cast<float*>(scratch + patches_at_);
  const std::int64_t kernel_h = shape_.weights.kernel_h;
  std::int64_t ow = first_pixel % out_w_, oh = first_pixel / out_w_ % out_h_, n = first_pixel / (out_w_ * out_h_);
  const std::int64_t tap_w_stride = shape_.dilation_w * shape_.x_stride_w;
  const std::int64_t window_w = shape_.dilation_w * (shape_.weights.kernel_w - 1) + 1;
  const std::int64_t step = shape_.stride_w * shape_.x_stride_w;
  for (std::int64_t tile = first_tile; tile < end_tile; ++tile) {
    const std::int64_t rows = blocking_.first_row(tile + 1) - blocking_.first_row(tile);
    const std::int64_t left = ow * shape_.stride_w - shape_.pad_left;
    if (ow + rows <= out_w_ && left >= 0 && left + (rows - 1) * shape_.stride_w + window_w <= shape_.in_w) {
      // Most tiles: pixels of one output row whose windows reach past neither side.
      const float** to = table;
      for (std::int64_t i = 0; i < kernel_h; ++i) {
        const std::int64_t ih = oh * shape_.stride_h - shape_.pad_top + i * shape_.dilation_h;
        const bool inside = ih >= 0 && ih < shape_.in_h;
        const float* at =
            inside ? x + n * shape_.x_stride_n + ih * shape_.x_stride_h + left * shape_.x_stride_w : zeros;
        for (std::int64_t j = 0; j < taps_w_; ++j, to += rows) {
          for (std::int64_t r = 0; r < rows; ++r) to[r] = inside ? at + r * step : zeros;
          if (inside) at += tap_w_stride;
        }
      }
      table += rows * taps_;
      ow += rows;
      if (ow == out_w_) {
        ow = 0;
        if (++oh == out_h_) oh = 0, ++n;
      }
      continue;
    }
    for (std::int64_t r = 0; r < rows; ++r) {
      const float* const image = x + n * shape_.x_stride_n;
      const std::int64_t ih0 = oh * shape_.stride_h - shape_.pad_top, iw0 = ow * shape_.stride_w - shape_.pad_left;
      const float** to = table + r;
      for (std::int64_t i = 0; i < kernel_h; ++i) {
        const std::int64_t ih = ih0 + i * shape_.dilation_h;
        if (merged_) {
          *to = find_merged_row(image, ih, iw0, zeros, patch);
          to += rows;
          continue;
        }
        const bool row_inside = ih >= 0 && ih < shape_.in_h;
        std::int64_t offset = ih * shape_.x_stride_h + iw0 * shape_.x_stride_w;
        std::int64_t iw = iw0;
        for (std::int64_t j = 0; j < taps_w_; ++j, to += rows, iw += shape_.dilation_w, offset += tap_w_stride)
          *to = row_inside && iw >= 0 && iw < shape_.in_w ? image + offset : zeros;
      }
      if (++ow == out_w_) {
        ow = 0;
        if (++oh == out_h_) oh = 0, ++n;
      }
    }
    table += rows * taps_;
  }
}

void ImplicitConvolution::gather_rows(const BlockTask& task, float* to) const noexcept {
  const float* const* at = task.table;
  for (std::int64_t tile = task.first_tile; tile < task.end_tile; ++tile) {
    const std::int64_t rows = blocking_.first_row(tile + 1) - blocking_.first_row(tile);
    for (std::int64_t tap = 0; tap < taps_; ++tap)
      for (std::int64_t r = 0; r < rows; ++r)
        std::memcpy(to + r * blocking_.copied_stride + tap * depth_, *at++ + task.first, depth_ * sizeof(float));
    to += rows * blocking_.copied_stride;
  }
}

void ImplicitConvolution::run(const ConvolutionArguments& arguments, std::int64_t begin, std::int64_t end,
                              void* scratch) const noexcept {
  if (begin >= end) return;
  std::byte* const memory = static_cast<std::byte*>(scratch);
  if (padded_) std::memset(memory + zeros_at_, 0, patches_at_ - zeros_at_);
  const std::int64_t inputs = shape_.weights.in_channels / shape_.weights.groups;
  const std::int64_t outputs = shape_.weights.out_channels / shape_.weights.groups;
  const std::int64_t group_elements = panels_.elements(taps_ * depth_);
  Item last = {-1, -1, -1, -1};
  for (std::int64_t i = begin; i < end; ++i) {
    const Item item = item_at(i);
    const std::int64_t row = blocking_.first_row_of_block(item.block);
    const std::int64_t pixel = item.segment * blocking_.rows + row;

    BlockTask task;
    task.first_tile = blocking_.first_tile(item.block);
    task.end_tile = blocking_.first_tile(item.block + 1);
    const bool new_rows = item.segment != last.segment || item.block != last.block;
    if ((gathered_ || !blocking_.strided) && new_rows)
      find_rows(static_cast<const float*>(arguments.x), pixel, task.first_tile, task.end_tile, memory);

    task.kernels = &kernels_;
    task.blocking = &blocking_;
    task.taps = gathered_ ? 1 : taps_;
    task.depth = gathered_ ? taps_ * depth_ : depth_;
    task.depth_stride = 1;
    task.table = reinterpret_cast<const float* const*>(memory);
    task.first = item.group * inputs;
    task.panel = static_cast<const float*>(arguments.weights) + item.group * group_elements +
                 panels_.offset(item.panel, taps_ * depth_);
    task.vectors = static_cast<int>(panels_.width(item.panel));
    task.columns = panels_.columns_of(item.panel);
    task.origin = {pixel, item.group * outputs + panels_.first_column(item.panel), 0, nullptr};
    const std::int64_t ow = pixel % out_w_, oh = pixel / out_w_ % out_h_, n = pixel / (out_w_ * out_h_);
    task.c =
        static_cast<std::byte*>(arguments.y) +
        (n * shape_.y_stride_n + oh * shape_.y_stride_h + ow * shape_.y_stride_w + task.origin.column) * element_bytes_;
    task.c_row_stride = shape_.y_stride_w;
    task.a = static_cast<const float*>(arguments.x) + n * shape_.x_stride_n + oh * shape_.x_stride_h +
             ow * shape_.x_stride_w + task.first;
    task.a_row_stride = shape_.x_stride_w;
    if (blocking_.copied_stride != 0) {
      float* const copied = reinterpret_cast<float*>(memory + copied_at_);
      if (new_rows || item.group != last.group) {
        if (gathered_)
          gather_rows(task, copied);
        else
          copy_rows(task.a, task.a_row_stride, blocking_.first_row_of_block(item.block + 1) - row, depth_, copied,
                    blocking_.copied_stride);
      }
      task.a = copied;
      task.a_row_stride = blocking_.copied_stride;
    }
    last = item;
    task.epilogue = &arguments.epilogue;
    task.prefetch =
        blocking_.prefetched(item.block, taps_ * depth_ * task.vectors * panels_.lanes, i - begin < panels_.count);
    task.accumulators = reinterpret_cast<float*>(memory + accumulators_at_);
    compute_block(task);
  }
}

}  // namespace

std::unique_ptr<const Convolution> make_implicit_convolution(const ConvolutionShape& shape, base::Isa isa, int threads,
                                                             const Choice& choice) {
  return std::make_unique<ImplicitConvolution>(shape, isa, threads, choice);
}

}  // namespace wherry::kernels
