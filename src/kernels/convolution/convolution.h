#pragma once
// Two-dimensional convolution on channels-last images, with an epilogue. Like Matmul, a `Convolution` is an immutable
// primitive: a kernel family and its blocking; packed weights, operands and scratch come with every run.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/cpu.h"
#include "kernels/choice.h"
#include "kernels/tile.h"
#include "wherry/dtype.h"

namespace wherry::kernels {

/// Constant weights [O, C/groups, KH, KW]. The packed form depends on this and the ISA alone: every image size, batch,
/// stride, padding, dilation and thread count shares it.
struct ConvolutionWeights {
  std::int64_t in_channels = 0;   ///< C, a multiple of groups
  std::int64_t out_channels = 0;  ///< O, a multiple of groups
  std::int64_t kernel_h = 1;
  std::int64_t kernel_w = 1;
  std::int64_t groups = 1;
  DType dtype =
      DType::f32;  ///< of what is multiplied, weights and x: f32, or bf16 with fp32 sums (by ISAs that have it)
  /// 0: sums of products, as the formula says. 2 or 4: Winograd's algorithm on tiles of that many outputs squared, for
  /// 3×3 filters of one group; products are then of fp32 numbers, whatever x is. See choose_winograd().
  int winograd = 0;
  /// Of f32, ungrouped: multiplied in parts, as MatmulShape has it.
  bool in_parts = false;
  /// Of f32, ungrouped, 1×1: by Strassen's algorithm, as MatmulShape has it. See prefers_strassen(ConvolutionShape).
  bool strassen = false;

  bool operator==(const ConvolutionWeights&) const = default;
};

/// Bytes of the packed form, a multiple of 64. Its memory must lie on a 64-byte boundary.
std::size_t packed_bytes(const ConvolutionWeights& weights, base::Isa isa);
/// The name of the packed format, e.g. "f32_panel32", "bf16_panel32", "f32_depthwise16": equal names, shapes and
/// contents may share bytes.
std::string packed_format(const ConvolutionWeights& weights, base::Isa isa);
/// Packs fp32 weights whose element (o, c, kh, kw) is at source + o·strides[0] + c·strides[1] + kh·strides[2] +
/// kw·strides[3].
void pack(const ConvolutionWeights& weights, base::Isa isa, const float* source, const std::int64_t strides[4],
          void* packed);

/// Packing in parts, for several threads: items [begin, end) of packing_items(), each of which writes a part of its
/// own.
std::int64_t packing_items(const ConvolutionWeights& weights, base::Isa isa);
void pack(const ConvolutionWeights& weights, base::Isa isa, const float* source, const std::int64_t strides[4],
          void* packed, std::int64_t begin, std::int64_t end);

/// y[n, oh, ow, o] = epilogue(Σ over kh, kw, c of x[n, oh·stride_h + kh·dilation_h − pad_top,
///                            ow·stride_w + kw·dilation_w − pad_left, g·C/groups + c] · w[o, c, kh, kw]),  g = o /
///                            (O/groups)
/// with x zero outside the image. Channels have stride 1; the other strides, in elements, are free, so x and y may be
/// slices of larger buffers (a concat's, say).
struct ConvolutionShape {
  ConvolutionWeights weights;
  std::int64_t batch = 1;
  std::int64_t in_h = 0, in_w = 0;
  std::int64_t stride_h = 1, stride_w = 1;
  std::int64_t pad_top = 0, pad_bottom = 0, pad_left = 0, pad_right = 0;  ///< ≥ 0
  std::int64_t dilation_h = 1, dilation_w = 1;

  std::int64_t x_stride_n = 0, x_stride_h = 0, x_stride_w = 0;
  std::int64_t y_stride_n = 0, y_stride_h = 0, y_stride_w = 0;
  DType y_dtype = DType::f32;  ///< bf16 where the weights are; another needs an epilogue program
  /// Whether pixels outside the image are zeros in memory as far as the padding reaches: up to pad_top rows before the
  /// first and pad_bottom after the last, pad_left pixels before each row and pad_right after it. Neighbouring rows and
  /// images may share them.
  bool x_halo = false;
  /// Where not 0, an image lies as four: of every second row and column, the even ones first. Pixel (n, h, w) is at
  /// (h % 2 · 2 + w % 2) · stride_phase + n · stride_n + h / 2 · stride_h + w / 2 · stride_w, and a halo is one around
  /// each of the four, as far as pixels of padding fall into it. With strides of 2 every tap then reads neighbouring
  /// pixels. Of bf16 kernels that read a halo; x needs strides of 2, dilations of 1, even sizes, and at least 16
  /// results an image.
  std::int64_t x_stride_phase = 0, y_stride_phase = 0;

  std::int64_t out_h() const {
    return (in_h + pad_top + pad_bottom - dilation_h * (weights.kernel_h - 1) - 1) / stride_h + 1;
  }
  std::int64_t out_w() const {
    return (in_w + pad_left + pad_right - dilation_w * (weights.kernel_w - 1) - 1) / stride_w + 1;
  }

  /// Elements from the first pixel's first channel to that of (n, h, w); h and w may be beyond the image.
  std::int64_t x_at(std::int64_t n, std::int64_t h, std::int64_t w) const {
    return at(n, h, w, x_stride_n, x_stride_h, x_stride_w, x_stride_phase);
  }
  std::int64_t y_at(std::int64_t n, std::int64_t h, std::int64_t w) const {
    return at(n, h, w, y_stride_n, y_stride_h, y_stride_w, y_stride_phase);
  }

  /// Fills the six strides for dense channels-last x and y.
  void set_dense_strides() {
    x_stride_w = weights.in_channels, x_stride_h = in_w * x_stride_w, x_stride_n = in_h * x_stride_h;
    y_stride_w = weights.out_channels, y_stride_h = out_w() * y_stride_w, y_stride_n = out_h() * y_stride_h;
  }

  bool operator==(const ConvolutionShape&) const = default;

 private:
  static std::int64_t at(std::int64_t n, std::int64_t h, std::int64_t w, std::int64_t stride_n, std::int64_t stride_h,
                         std::int64_t stride_w, std::int64_t stride_phase) {
    if (stride_phase == 0) return n * stride_n + h * stride_h + w * stride_w;
    const std::int64_t odd_h = h & 1, odd_w = w & 1;  // of negative ones too
    return (odd_h * 2 + odd_w) * stride_phase + n * stride_n + (h - odd_h) / 2 * stride_h + (w - odd_w) / 2 * stride_w;
  }
};

struct ConvolutionArguments {
  /// Of the dtype of the weights. bf16 images of fewer than 16 channels, ungrouped, have bf16_channels() in memory:
  /// those beyond in_channels are zeros.
  const void* x = nullptr;
  const void* weights = nullptr;  ///< packed
  void* y = nullptr;
  /// Rows are output pixels, counted (n·out_h + oh)·out_w + ow; columns are output channels. residual and operands are
  /// addressed by that row number whatever y's strides are. Must not overlap y, except that one may be y itself (then
  /// with y's own strides).
  Epilogue epilogue;
  const void* next = nullptr;  ///< what this thread will read after the run (weights): kernels may ask caches for it
};

class Convolution {
 public:
  virtual ~Convolution() = default;
  /// Which kernel runs, e.g. "f32_conv_14x32_avx512", "f32_depthwise_avx512", "f32_grouped_avx2".
  virtual std::string_view name() const = 0;
  /// Work items; any partition of [0, items()) into ranges, in any order and on any threads, gives the same y.
  virtual std::int64_t items() const = 0;
  /// Scratch that each concurrent `run` needs for itself, on a 64-byte boundary. Its contents before and after mean
  /// nothing.
  virtual std::size_t scratch_bytes() const = 0;
  /// Where in the packed weights an item begins to read, in bytes.
  virtual std::int64_t weight_offset(std::int64_t /*item*/) const { return 0; }
  /// Computes items [begin, end).
  virtual void run(const ConvolutionArguments& arguments, std::int64_t begin, std::int64_t end,
                   void* scratch) const noexcept = 0;
  /// Blockings worth measuring for this shape, the cost model's first. Empty where there is one only.
  virtual std::vector<Choice> candidates() const { return {}; }
};

/// Whether x must have more channels in memory than in_channels: see ConvolutionArguments::x.
bool pads_channels(const ConvolutionWeights& weights);
/// Channels of a group as bf16 kernels of the matmul family read them.
std::int64_t bf16_channels(const ConvolutionWeights& weights);

/// Whether kernels with these weights read an image where it lies if zeros surround it (ConvolutionShape::x_halo).
bool reads_halo(const ConvolutionWeights& weights);
/// Whether they read one as four (ConvolutionShape::x_stride_phase), and write one so.
bool reads_phases(const ConvolutionWeights& weights);
bool writes_phases(const ConvolutionWeights& weights);

/// Chooses family, kernel and blocking. out_h() and out_w() must be at least 1. `threads` is how many will share the
/// items. `choice` is one of the candidates of such a primitive, empty for the cost model's.
std::unique_ptr<const Convolution> make_convolution(const ConvolutionShape& shape, base::Isa isa, int threads,
                                                    const Choice& choice = {});

/// The tile of Winograd's algorithm that is fastest for a shape (whatever shape.weights.winograd is), or 0 where the
/// formula itself is or the algorithm does not apply: it needs 3×3 filters of one group, stride and dilation 1, and,
/// where x is bf16, AVX-512 BF16 without tiles, which multiplies only twice as many bf16 numbers as fp32 ones.
///
/// Winograd multiplies 2.25 (tile 2) or 4 times (tile 4) less. Its error, relative to the largest output, is no larger
/// than a plain fp32 sum's with tile 2 and about twice that with tile 4 (winograd_test.cc measures it: 1.1e-6, 3.1e-6
/// and 1.7e-6); of bf16 images it is below a bf16 product's, because neither weights nor frequencies are rounded. An
/// infinity or NaN in x may reach all outputs of the tiles whose inputs it is one of, not only the windows that hold
/// it. Packed weights are 1.8 or 4 times as large.
///
/// The choice follows from weights, ISA and number of pixels, not from threads, so that every number of threads gives
/// the same y; two image sizes of one model may hold two packed forms of a weight.
int choose_winograd(const ConvolutionShape& shape, base::Isa isa);

/// Whether a convolution is a product of matrices that Strassen's algorithm can multiply, in less time than the plain
/// way (whatever shape.weights.strassen is): kernels/matmul/matmul.h says what that means for y. Follows from weights,
/// ISA and number of pixels, not from threads.
bool prefers_strassen(const ConvolutionShape& shape, base::Isa isa);

/// Whether shape.weights can be multiplied as they say, by the formula itself, in parts, by Winograd's or Strassen's
/// algorithm.
bool applies(const ConvolutionShape& shape, base::Isa isa);

/// The oracle: one sum an output element, in fp64, then the epilogue. arguments.weights are elements of weights.dtype
/// with `weight_strides` for [O, C/groups, KH, KW].
void convolution_reference(const ConvolutionShape& shape, const ConvolutionArguments& arguments,
                           const std::int64_t weight_strides[4]);

}  // namespace wherry::kernels
