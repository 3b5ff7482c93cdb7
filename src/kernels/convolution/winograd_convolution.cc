// 3×3 convolution of stride 1 by Winograd's algorithm: tiles of m × m outputs, their inputs transformed into n² =
// (m+2)² frequencies, a matrix product over channels for each frequency, and back, with the epilogue on the way out.
// Images may be bf16; frequencies, products and sums are fp32. A
// work item is a block of tiles times one panel of output channels; the block's frequencies stay in L2 from transform
// to product to transform, and consecutive items of one block transform its inputs once.

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <string>

#include "base/checked_math.h"
#include "kernels/convolution/families.h"
#include "kernels/convolution/winograd_kernels.h"
#include "kernels/matmul/block.h"
#include "kernels/matmul/blocking.h"
#include "kernels/matmul/tile_kernels.h"

namespace wherry::kernels {
namespace {

// The cost model's machine: a present x86 server core. Cycles and bytes a cycle.
constexpr std::int64_t kL2Bytes = 1 << 20;
constexpr std::int64_t kMaxInputBytes = kL2Bytes * 5 / 8;  ///< a block's transformed inputs
constexpr double kL2BytesPerCycle = 24;
constexpr double kL3BytesPerCycle = 3.5;  ///< of weights that have just left L3 too, every core reading
constexpr double kTransformCycles = 3.2;  ///< a vector of one frequency, either way
constexpr double kTileCycles = 50;        ///< a tile of the product besides its multiply-adds

/// Below this a transform is most of the work.
constexpr std::int64_t kFewestChannels = 24;

/// Whose transforms read images of the weights' type.
base::Isa transforms_isa(const ConvolutionWeights& weights, base::Isa isa) {
  return weights.dtype == DType::bf16 ? bf16_winograd_isa(isa) : base::fp32_isa(isa);
}

std::size_t round_up(std::size_t bytes) { return (bytes + 63) / 64 * 64; }

/// An odd number of cache lines: rows so far apart share no set of L1.
std::int64_t odd_lines(std::int64_t floats) { return (base::ceil_div(floats, 16) / 2 * 2 + 1) * 16; }

/// Cycles of arithmetic while weights come in: neither hides the other in full.
double overlapped(double product, double stream) { return std::max(product, stream) + 0.2 * std::min(product, stream); }

/// How one convolution is cut, and what that costs one thread.
struct Cut {
  std::int64_t tiles_h = 0, tiles_w = 0, tiles = 0;
  std::int64_t blocks = 1;
  double cycles = 0;

  std::int64_t first_tile(std::int64_t block) const { return tiles * block / blocks; }
};

Cut choose_cut(const ConvolutionShape& shape, int tile, base::Isa isa, int threads) {
  const TileKernels& kernels = tile_kernels(isa);
  const Panels panels = make_panels(shape.weights.out_channels, kernels);
  Cut cut;
  cut.tiles_h = base::ceil_div(shape.out_h(), tile);
  cut.tiles_w = base::ceil_div(shape.out_w(), tile);
  cut.tiles = shape.batch * cut.tiles_h * cut.tiles_w;
  if (cut.tiles == 0) return cut;
  const auto n2 = static_cast<double>((tile + 2) * (tile + 2));
  const auto depth = static_cast<double>(shape.weights.in_channels);
  const double in_vectors = static_cast<double>(base::ceil_div(shape.weights.in_channels, kernels.lanes));
  const double vectors = static_cast<double>(panels.vectors) / static_cast<double>(panels.count);
  const double panel_bytes = n2 * depth * vectors * kernels.lanes * 4;
  const double all_bytes = panel_bytes * static_cast<double>(panels.count);
  const std::int64_t max_rows = most_tile_rows(kernels.widths[panels.widest()].strided, shape.weights.in_channels);
  const std::int64_t most_tiles = std::clamp<std::int64_t>(kMaxInputBytes / static_cast<std::int64_t>(n2 * depth * 4),
                                                           std::min<std::int64_t>(4, cut.tiles), 64);
  const std::int64_t fewest = base::ceil_div(cut.tiles, most_tiles);
  for (std::int64_t blocks = fewest; blocks <= std::min(cut.tiles, fewest + 4 * threads); ++blocks) {
    const double rows = static_cast<double>(base::ceil_div(cut.tiles, blocks));
    const double row_tiles = static_cast<double>(base::ceil_div(static_cast<std::int64_t>(rows), max_rows));
    const std::int64_t share = base::ceil_div(blocks * panels.count, threads);
    const double inputs = static_cast<double>(
        std::min(blocks, base::ceil_div(share, panels.count) + (share % panels.count == 0 ? 0 : 1)));
    // Two multiply-adds a cycle, or a latency of four.
    const double step = std::max(rows * vectors / 2, 4.0 * row_tiles);
    const double product = n2 * (depth * step + row_tiles * kTileCycles);
    const double stream =
        panel_bytes / (all_bytes < kL2Bytes * 3 / 4 && blocks > threads ? kL2BytesPerCycle : kL3BytesPerCycle);
    const double item = overlapped(product, stream) + rows * n2 * vectors * kTransformCycles;
    const double cycles = static_cast<double>(share) * item + inputs * rows * n2 * in_vectors * kTransformCycles;
    if (cut.cycles == 0 || cycles < cut.cycles) cut.cycles = cycles, cut.blocks = blocks;
  }
  return cut;
}

class WinogradConvolution final : public Convolution {
 public:
  WinogradConvolution(const ConvolutionShape& shape, base::Isa isa, int threads);

  std::string_view name() const override { return name_; }
  std::int64_t items() const override { return cut_.blocks * panels_.count; }
  std::size_t scratch_bytes() const override { return scratch_bytes_; }
  void run(const ConvolutionArguments& arguments, std::int64_t begin, std::int64_t end,
           void* scratch) const noexcept override;

 private:
  struct Tile {
    std::int64_t n, oh, ow;  ///< image and first output pixel
  };
  Tile tile_at(std::int64_t tile) const {
    const std::int64_t row = tile / cut_.tiles_w;
    return {row / cut_.tiles_h, row % cut_.tiles_h * tile_, tile % cut_.tiles_w * tile_};
  }

  void transform_inputs(const std::byte* x, std::int64_t first, std::int64_t end, const std::byte* zeros,
                        float* v) const noexcept;
  void multiply(const float* v, const float* panel, int vectors, std::int64_t rows, float* m) const noexcept;
  void transform_outputs(const ConvolutionArguments& arguments, std::int64_t first, std::int64_t end,
                         std::int64_t panel, const float* m, float* results) const noexcept;

  ConvolutionShape shape_;
  const TileKernels& products_;
  Panels panels_;
  std::int64_t tile_, frequencies_;
  const WinogradKernels& transforms_;
  Cut cut_;
  std::int64_t v_stride_, m_stride_, m_row_;  ///< floats: a frequency of V, of M; a tile of M
  std::int64_t x_bytes_, y_bytes_;            ///< an element
  std::size_t inputs_at_, products_at_, results_at_, scratch_bytes_;
  std::string name_;
};

WinogradConvolution::WinogradConvolution(const ConvolutionShape& shape, base::Isa isa, int threads)
    : shape_(shape),
      products_(tile_kernels(isa)),
      panels_(make_panels(shape.weights.out_channels, products_)),
      tile_(shape.weights.winograd),
      frequencies_((tile_ + 2) * (tile_ + 2)),
      transforms_(winograd_kernels(shape.weights.winograd, transforms_isa(shape.weights, isa))),
      cut_(choose_cut(shape, shape.weights.winograd, isa, threads)) {
  const std::int64_t width = panels_.widest() * panels_.lanes;
  v_stride_ = odd_lines(shape.weights.in_channels);
  m_stride_ = width;
  m_row_ = odd_lines(frequencies_ * width);
  const std::int64_t most_tiles = base::ceil_div(cut_.tiles, cut_.blocks);
  inputs_at_ = round_up(shape.weights.in_channels * sizeof(float));
  products_at_ = inputs_at_ + round_up(most_tiles * frequencies_ * v_stride_ * sizeof(float));
  results_at_ = products_at_ + round_up(most_tiles * m_row_ * sizeof(float));
  scratch_bytes_ = results_at_ + round_up(tile_ * tile_ * width * sizeof(float));
  x_bytes_ = static_cast<std::int64_t>(size_of(shape.weights.dtype));
  y_bytes_ = static_cast<std::int64_t>(size_of(shape.y_dtype));
  name_ = fmt::format("{}_winograd{}_{}", shape.weights.dtype == DType::bf16 ? "bf16" : "f32", tile_,
                      base::name_of(transforms_isa(shape.weights, isa)));
}

void WinogradConvolution::transform_inputs(const std::byte* x, std::int64_t first, std::int64_t end,
                                           const std::byte* zeros, float* v) const noexcept {
  const std::int64_t n = tile_ + 2;
  const void* pixels[36];
  WinogradInputTask task;
  task.x_row = shape_.x_stride_h;
  task.x_pixel = shape_.x_stride_w;
  task.channels = shape_.weights.in_channels;
  task.v_stride = v_stride_;
  for (std::int64_t t = first; t < end; ++t) {
    const Tile tile = tile_at(t);
    const std::int64_t ih = tile.oh - shape_.pad_top, iw = tile.ow - shape_.pad_left;
    const auto at = [&](std::int64_t h, std::int64_t w) {
      return x + (tile.n * shape_.x_stride_n + h * shape_.x_stride_h + w * shape_.x_stride_w) * x_bytes_;
    };
    task.v = v + (t - first) * frequencies_ * v_stride_;
    if (ih >= 0 && ih + n <= shape_.in_h && iw >= 0 && iw + n <= shape_.in_w) {
      task.pixels = nullptr;
      task.x = at(ih, iw);
    } else {
      for (std::int64_t i = 0; i < n; ++i)
        for (std::int64_t j = 0; j < n; ++j) {
          const bool inside = ih + i >= 0 && ih + i < shape_.in_h && iw + j >= 0 && iw + j < shape_.in_w;
          pixels[i * n + j] = inside ? at(ih + i, iw + j) : zeros;
        }
      task.pixels = pixels;
    }
    transforms_.input(task);
  }
}

/// M[t, f, :] = V[t, f, :] · U[f] for every frequency f; `panel` is U's, [frequency][channel][column].
void WinogradConvolution::multiply(const float* v, const float* panel, int vectors, std::int64_t rows,
                                   float* m) const noexcept {
  const TileRow& kernels = products_.widths[vectors].strided;
  const std::int64_t tiles = base::ceil_div(rows, most_tile_rows(kernels, shape_.weights.in_channels));
  const std::int64_t width = vectors * panels_.lanes, depth = shape_.weights.in_channels;
  const std::int64_t bytes = depth * width * static_cast<std::int64_t>(sizeof(float));
  TileTask task{};
  task.taps = 1;
  task.depth = depth;
  task.depth_stride = 1;
  task.a_stride = frequencies_ * v_stride_;
  task.c_stride = m_row_;
  task.columns = width;
  task.prefetch_step = bytes / (tiles * depth);
  for (std::int64_t f = 0; f < frequencies_; ++f) {
    task.b = panel + f * depth * width;
    for (std::int64_t tile = 0; tile < tiles; ++tile) {
      const std::int64_t row = rows * tile / tiles;
      task.a = v + row * task.a_stride + f * v_stride_;
      task.c = m + row * m_row_ + f * m_stride_;
      // While one frequency of U is multiplied, the next is brought to L2, each tile asking for its share.
      task.prefetch = reinterpret_cast<const char*>(task.b) + bytes + bytes * tile / tiles;
      kernels.kernels[rows * (tile + 1) / tiles - row](task);
    }
  }
}

void WinogradConvolution::transform_outputs(const ConvolutionArguments& arguments, std::int64_t first, std::int64_t end,
                                            std::int64_t panel, const float* m, float* results) const noexcept {
  const Epilogue& epilogue = arguments.epilogue;
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  const std::int64_t column = panels_.first_column(panel), out_h = shape_.out_h(), out_w = shape_.out_w();
  const bool direct = epilogue.program == nullptr;
  WinogradOutputTask task;
  task.m_stride = m_stride_;
  task.channels = panels_.columns_of(panel);
  task.bias = epilogue.bias == nullptr ? nullptr : epilogue.bias + column;
  task.residual = nullptr;
  task.residual_is_bf16 = epilogue.residual_dtype == DType::bf16;
  task.y_is_bf16 = direct && shape_.y_dtype == DType::bf16;
  const auto residual_bytes = static_cast<std::int64_t>(size_of(epilogue.residual_dtype));
  task.residual_pixel = epilogue.residual_row_stride;
  task.residual_row = out_w * epilogue.residual_row_stride;
  task.y = results;
  task.y_pixel = direct ? shape_.y_stride_w : task.channels;
  task.y_row = direct ? shape_.y_stride_h : tile_ * task.channels;
  task.clamp = epilogue.low > -kInfinity || epilogue.high < kInfinity;
  task.low = epilogue.low;
  task.high = epilogue.high;
  for (std::int64_t t = first; t < end; ++t) {
    const Tile tile = tile_at(t);
    const std::int64_t pixel = (tile.n * out_h + tile.oh) * out_w + tile.ow;
    const std::int64_t offset =
        tile.n * shape_.y_stride_n + tile.oh * shape_.y_stride_h + tile.ow * shape_.y_stride_w + column;
    std::byte* const y = static_cast<std::byte*>(arguments.y) + offset * y_bytes_;
    task.m = m + (t - first) * m_row_;
    task.rows = std::min(tile_, out_h - tile.oh);
    task.columns = std::min(tile_, out_w - tile.ow);
    if (epilogue.residual != nullptr)
      task.residual = static_cast<const std::byte*>(epilogue.residual) +
                      (pixel * epilogue.residual_row_stride + column) * residual_bytes;
    if (direct) task.y = y;
    transforms_.output(task);
    for (std::int64_t i = 0; i < (direct ? 0 : task.rows); ++i)
      run_epilogue_program(epilogue, {pixel + i * out_w, column, 0, nullptr}, results + i * task.y_row, task.y_pixel,
                           y + i * shape_.y_stride_h * y_bytes_, shape_.y_stride_w, task.columns, task.channels);
  }
}

void WinogradConvolution::run(const ConvolutionArguments& arguments, std::int64_t begin, std::int64_t end,
                              void* scratch) const noexcept {
  if (begin >= end) return;
  std::byte* const memory = static_cast<std::byte*>(scratch);
  float* const v = reinterpret_cast<float*>(memory + inputs_at_);
  float* const m = reinterpret_cast<float*>(memory + products_at_);
  std::memset(memory, 0, inputs_at_);
  std::int64_t last_block = -1;
  for (std::int64_t item = begin; item < end; ++item) {
    const std::int64_t block = item / panels_.count, panel = item % panels_.count;
    const std::int64_t first = cut_.first_tile(block), end_tile = cut_.first_tile(block + 1);
    if (block != last_block) transform_inputs(static_cast<const std::byte*>(arguments.x), first, end_tile, memory, v);
    last_block = block;
    multiply(
        v,
        static_cast<const float*>(arguments.weights) + panels_.offset(panel, frequencies_ * shape_.weights.in_channels),
        static_cast<int>(panels_.width(panel)), end_tile - first, m);
    transform_outputs(arguments, first, end_tile, panel, m, reinterpret_cast<float*>(memory + results_at_));
  }
}

}  // namespace

std::int64_t winograd_elements(const ConvolutionWeights& weights, base::Isa isa) {
  const std::int64_t n = weights.winograd + 2;
  return make_panels(weights.out_channels, tile_kernels(isa)).elements(n * n * weights.in_channels);
}

void pack_winograd(const ConvolutionWeights& weights, base::Isa isa, const float* source, const std::int64_t strides[4],
                   float* packed, std::int64_t begin, std::int64_t end) {
  const Panels panels = make_panels(weights.out_channels, tile_kernels(isa));
  const std::int64_t n = weights.winograd + 2, frequencies = n * n, depth = weights.in_channels;
  for (std::int64_t panel = begin; panel < end; ++panel) {
    float* const to = packed + panels.offset(panel, frequencies * depth);
    const std::int64_t width = panels.width(panel) * panels.lanes;
    for (std::int64_t c = 0; c < depth; ++c)
      for (std::int64_t j = 0; j < width; ++j) {
        double g[9] = {}, u[36];
        if (j < panels.columns_of(panel)) {
          const float* from = source + (panels.first_column(panel) + j) * strides[0] + c * strides[1];
          for (int k = 0; k < 9; ++k) g[k] = from[k / 3 * strides[2] + k % 3 * strides[3]];
        }
        winograd_filter(weights.winograd, g, u);
        for (std::int64_t f = 0; f < frequencies; ++f) to[(f * depth + c) * width + j] = static_cast<float>(u[f]);
      }
  }
}

std::unique_ptr<const Convolution> make_winograd_convolution(const ConvolutionShape& shape, base::Isa isa,
                                                             int threads) {
  return std::make_unique<WinogradConvolution>(shape, isa, threads);
}

bool winograd_allowed(const ConvolutionShape& shape, base::Isa isa) {
  const ConvolutionWeights& weights = shape.weights;
  return weights.groups == 1 && weights.kernel_h == 3 && weights.kernel_w == 3 && !pads_channels(weights) &&
         (weights.dtype == DType::f32 || base::has_bf16(bf16_winograd_isa(isa))) && shape.stride_h == 1 &&
         shape.stride_w == 1 && shape.dilation_h == 1 && shape.dilation_w == 1 && shape.y_stride_phase == 0;
}

int choose_winograd(const ConvolutionShape& shape, base::Isa isa) {
  const ConvolutionWeights& weights = shape.weights;
  if (!winograd_allowed(shape, isa) || weights.in_channels < kFewestChannels || weights.out_channels < kFewestChannels)
    return 0;
  const Panels panels = make_panels(weights.out_channels, tile_kernels(isa));
  const double pixels = static_cast<double>(shape.batch * shape.out_h() * shape.out_w());
  const double products = 9 * static_cast<double>(weights.in_channels * panels.vectors);
  double direct = overlapped(pixels * products / 2 / 0.8, products * panels.lanes * 4 / kL3BytesPerCycle);
  if (weights.dtype == DType::bf16) {
    // Pairs of bf16 products take as long as fp32 ones, of which fewer are wanted; tiles are done with all sooner.
    if (isa == base::Isa::amx) return 0;
    direct = overlapped(pixels * products / 4 / 0.9, products * panels.lanes * 2 / kL3BytesPerCycle);
  }
  const double small = choose_cut(shape, 2, isa, 1).cycles, large = choose_cut(shape, 4, isa, 1).cycles;
  // Rounding and memory speak for the smaller tile, and for neither.
  if (std::min(small, large) > 0.9 * direct) return 0;
  return large < 0.95 * small ? 4 : 2;
}

}  // namespace wherry::kernels
