// bf16 convolution as a matmul over pixels. Where zeros lie around the image in memory, or none are needed, each tap of
// the window is the same matrix of pixels a few bytes on, and tiles read the image where it lies. With stride 1 all
// pixels of a batch are rows of one line (those between images and at their sides are computed and not stored); else
// each output row is a line. Kernels without tiles find each pixel by itself, whatever the stride. What fits neither is
// gathered, a superblock at a time.

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/checked_math.h"
#include "kernels/convolution/families.h"
#include "kernels/matmul/bf16_walk.h"

namespace wherry::kernels {
namespace {

std::int64_t group_inputs(const ConvolutionWeights& weights) { return weights.in_channels / weights.groups; }
std::int64_t group_outputs(const ConvolutionWeights& weights) { return weights.out_channels / weights.groups; }

/// Few channels are padded, and a row of the window is one tap: see ConvolutionArguments::x.
bool merges_row(const ConvolutionWeights& weights) {
  return weights.groups == 1 && weights.in_channels < 16 && !weights.in_parts;
}

std::int64_t x_bytes(const ConvolutionWeights& weights) { return static_cast<std::int64_t>(size_of(weights.dtype)); }

bool padded(const ConvolutionShape& shape) {
  return shape.pad_top + shape.pad_bottom + shape.pad_left + shape.pad_right > 0;
}

/// Pixels as rows of A, read where they lie.
struct Lines {
  std::int64_t count = 0;      ///< 0 where they must be gathered
  std::int64_t rows = 0;       ///< of one line
  std::int64_t row_bytes = 0;  ///< from one row of A to the next
  /// Of the flat image: pixel (n, h, w) is row (n · image_rows + h) · row_pixels + w. Else an output row is a line.
  std::int64_t row_pixels = 0, image_rows = 0;
};

/// `anywhere`: whether rows need not be at even distances (Bf16Kernels::rows_anywhere); then only results are rows.
Lines find_lines(const ConvolutionShape& shape, bool anywhere) {
  if (!bf16_panels(shape.weights).divided || (padded(shape) && !shape.x_halo) || shape.x_stride_w <= 0) return {};
  if (merges_row(shape.weights) && (shape.dilation_w != 1 || shape.x_stride_w != bf16_channels(shape.weights)))
    return {};
  const std::int64_t out_h = shape.out_h(), out_w = shape.out_w();
  if (anywhere) return {1, shape.batch * out_h * out_w, 2 * shape.stride_w * shape.x_stride_w, out_w, out_h};
  Lines lines;
  if ((shape.stride_h == 1 && shape.stride_w == 1) || shape.x_stride_phase != 0) {
    const bool pitched = shape.x_stride_h % shape.x_stride_w == 0;
    lines.row_pixels = out_h == 1 && shape.batch == 1 ? out_w : pitched ? shape.x_stride_h / shape.x_stride_w : 0;
    if (shape.batch == 1)
      lines.image_rows = out_h;
    else if (shape.x_stride_h > 0 && shape.x_stride_n % shape.x_stride_h == 0)
      lines.image_rows = shape.x_stride_n / shape.x_stride_h;
    lines.rows = ((shape.batch - 1) * lines.image_rows + out_h - 1) * lines.row_pixels + out_w;
    // Not where a tile would read past the end, or most of it would be thrown away.
    if (lines.row_pixels >= out_w && lines.image_rows >= out_h && lines.rows >= kBf16TileRows &&
        (shape.x_stride_phase != 0 || lines.rows <= 2 * shape.batch * out_h * out_w)) {
      lines.count = 1;
      lines.row_bytes = 2 * shape.x_stride_w;
      return lines;
    }
  }
  if (out_w < kBf16TileRows) return {};
  return {shape.batch * out_h, out_w, 2 * shape.stride_w * shape.x_stride_w, 0, 0};
}

class Bf16Convolution final : public Convolution {
 public:
  Bf16Convolution(const ConvolutionShape& shape, base::Isa isa, int threads, const Choice& choice)
      : shape_(shape),
        anywhere_(bf16_kernels(isa).rows_anywhere),
        lines_(find_lines(shape, anywhere_)),
        out_h_(shape.out_h()),
        out_w_(shape.out_w()),
        walk_(problem(threads), isa, choice) {
    const ConvolutionWeights& weights = shape.weights;
    const std::int64_t taps_w = merges_row(weights) || (kBf16Gathers && rows_are_pieces()) ? 1 : weights.kernel_w;
    for (std::int64_t i = 0; i < weights.kernel_h; ++i)
      for (std::int64_t j = 0; j < taps_w; ++j)
        tap_bytes_.push_back(
            2 * shape.x_at(0, i * shape.dilation_h - shape.pad_top, j * shape.dilation_w - shape.pad_left));
    WHERRY_CHECK(shape.x_stride_phase == 0 || lines_.count == 1);
    channels_ = bf16_channels(weights);
    // Rows that are gathered together had better have the same pieces, at the sides of an image too.
    merges_ = rows_are_pieces() && (kBf16GatherRows == 1 || merges_row(weights));
    const bool gathers = lines_.count == 0;
    zeros_at_ = walk_.scratch_bytes();
    pieces_at_ = zeros_at_;
    if (gathers && kBf16GatherRows > 1 && !merges_ && padded(shape) && !shape.x_halo)
      pieces_at_ += static_cast<std::size_t>(base::round_up(2 * channels_, 64));
    scratch_bytes_ = pieces_at_;
    if (gathers) scratch_bytes_ += kBf16GatherRows * static_cast<std::size_t>(taps()) * sizeof(Bf16Piece);
    name_ = weights.in_parts
                ? fmt::format("f32_parts_conv_32x32_{}", base::name_of(isa))
                : fmt::format("bf16_conv_{}_{}", lines_.count > 0 ? "32x32" : "gather_32x32", base::name_of(isa));
  }

  std::string_view name() const override { return name_; }
  std::vector<Choice> candidates() const override { return walk_.candidates(); }
  std::int64_t items() const override { return walk_.items(); }
  std::size_t scratch_bytes() const override { return scratch_bytes_; }
  std::int64_t weight_offset(std::int64_t item) const override {
    const std::int64_t group = items() == 0 ? 0 : item * shape_.weights.groups / items();
    return group * walk_.panels().bytes() + walk_.weight_offset(item);
  }

  void run(const ConvolutionArguments& arguments, std::int64_t begin, std::int64_t end,
           void* scratch) const noexcept override {
    auto* const memory = static_cast<std::byte*>(scratch);
    if (pieces_at_ > zeros_at_) std::memset(memory + zeros_at_, 0, pieces_at_ - zeros_at_);
    Operands operands{*this, arguments, reinterpret_cast<Bf16Piece*>(memory + pieces_at_), memory + zeros_at_};
    walk_.run(operands, tap_bytes_.data(), arguments.epilogue, arguments.next, arguments.y, shape_.y_stride_w, begin,
              end, scratch);
  }

 private:
  struct Operands {
    const Bf16Convolution& self;
    const ConvolutionArguments& arguments;
    Bf16Piece* pieces;
    const std::byte* zeros;  // a tap outside the image

    const std::byte* a(std::int64_t group, std::int64_t line) const {
      const ConvolutionShape& shape = self.shape_;
      std::int64_t at = group * group_inputs(shape.weights);
      if (self.lines_.count > 1)
        at += line / self.out_h_ * shape.x_stride_n + line % self.out_h_ * shape.stride_h * shape.x_stride_h;
      return static_cast<const std::byte*>(arguments.x) + x_bytes(shape.weights) * at;
    }
    void locate(std::int64_t row, std::int64_t count, std::int64_t* bytes) const { self.locate(row, count, bytes); }
    void gather(std::int64_t group, std::int64_t row, int i, Bf16GatherTask& task) const {
      Bf16Piece* const of_row = pieces + i * self.taps();
      task.pieces = of_row;
      task.count = self.find_pieces(a(group, 0), row, zeros, of_row);
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
    problem.gathers = lines_.count == 0;
    problem.locates = anywhere_ && !problem.gathers;
    problem.line_rows = problem.gathers ? shape_.batch * out_h_ * out_w_ : lines_.rows;
    problem.rows = problem.gathers ? problem.line_rows : lines_.count * lines_.rows;
    problem.piece_elements = alike_elements();
    // The window of the pixel below has all rows of this one's but the first.
    if (const std::int64_t rows = shared_line(problem.piece_elements); rows != 0) {
      problem.line_rows = rows;
      problem.shared_rows = out_w_;
    }
    problem.a_row_bytes = lines_.row_bytes;
    // A window's taps in neighbouring pixels of a row share their cache lines.
    problem.a_read_bytes =
        x_bytes(shape_.weights) * bf16_channels(shape_.weights) * shape_.weights.kernel_h * shape_.stride_w;
    problem.y_is_even = shape_.y_stride_phase == 0 &&
                        (out_h_ == 1 || shape_.y_stride_h == out_w_ * shape_.y_stride_w) &&
                        (shape_.batch == 1 || shape_.y_stride_n == out_h_ * shape_.y_stride_h);
    problem.y_is_bf16 = shape_.y_dtype == DType::bf16;
    problem.y_dtype = shape_.y_dtype;
    problem.threads = threads;
    return problem;
  }

  void find_outputs(std::int64_t row, std::int64_t count, std::int64_t* offsets, std::int64_t* pixels) const noexcept {
    const auto bytes = static_cast<std::int64_t>(size_of(shape_.y_dtype));
    const std::int64_t width = lines_.count == 1 ? lines_.row_pixels : out_w_;
    const std::int64_t height = lines_.count == 1 ? lines_.image_rows : out_h_;
    std::int64_t w = row % width, h = row / width % height, n = row / (width * height);
    const std::int64_t step = shape_.y_stride_w * bytes;
    for (std::int64_t r = 0; r < count;) {
      const bool results = w < out_w_ && h < out_h_;
      const std::int64_t end = r + std::min(count - r, (results ? out_w_ : width) - w);
      w += end - r;
      if (results) {
        const std::int64_t first = w - end + r;
        std::int64_t pixel = (n * out_h_ + h) * out_w_ + first;
        // Neighbours in the image, or every second pixel of it, lie at even distances.
        std::int64_t offset = shape_.y_at(n, h, first) * bytes;
        std::int64_t next = shape_.y_stride_phase == 0 ? offset + step : shape_.y_at(n, h, first + 1) * bytes;
        const std::int64_t both = shape_.y_stride_phase == 0 ? 2 * step : step;
        for (; r < end; ++r) {
          offsets[r] = offset, pixels[r] = pixel++;
          offset = std::exchange(next, offset + both);
        }
      } else {
        for (; r < end; ++r) offsets[r] = -1, pixels[r] = 0;
      }
      if (w < width) continue;
      w = 0;
      if (++h == height) h = 0, ++n;
    }
  }

  /// Whether the taps of a window's row lie side by side in memory.
  bool rows_are_pieces() const { return shape_.dilation_w == 1 && shape_.x_stride_w == bf16_channels(shape_.weights); }
  /// Where the windows of all pixels are pieces of memory at the same distances, the elements of such a piece: those of
  /// a row of taps, or of a tap. Else 0.
  std::int64_t alike_elements() const {
    if (!kBf16Gathers || (padded(shape_) && !shape_.x_halo)) return 0;
    if (merges_row(shape_.weights) && !rows_are_pieces()) return 0;
    const std::int64_t elements = bf16_channels(shape_.weights) * (rows_are_pieces() ? shape_.weights.kernel_w : 1);
    return elements % kBf16Group == 0 ? elements : 0;
  }
  /// Rows of a block where windows share gathered rows: a part of a row of the image that fills most of a block. Else
  /// 0.
  std::int64_t shared_line(std::int64_t piece_elements) const {
    if (piece_elements == 0 || !rows_are_pieces() || shape_.weights.kernel_h == 1 || shape_.stride_h != 1 ||
        shape_.dilation_h != 1 || shape_.batch != 1)
      return 0;
    for (std::int64_t rows = kBf16BlockRows; rows > kBf16TileRows; rows -= 2)
      if (out_w_ % rows == 0) return rows;
    return 0;
  }
  /// Bytes from the first pixel of x to where the window of each of `count` neighbouring pixels of y begins, padding
  /// apart.
  void locate(std::int64_t pixel, std::int64_t count, std::int64_t* bytes) const noexcept {
    std::int64_t ow = pixel % out_w_, oh = pixel / out_w_, n = 0;
    if (shape_.batch > 1) n = oh / out_h_, oh %= out_h_;
    const bool phases = shape_.x_stride_phase != 0;
    const std::int64_t step = 2 * (phases ? 1 : shape_.stride_w) * shape_.x_stride_w;
    const std::int64_t row_step = 2 * (phases ? 1 : shape_.stride_h) * shape_.x_stride_h;
    for (std::int64_t r = 0; r < count;) {
      std::int64_t at = 2 * n * shape_.x_stride_n + oh * row_step + ow * step;
      for (; r < count && ow < out_w_; ++r, ++ow, at += step) bytes[r] = at;
      ow = 0;
      // Of one image, what is below the last row of windows is the end of its padding.
      if (++oh == out_h_ && shape_.batch > 1) oh = 0, ++n;
    }
  }
  std::int64_t taps() const { return shape_.weights.kernel_h * shape_.weights.kernel_w; }

  /// The parts of one output pixel's window that lie in the image or its halo, and zeros for the others where rows are
  /// gathered together; x is at the group's first channel.
  std::int64_t find_pieces(const std::byte* x, std::int64_t pixel, const std::byte* zeros,
                           Bf16Piece* pieces) const noexcept {
    const std::int64_t inputs = channels_, bytes = x_bytes(shape_.weights);
    const std::int64_t kernel_h = shape_.weights.kernel_h, kernel_w = shape_.weights.kernel_w;
    const std::int64_t ow = pixel % out_w_, oh = pixel / out_w_ % out_h_, n = pixel / (out_w_ * out_h_);
    const std::int64_t ih0 = oh * shape_.stride_h - shape_.pad_top, iw0 = ow * shape_.stride_w - shape_.pad_left;
    std::int64_t count = 0;
    for (std::int64_t i = 0; i < kernel_h; ++i) {
      const std::int64_t ih = ih0 + i * shape_.dilation_h;
      const bool no_line = !shape_.x_halo && (ih < 0 || ih >= shape_.in_h);
      if (no_line && (merges_ || kBf16GatherRows == 1)) continue;
      const std::byte* const line =
          x + bytes * (n * shape_.x_stride_n + ih * shape_.x_stride_h + iw0 * shape_.x_stride_w);
      if (merges_) {
        const std::int64_t first = shape_.x_halo ? 0 : std::max<std::int64_t>(0, -iw0);
        const std::int64_t end = shape_.x_halo ? kernel_w : std::min(kernel_w, shape_.in_w - iw0);
        if (first < end)
          pieces[count++] = {line + bytes * first * inputs, (i * kernel_w + first) * inputs, (end - first) * inputs};
        continue;
      }
      for (std::int64_t j = 0; j < kernel_w; ++j) {
        const std::int64_t iw = iw0 + j * shape_.dilation_w;
        const bool outside = no_line || (!shape_.x_halo && (iw < 0 || iw >= shape_.in_w));
        if (outside && kBf16GatherRows == 1) continue;
        pieces[count++] = {outside ? zeros : line + bytes * j * shape_.dilation_w * shape_.x_stride_w,
                           (i * kernel_w + j) * inputs, inputs};
      }
    }
    return count;
  }

  ConvolutionShape shape_;
  bool anywhere_;
  Lines lines_;
  std::int64_t out_h_, out_w_;
  Bf16Walk walk_;
  std::vector<std::int64_t> tap_bytes_;
  std::int64_t channels_ = 0;  ///< of a group in x
  bool merges_ = false;        ///< a window's row is one piece
  // Zeros end where pieces begin; there are none where no tap of rows gathered together is outside of the image.
  std::size_t zeros_at_ = 0, pieces_at_ = 0, scratch_bytes_ = 0;
  std::string name_;
};

}  // namespace

bool pads_channels(const ConvolutionWeights& weights) { return weights.dtype == DType::bf16 && merges_row(weights); }

std::int64_t bf16_channels(const ConvolutionWeights& weights) {
  const std::int64_t inputs = group_inputs(weights);
  if (!merges_row(weights)) return inputs;
  return inputs <= 4 ? 4 : inputs <= 8 ? 8 : 16;
}

Bf16Panels bf16_panels(const ConvolutionWeights& weights) {
  if (merges_row(weights))
    return make_bf16_panels(group_outputs(weights), weights.kernel_h, weights.kernel_w * bf16_channels(weights));
  return make_bf16_panels(group_outputs(weights), weights.kernel_h * weights.kernel_w, group_inputs(weights),
                          weights.in_parts);
}

bool reads_halo(const ConvolutionWeights& weights) {
  if (family_of(weights, base::Isa::avx512_bf16) != ConvolutionFamily::bf16_matmul) return false;
  return kBf16Gathers ? bf16_channels(weights) % kBf16Group == 0 : bf16_panels(weights).divided;
}

bool reads_phases(const ConvolutionWeights& weights) {
  return !kBf16Gathers && reads_halo(weights) && !merges_row(weights);
}

bool writes_phases(const ConvolutionWeights& weights) {
  return family_of(weights, base::Isa::avx512_bf16) == ConvolutionFamily::bf16_matmul;
}

std::unique_ptr<const Convolution> make_bf16_convolution(const ConvolutionShape& shape, base::Isa isa, int threads,
                                                         const Choice& choice) {
  WHERRY_CHECK(!merges_row(shape.weights) || shape.in_w == 1 || shape.x_stride_w >= bf16_channels(shape.weights));
  return std::make_unique<Bf16Convolution>(shape, isa, threads, choice);
}

}  // namespace wherry::kernels
