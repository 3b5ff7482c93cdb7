// bf16 convolution as a matmul over pixels. With stride 1, and zeros around the image in memory where it is padded, all
// pixels of a batch are rows of one matrix with one stride, and each tap of the window is the same matrix a few pixels
// on: tiles read the image where it lies. (Rows between images and at their sides are computed and not stored.) Else
// the rows of a superblock are gathered first.

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

#include "base/check.h"
#include "kernels/convolution/families.h"
#include "kernels/matmul/bf16_walk.h"

namespace wherry::kernels {
namespace {

std::int64_t group_inputs(const ConvolutionWeights& weights) { return weights.in_channels / weights.groups; }
std::int64_t group_outputs(const ConvolutionWeights& weights) { return weights.out_channels / weights.groups; }

/// The image as rows of one matrix: pixel (n, h, w) is row (n · image_rows + h) · row_pixels + w.
struct Flat {
  std::int64_t row_pixels = 0;  ///< 0 where the shape does not allow it
  std::int64_t image_rows = 0;
  std::int64_t rows = 0;  ///< from the first result to the last
};

Flat flatten(const ConvolutionShape& shape) {
  const bool padded = shape.pad_top + shape.pad_bottom + shape.pad_left + shape.pad_right > 0;
  if (shape.stride_h != 1 || shape.stride_w != 1 || (padded && !shape.x_halo) || shape.x_stride_w <= 0) return {};
  const std::int64_t out_h = shape.out_h(), out_w = shape.out_w();
  Flat flat;
  if (shape.in_h == 1 && shape.batch == 1 && !padded) {
    flat.row_pixels = flat.image_rows = std::max(out_w, shape.in_w);
  } else {
    if (shape.x_stride_h % shape.x_stride_w != 0) return {};
    flat.row_pixels = shape.x_stride_h / shape.x_stride_w;
    if (shape.batch == 1) {
      flat.image_rows = std::max(out_h, shape.in_h);
    } else {
      if (shape.x_stride_h <= 0 || shape.x_stride_n % shape.x_stride_h != 0) return {};
      flat.image_rows = shape.x_stride_n / shape.x_stride_h;
    }
  }
  if (flat.row_pixels < out_w || flat.image_rows < out_h) return {};
  flat.rows = ((shape.batch - 1) * flat.image_rows + out_h - 1) * flat.row_pixels + out_w;
  // A tile reads 16 rows.
  if (flat.rows < kBf16TileRows) return {};
  // Too much of it would be thrown away.
  if (flat.rows > 2 * shape.batch * out_h * out_w) return {};
  return flat;
}

class Bf16Convolution final : public Convolution {
 public:
  Bf16Convolution(const ConvolutionShape& shape, base::Isa isa, int threads)
      : shape_(shape),
        flat_(bf16_panels(shape.weights).divided ? flatten(shape) : Flat{}),
        out_h_(shape.out_h()),
        out_w_(shape.out_w()),
        walk_(problem(threads), isa) {
    const ConvolutionWeights& weights = shape.weights;
    for (std::int64_t i = 0; i < weights.kernel_h; ++i)
      for (std::int64_t j = 0; j < weights.kernel_w; ++j)
        tap_bytes_.push_back(2 * ((i * shape.dilation_h - shape.pad_top) * shape.x_stride_h +
                                  (j * shape.dilation_w - shape.pad_left) * shape.x_stride_w));
    merges_ = shape.dilation_w == 1 && shape.x_stride_w == group_inputs(weights);
    pieces_at_ = walk_.scratch_bytes();
    scratch_bytes_ = pieces_at_;
    if (flat_.rows == 0) scratch_bytes_ += (tap_bytes_.size() * sizeof(Bf16Piece) + 63) / 64 * 64;
    name_ = fmt::format("bf16_conv_{}_{}", flat_.rows > 0 ? "32x32" : "gather_32x32", base::name_of(isa));
  }

  std::string_view name() const override { return name_; }
  std::int64_t items() const override { return walk_.items(); }
  std::size_t scratch_bytes() const override { return scratch_bytes_; }

  void run(const ConvolutionArguments& arguments, std::int64_t begin, std::int64_t end,
           void* scratch) const noexcept override {
    Operands operands{*this, arguments, reinterpret_cast<Bf16Piece*>(static_cast<std::byte*>(scratch) + pieces_at_)};
    walk_.run(operands, tap_bytes_.data(), arguments.epilogue, arguments.y, shape_.y_stride_w, begin, end, scratch);
  }

 private:
  struct Operands {
    const Bf16Convolution& self;
    const ConvolutionArguments& arguments;
    Bf16Piece* pieces;

    const std::byte* a(std::int64_t group) const {
      return static_cast<const std::byte*>(arguments.x) + 2 * group * group_inputs(self.shape_.weights);
    }
    void gather(std::int64_t group, std::int64_t row, Bf16GatherTask& task) const {
      task.pieces = pieces;
      task.count = self.find_pieces(a(group), row, pieces);
    }
    const std::byte* panel(std::int64_t group, std::int64_t panel, std::byte*) const {
      const Bf16Panels& panels = self.walk_.panels();
      return static_cast<const std::byte*>(arguments.weights) + group * panels.bytes() + panels.offset(panel);
    }
    void outputs(std::int64_t, std::int64_t row, std::int64_t count, std::int64_t* offsets,
                 std::int64_t* pixels) const {
      self.find_outputs(row, count, offsets, pixels);
    }
    EpilogueOrigin origin(std::int64_t group) const {
      EpilogueOrigin result;
      result.column = group * group_outputs(self.shape_.weights);
      return result;
    }
  };

  Bf16Problem problem(int threads) const {
    Bf16Problem problem;
    problem.panels = bf16_panels(shape_.weights);
    problem.outer = shape_.weights.groups;
    problem.rows = flat_.rows > 0 ? flat_.rows : shape_.batch * out_h_ * out_w_;
    problem.gathers = flat_.rows == 0;
    problem.a_row_bytes = 2 * shape_.x_stride_w;
    // A window's taps in neighbouring pixels of a row share their cache lines.
    problem.a_read_bytes = 2 * group_inputs(shape_.weights) * shape_.weights.kernel_h;
    problem.y_is_bf16 = shape_.y_dtype == DType::bf16;
    problem.y_dtype = shape_.y_dtype;
    problem.threads = threads;
    return problem;
  }

  void find_outputs(std::int64_t row, std::int64_t count, std::int64_t* offsets, std::int64_t* pixels) const noexcept {
    const auto bytes = static_cast<std::int64_t>(size_of(shape_.y_dtype));
    const std::int64_t width = flat_.rows > 0 ? flat_.row_pixels : out_w_;
    const std::int64_t height = flat_.rows > 0 ? flat_.image_rows : out_h_;
    std::int64_t w = row % width, h = row / width % height, n = row / (width * height);
    for (std::int64_t r = 0; r < count; ++r) {
      const bool result = w < out_w_ && h < out_h_;
      offsets[r] = result ? (n * shape_.y_stride_n + h * shape_.y_stride_h + w * shape_.y_stride_w) * bytes : -1;
      pixels[r] = result ? (n * out_h_ + h) * out_w_ + w : 0;
      if (++w == width) {
        w = 0;
        if (++h == height) h = 0, ++n;
      }
    }
  }

  /// The parts of one output pixel's window that lie in the image; x is at the group's first channel.
  std::int64_t find_pieces(const std::byte* x, std::int64_t pixel, Bf16Piece* pieces) const noexcept {
    const std::int64_t inputs = group_inputs(shape_.weights);
    const std::int64_t kernel_h = shape_.weights.kernel_h, kernel_w = shape_.weights.kernel_w;
    const std::int64_t ow = pixel % out_w_, oh = pixel / out_w_ % out_h_, n = pixel / (out_w_ * out_h_);
    const std::int64_t ih0 = oh * shape_.stride_h - shape_.pad_top, iw0 = ow * shape_.stride_w - shape_.pad_left;
    std::int64_t count = 0;
    for (std::int64_t i = 0; i < kernel_h; ++i) {
      const std::int64_t ih = ih0 + i * shape_.dilation_h;
      if (ih < 0 || ih >= shape_.in_h) continue;
      const std::byte* const line = x + 2 * (n * shape_.x_stride_n + ih * shape_.x_stride_h + iw0 * shape_.x_stride_w);
      if (merges_) {
        const std::int64_t first = std::max<std::int64_t>(0, -iw0), end = std::min(kernel_w, shape_.in_w - iw0);
        if (first < end)
          pieces[count++] = {line + 2 * first * inputs, (i * kernel_w + first) * inputs, (end - first) * inputs};
        continue;
      }
      for (std::int64_t j = 0; j < kernel_w; ++j) {
        const std::int64_t iw = iw0 + j * shape_.dilation_w;
        if (iw < 0 || iw >= shape_.in_w) continue;
        pieces[count++] = {line + 2 * j * shape_.dilation_w * shape_.x_stride_w, (i * kernel_w + j) * inputs, inputs};
      }
    }
    return count;
  }

  ConvolutionShape shape_;
  Flat flat_;
  std::int64_t out_h_, out_w_;
  Bf16Walk walk_;
  std::vector<std::int64_t> tap_bytes_;
  bool merges_ = false;  ///< a window's row is one piece
  std::size_t pieces_at_ = 0, scratch_bytes_ = 0;
  std::string name_;
};

}  // namespace

Bf16Panels bf16_panels(const ConvolutionWeights& weights) {
  return make_bf16_panels(group_outputs(weights), weights.kernel_h * weights.kernel_w, group_inputs(weights));
}

bool reads_halo(const ConvolutionWeights& weights) {
  return family_of(weights, base::Isa::avx512_bf16) == ConvolutionFamily::bf16_matmul && bf16_panels(weights).divided;
}

std::unique_ptr<const Convolution> make_bf16_convolution(const ConvolutionShape& shape, base::Isa isa, int threads) {
  return std::make_unique<Bf16Convolution>(shape, isa, threads);
}

}  // namespace wherry::kernels
