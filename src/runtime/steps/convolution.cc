// Convolutions: pack the weights, address the epilogue's operands by output pixel, deal the kernel's items.

#include "kernels/convolution/convolution.h"

#include <array>

#include "base/check.h"
#include "base/checked_math.h"
#include "kernels/copy/pixels.h"
#include "runtime/lowering.h"
#include "runtime/memory_plan.h"
#include "runtime/steps/convolution_pair.h"
#include "runtime/steps/convolution_shape.h"
#include "runtime/steps/epilogue.h"
#include "runtime/steps/kernel_step.h"
#include "runtime/strides.h"

namespace wherry::runtime {
namespace {

/// One image at a time where an operand cannot be addressed by pixels counted through the whole batch (a gate of
/// squeeze-and-excitation [N, C, 1, 1], say): `images` runs of a kernel for a batch of one.
class ConvolutionStep final : public Step {
 public:
  struct Parts {
    std::shared_ptr<const kernels::Convolution> kernel;
    std::int64_t images = 1;
    std::int64_t x_image_bytes = 0;
    std::int64_t y_image_bytes = 0;
    Slot x, y, scratch;
    std::int64_t scratch_bytes = 0;  // a thread
    const std::byte* weights = nullptr;
    EpilogueRun epilogue;
  };

  ConvolutionStep(Parts parts, int threads) : parts_(std::move(parts)), items_(parts_.kernel->items()) {
    max_threads_ = threads;
  }

  void run(const RunContext& context, int thread, int threads) const noexcept override {
    auto [at, end] = part_of(parts_.images * items_, thread, threads);
    std::array<kernels::TileOperand, kMaxEpilogueOperands> tiles;
    kernels::ConvolutionArguments arguments;
    arguments.weights = parts_.weights;
    arguments.next = context.next_weights;
    while (at < end) {
      const std::int64_t image = at / items_;
      const std::int64_t begin = at % items_;
      const std::int64_t stop = std::min(items_, begin + end - at);
      arguments.x = context.at<const std::byte>(parts_.x) + image * parts_.x_image_bytes;
      arguments.y = context.at<std::byte>(parts_.y) + image * parts_.y_image_bytes;
      arguments.epilogue = parts_.epilogue.bind(
          context, tiles.data(), [&](const RowOperand& operand) { return image * operand.batch_strides[0]; });
      parts_.kernel->run(arguments, begin, stop, context.at<std::byte>(parts_.scratch) + thread * parts_.scratch_bytes);
      at += stop - begin;
    }
  }

  const void* first_weights(int thread, int threads) const noexcept override {
    const auto [begin, end] = part_of(parts_.images * items_, thread, threads);
    if (begin >= end || parts_.weights == nullptr) return nullptr;
    return parts_.weights + parts_.kernel->weight_offset(begin % items_);
  }

  std::vector<kernels::Choice> candidates() const override { return parts_.kernel->candidates(); }

 private:
  Parts parts_;
  std::int64_t items_;
};

/// The epilogue's operands by pixel: of the whole batch where all of them allow it, else of one image. Empty where
/// some operand allows neither (it varies along one of height and width only).
std::optional<std::vector<RowOperand>> address_by_pixel(const ir::Node& node, const Operand& y, Lowering& lowering,
                                                        bool& whole_batch) {
  for (const bool whole : {true, false}) {
    std::vector<RowOperand> rows;
    for (const ir::Value* value : epilogue_operands(node)) {
      const Operand operand = lowering.operand(value);
      const Dims strides = broadcast_strides(operand.sizes, operand.strides, y.sizes);
      const Dims sizes{y.sizes[0], y.sizes[2], y.sizes[3]};
      const auto row = joint_stride(sizes, {strides[0], strides[2], strides[3]}, whole ? 0 : 1, 3);
      if (!row) break;
      rows.push_back({operand.slot, operand.dtype, *row, strides[1], {whole ? 0 : strides[0]}});
    }
    if (rows.size() == epilogue_operands(node).size()) {
      whole_batch = whole;
      return rows;
    }
  }
  return std::nullopt;
}

/// x as pixels of padded channels inside a halo, brought there by a step of its own (kernels/copy/pixels.h).
Operand padded_pixels(const Operand& x, const ir::Node& node, std::int64_t channels, Lowering& lowering) {
  const Dims& padding = node.integers("padding");
  kernels::PixelsShape shape;
  shape.batch = x.sizes[0], shape.channels = x.sizes[1], shape.height = x.sizes[2], shape.width = x.sizes[3];
  shape.x_dtype = x.dtype;
  shape.x_stride_n = x.strides[0], shape.x_stride_c = x.strides[1];
  shape.x_stride_h = x.strides[2], shape.x_stride_w = x.strides[3];
  shape.y_channels = channels;
  shape.top = padding[0], shape.bottom = padding[1], shape.left = padding[2], shape.right = padding[3];
  const std::int64_t bytes = shape.elements() * 2;
  const Slot slot = lowering.scratch(bytes);
  auto kernel = lowering.primitive(primitive_key(shape, lowering.bf16_isa()),
                                   [&] { return kernels::make_pixels(shape, lowering.bf16_isa()); });
  StepInfo info;
  info.op = "pixels";
  info.kernel = std::string(kernel->name()) + (shape.origin() > 0 ? "+halo" : "");
  info.precision = precision_name(DType::bf16);
  info.shape = to_string(x.sizes) + " -> " + to_string({shape.batch, channels, shape.height, shape.width});
  info.output_bytes = bytes;
  const int threads =
      useful_threads(0, bytes + x.numel() * static_cast<std::int64_t>(size_of(x.dtype)), kernel->items());
  lowering.add(kernel_step(std::move(kernel), threads,
                           [from = x.slot, slot](const kernels::Pixels& run, const RunContext& context,
                                                 std::int64_t begin, std::int64_t end, int) noexcept {
                             run.run(context.at<const void>(from), context.at<void>(slot), begin, end);
                           }),
               std::move(info), &node, x.slot, slot);
  const std::int64_t row = shape.row_pixels() * channels;
  return {{slot.storage, slot.offset + shape.origin() * 2},
          DType::bf16,
          x.sizes,
          {shape.image_rows() * row, 1, row, channels}};
}

/// The memory order kernels want: channels innermost. Dimensions of size 1 take the stride they would have had.
Operand channels_innermost(const Operand& x, const ir::Node& node, Lowering& lowering) {
  if (x.sizes[1] == 1 || x.strides[1] == 1) return x;
  return lowering.with_strides(x, channels_last_strides(x.sizes), node);
}

}  // namespace

kernels::ConvolutionWeights weights_of(const ir::Node& node, DType dtype) {
  const Dims& weight = node.input(1)->type().sizes;
  return {node.input(0)->type().sizes[1], weight[0], weight[2], weight[3], node.integer("groups"), dtype};
}

kernels::ConvolutionShape shape_of(const ir::Node& node, const Operand& x, const Operand& y) {
  const Dims& stride = node.integers("stride");
  const Dims& padding = node.integers("padding");
  const Dims& dilation = node.integers("dilation");
  kernels::ConvolutionShape shape;
  shape.weights = weights_of(node, x.dtype);
  shape.batch = x.sizes[0];
  shape.in_h = x.sizes[2], shape.in_w = x.sizes[3];
  shape.stride_h = stride[0], shape.stride_w = stride[1];
  shape.pad_top = padding[0], shape.pad_bottom = padding[1], shape.pad_left = padding[2], shape.pad_right = padding[3];
  shape.dilation_h = dilation[0], shape.dilation_w = dilation[1];
  shape.x_stride_n = x.strides[0], shape.x_stride_h = x.strides[2], shape.x_stride_w = x.strides[3];
  shape.y_stride_n = y.strides[0], shape.y_stride_h = y.strides[2], shape.y_stride_w = y.strides[3];
  shape.y_dtype = y.dtype;
  WHERRY_CHECK_EQ(shape.out_h(), y.sizes[2]);
  WHERRY_CHECK_EQ(shape.out_w(), y.sizes[3]);
  return shape;
}

namespace {

std::string packing_name(const ir::Node& node, const kernels::ConvolutionWeights& weights, const Lowering& lowering) {
  const base::Isa isa = lowering.isa_for(weights.dtype, weights.in_parts);
  return fmt::format("{} {} in {} groups", kernels::packed_format(weights, isa), to_string(node.input(1)->type().sizes),
                     weights.groups);
}

}  // namespace

void choose_algorithm(const ir::Node& node, kernels::ConvolutionShape& shape, const Lowering& lowering) {
  const Algorithms& allowed = lowering.algorithms();
  const base::Isa isa = lowering.isa_for(shape.weights.dtype);
  std::vector<kernels::ConvolutionShape> ways{shape};  // the fastest first
  const auto add = [&](bool is_allowed, bool is_faster, auto&& change) {
    kernels::ConvolutionShape way = shape;
    change(way.weights);
    if (is_allowed && kernels::applies(way, lowering.isa_for(way.weights.dtype, way.weights.in_parts)))
      ways.insert(is_faster ? ways.begin() : ways.end(), way);
  };
  add(allowed.strassen, kernels::prefers_strassen(shape, isa),
      [](kernels::ConvolutionWeights& weights) { weights.strassen = true; });
  const int winograd = allowed.winograd ? kernels::choose_winograd(shape, isa) : 0;
  add(allowed.convolution_parts,
      winograd == 0 && lowering.takes_apart(shape.weights.dtype, shape.batch * shape.out_h() * shape.out_w(),
                                            shape.weights.kernel_h * shape.weights.kernel_w * shape.weights.in_channels,
                                            shape.weights.out_channels),
      [](kernels::ConvolutionWeights& weights) { weights.in_parts = true; });
  for (const int tile : {2, 4})
    add(allowed.winograd, winograd == tile, [&](kernels::ConvolutionWeights& weights) { weights.winograd = tile; });
  shape = lowering.first_at_hand(node.input(1), ways, [&](const kernels::ConvolutionShape& way) {
    return packing_name(node, way.weights, lowering);
  });
}

const std::byte* pack_weights(const ir::Node& node, const kernels::ConvolutionWeights& weights, Lowering& lowering) {
  const base::Isa isa = lowering.isa_for(weights.dtype, weights.in_parts);
  return lowering.pack(
      node.input(1),
      {packing_name(node, weights, lowering), kernels::packed_bytes(weights, isa), kernels::packing_items(weights, isa),
       [weights, isa](const Tensor& tensor, std::byte* packed, std::int64_t begin, std::int64_t end) {
         kernels::pack(weights, isa, static_cast<const float*>(tensor.data()), tensor.strides().data(), packed, begin,
                       end);
       }});
}

void lower_convolution(const ir::Node& node, Lowering& lowering) {
  if (depthwise_after(node, lowering) != nullptr) return;
  if (const ir::Node* pointwise = pointwise_before(node, lowering))
    return lower_convolution_pair(*pointwise, node, lowering);
  require_product_dtypes(node);
  if (!node.input(1)->is_constant()) unsupported(node, "weights computed by the model; wherry needs constant ones");
  const Operand result = lowering.result(node);
  const DType dtype = product_dtype(node);
  const Operand input = lowering.operand(node.input(0));
  const kernels::ConvolutionWeights weights = weights_of(node, dtype);
  const bool pads_channels = kernels::pads_channels(weights);
  const Operand x = pads_channels ? padded_pixels(input, node, kernels::bf16_channels(weights), lowering)
                                  : channels_innermost(input, node, lowering);

  ConvolutionStep::Parts parts;
  bool whole_batch = true;
  const auto rows = address_by_pixel(node, result, lowering, whole_batch);
  const bool channels_last = result.sizes[1] == 1 || result.strides[1] == 1;
  const bool fused = rows && rows->size() <= kMaxEpilogueOperands && channels_last;
  Operand y = result;
  if (!fused) {
    y.dtype = DType::f32;
    y.strides = channels_last_strides(y.sizes);
    y.slot = lowering.scratch(y.numel() * static_cast<std::int64_t>(sizeof(float)));
  }

  kernels::ConvolutionShape shape = shape_of(node, x, y);
  // A copy made here has no halo.
  const Halo halo = x.slot.storage == input.slot.storage ? lowering.halo(node.input(0)) : Halo{};
  shape.x_stride_phase = lowering.stride_phase(node.input(0));
  shape.y_stride_phase = lowering.stride_phase(node.output());
  shape.x_halo = shape.x_stride_phase != 0 || (halo.top >= shape.pad_top && halo.bottom >= shape.pad_bottom &&
                                               halo.left >= shape.pad_left && halo.right >= shape.pad_right);
  if (pads_channels) shape.x_halo = true;
  if (!whole_batch) {
    parts.images = shape.batch;
    parts.x_image_bytes = shape.x_stride_n * static_cast<std::int64_t>(size_of(x.dtype));
    parts.y_image_bytes = shape.y_stride_n * static_cast<std::int64_t>(size_of(y.dtype));
    shape.batch = 1;
  }
  choose_algorithm(node, shape, lowering);
  const base::Isa isa = lowering.isa_for(x.dtype, shape.weights.in_parts);
  parts.weights = pack_weights(node, shape.weights, lowering);
  if (fused) {
    parts.epilogue = make_epilogue(node, *rows, lowering);
  } else if (node.input(2) != nullptr) {
    parts.epilogue.bias = lowering.operand(node.input(2)).slot;
  }
  const auto& weight = node.input(1)->type();
  const std::int64_t flops = 2 * y.numel() * weight.sizes[1] * weight.sizes[2] * weight.sizes[3];
  const auto packed = static_cast<std::int64_t>(kernels::packed_bytes(shape.weights, isa));
  int threads = std::min(lowering.threads(), useful_threads(flops_cost(flops, x.dtype), packed + 4 * y.numel(), flops));
  parts.kernel = lowering.tuned_primitive(primitive_key(shape, isa, threads), [&](const kernels::Choice& choice) {
    return kernels::make_convolution(shape, isa, threads, choice);
  });
  threads = static_cast<int>(std::min<std::int64_t>(threads, parts.images * parts.kernel->items()));
  parts.x = x.slot;
  parts.y = y.slot;
  parts.scratch_bytes = base::round_up(static_cast<std::int64_t>(parts.kernel->scratch_bytes()), kAlignment);
  parts.scratch = lowering.scratch(threads * parts.scratch_bytes);

  const std::string name = std::string(parts.kernel->name()) + epilogue_name(parts.epilogue);
  lowering.add(std::make_unique<ConvolutionStep>(std::move(parts), threads), node, {name, flops, packed});
  if (fused) return;
  if (node.has("epilogue")) {
    lower_separate_epilogue(node, y, lowering);
  } else {
    lower_separate_cast(node, y, lowering);
  }
}

}  // namespace wherry::runtime
