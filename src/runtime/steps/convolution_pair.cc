// The wide image exists a few rows at a time, in a buffer of each thread. Rows that two such parts share are computed
// twice, so parts are as high as L2 allows.

#include "runtime/steps/convolution_pair.h"

#include <algorithm>
#include <optional>

#include "base/checked_math.h"
#include "kernels/convolution/convolution.h"
#include "runtime/memory_plan.h"
#include "runtime/steps/convolution_shape.h"
#include "runtime/steps/epilogue.h"

namespace wherry::runtime {
namespace {

using kernels::ConvolutionShape;

/// Of the wide image, in one thread's L2.
constexpr std::int64_t kBufferBytes = 320 << 10;
/// Rows computed twice, as a part of all.
constexpr double kMostRepeated = 0.35;

class ConvolutionPairStep final : public Step {
 public:
  /// Some rows of one image.
  struct Part {
    std::shared_ptr<const kernels::Convolution> pointwise, depthwise;
    std::int64_t x_bytes = 0, y_bytes = 0;  ///< from the operands' first elements
  };
  struct Facts {
    std::vector<Part> parts;
    Slot x, y, scratch;
    std::int64_t buffer_bytes = 0, scratch_bytes = 0;  ///< a thread; the buffer is the first of the scratch
    const std::byte* pointwise_weights = nullptr;
    const std::byte* depthwise_weights = nullptr;
    EpilogueRun pointwise_epilogue, depthwise_epilogue;
  };

  ConvolutionPairStep(Facts facts, int threads) : facts_(std::move(facts)) { max_threads_ = threads; }

  void run(const RunContext& context, int thread, int threads) const noexcept override {
    const auto nowhere = [](const RowOperand&) { return std::int64_t{0}; };
    const auto [begin, end] = part_of(static_cast<std::int64_t>(facts_.parts.size()), thread, threads);
    std::byte* const buffer = context.at<std::byte>(facts_.scratch) + thread * facts_.scratch_bytes;
    std::byte* const scratch = buffer + facts_.buffer_bytes;
    kernels::ConvolutionArguments pointwise, depthwise;
    pointwise.weights = facts_.pointwise_weights;
    pointwise.y = buffer;
    pointwise.epilogue = facts_.pointwise_epilogue.bind(context, nullptr, nowhere);
    depthwise.weights = facts_.depthwise_weights;
    depthwise.x = buffer;
    depthwise.epilogue = facts_.depthwise_epilogue.bind(context, nullptr, nowhere);
    for (std::int64_t i = begin; i < end; ++i) {
      const Part& part = facts_.parts[static_cast<std::size_t>(i)];
      pointwise.x = context.at<const std::byte>(facts_.x) + part.x_bytes;
      pointwise.next = i + 1 == end ? context.next_weights : nullptr;
      part.pointwise->run(pointwise, 0, part.pointwise->items(), scratch);
      depthwise.y = context.at<std::byte>(facts_.y) + part.y_bytes;
      part.depthwise->run(depthwise, 0, part.depthwise->items(), scratch);
    }
  }

  const void* first_weights(int, int) const noexcept override { return facts_.pointwise_weights; }

 private:
  Facts facts_;
};

bool all_are(const Dims& values, std::int64_t wanted) {
  return std::all_of(values.begin(), values.end(), [&](std::int64_t value) { return value == wanted; });
}

/// A convolution that reads nothing but its image, weights and bias, the image being of the type that is multiplied.
bool is_plain(const ir::Node& node) {
  if (node.op() != "convolution" || !node.input(1)->is_constant() || !epilogue_operands(node).empty()) return false;
  const DType dtype = node.input(0)->type().dtype;
  return (dtype == DType::f32 || dtype == DType::bf16) && product_dtype(node) == dtype;
}

/// Output rows of a part, and how many parts an image has; none where too much would be computed twice.
struct Division {
  std::int64_t rows, parts;
};
std::optional<Division> divide(const ir::Node& depthwise, std::int64_t threads) {
  const Dims& wide = depthwise.input(0)->type().sizes;
  const std::int64_t out_h = depthwise.output()->type().sizes[2];
  const std::int64_t kernel = depthwise.input(1)->type().sizes[2], stride = depthwise.integers("stride")[0];
  const std::int64_t shared = std::max<std::int64_t>(kernel - stride, 0);
  const auto element = static_cast<std::int64_t>(size_of(depthwise.input(0)->type().dtype));
  const std::int64_t fit = (kBufferBytes / (element * wide[1] * wide[3]) - shared) / stride;
  if (fit < 1) return std::nullopt;
  std::int64_t parts = base::ceil_div(out_h, fit);
  if (wide[0] % threads != 0) parts = base::round_up(parts, threads);
  const std::int64_t rows = out_h / parts;
  if (rows < 1) return std::nullopt;
  const bool repeats = parts > 1 && static_cast<double>(shared) > kMostRepeated * static_cast<double>(rows * stride);
  if (repeats) return std::nullopt;
  return Division{rows, parts};
}

bool are_pair(const ir::Node& pointwise, const ir::Node& depthwise, const Lowering& lowering) {
  if (!is_plain(pointwise) || !is_plain(depthwise) || depthwise.input(0) != pointwise.output()) return false;
  if (!lowering.is_private(pointwise, depthwise)) return false;
  const DType dtype = pointwise.input(0)->type().dtype;
  if (depthwise.input(0)->type().dtype != dtype) return false;
  const Dims& first = pointwise.input(1)->type().sizes;
  if (first[2] != 1 || first[3] != 1 || pointwise.integer("groups") != 1) return false;
  if (!all_are(pointwise.integers("stride"), 1) || !all_are(pointwise.integers("padding"), 0)) return false;
  if (kernels::pads_channels({first[1], first[0], 1, 1, 1, dtype})) return false;
  const Dims& second = depthwise.input(1)->type().sizes;
  const std::int64_t channels = pointwise.output()->type().sizes[1];
  if (channels == 1 || depthwise.integer("groups") != channels || second[0] != channels) return false;
  const Dims& padding = depthwise.integers("padding");
  if (!all_are(depthwise.integers("dilation"), 1) || std::max(padding[0], padding[1]) >= second[2]) return false;
  const auto channels_last = [&](const ir::Value* value) { return lowering.strides(value)[1] == 1; };
  if (!channels_last(pointwise.input(0)) || !channels_last(pointwise.output()) || !channels_last(depthwise.output()))
    return false;
  return divide(depthwise, lowering.threads()).has_value();
}

}  // namespace

const ir::Node* depthwise_after(const ir::Node& node, const Lowering& lowering) {
  if (node.output()->users().size() != 1) return nullptr;
  const ir::Node* user = node.output()->users().front();
  return are_pair(node, *user, lowering) ? user : nullptr;
}

const ir::Node* pointwise_before(const ir::Node& node, const Lowering& lowering) {
  const ir::Node* producer = node.input(0)->producer();
  return producer != nullptr && are_pair(*producer, node, lowering) ? producer : nullptr;
}

void lower_convolution_pair(const ir::Node& pointwise, const ir::Node& depthwise, Lowering& lowering) {
  const Operand x = lowering.operand(pointwise.input(0)), wide = lowering.operand(depthwise.input(0));
  const Operand y = lowering.result(depthwise);
  const auto element = static_cast<std::int64_t>(size_of(x.dtype));
  ConvolutionShape first = shape_of(pointwise, x, wide);
  const ConvolutionShape second = shape_of(depthwise, wide, y);
  choose_parts(first, lowering);
  const Division division = *divide(depthwise, lowering.threads());

  ConvolutionPairStep::Facts facts;
  facts.x = x.slot, facts.y = y.slot;
  facts.pointwise_weights = pack_weights(pointwise, first.weights, lowering);
  facts.depthwise_weights = pack_weights(depthwise, second.weights, lowering);
  facts.pointwise_epilogue = make_epilogue(pointwise, {}, lowering);
  facts.depthwise_epilogue = make_epilogue(depthwise, {}, lowering);
  const auto isa_of = [&](const ConvolutionShape& shape) {
    return lowering.isa_for(shape.weights.dtype, shape.weights.in_parts);
  };
  const auto primitive = [&](const ConvolutionShape& shape) {
    const base::Isa isa = isa_of(shape);
    return lowering.primitive(primitive_key(shape, isa, 1), [&] { return kernels::make_convolution(shape, isa, 1); });
  };
  const std::int64_t out_h = y.sizes[2], wide_row = wide.sizes[1] * wide.sizes[3];
  std::size_t kernel_scratch = 0;
  for (std::int64_t n = 0; n < x.sizes[0]; ++n)
    for (std::int64_t part = 0; part < division.parts; ++part) {
      const std::int64_t first_row = out_h * part / division.parts, end_row = out_h * (part + 1) / division.parts;
      const std::int64_t from = first_row * second.stride_h - second.pad_top;
      const std::int64_t until = (end_row - 1) * second.stride_h - second.pad_top + second.weights.kernel_h;
      ConvolutionShape narrow = first, here = second;
      narrow.batch = here.batch = 1;
      narrow.in_h = here.in_h = std::min(until, second.in_h) - std::max<std::int64_t>(from, 0);
      narrow.y_stride_w = here.x_stride_w = wide.sizes[1];
      narrow.y_stride_h = here.x_stride_h = wide_row;
      narrow.y_stride_n = here.x_stride_n = narrow.in_h * wide_row;
      here.pad_top = std::max<std::int64_t>(-from, 0);
      here.pad_bottom = std::max<std::int64_t>(until - second.in_h, 0);
      facts.parts.push_back(
          {primitive(narrow), primitive(here),
           element * (n * first.x_stride_n + std::max<std::int64_t>(from, 0) * first.x_stride_h),
           (n * second.y_stride_n + first_row * second.y_stride_h) * static_cast<std::int64_t>(size_of(y.dtype))});
      facts.buffer_bytes = std::max(facts.buffer_bytes, element * narrow.y_stride_n);
      kernel_scratch = std::max({kernel_scratch, facts.parts.back().pointwise->scratch_bytes(),
                                 facts.parts.back().depthwise->scratch_bytes()});
    }
  facts.buffer_bytes = base::round_up(facts.buffer_bytes, kAlignment);
  facts.scratch_bytes = facts.buffer_bytes + base::round_up(static_cast<std::int64_t>(kernel_scratch), kAlignment);

  const std::int64_t pixels = wide.numel() / wide.sizes[1];
  const std::int64_t first_flops = 2 * pixels * first.weights.in_channels * first.weights.out_channels;
  const std::int64_t second_flops = 2 * y.numel() * second.weights.kernel_h * second.weights.kernel_w;
  const auto packed = static_cast<std::int64_t>(kernels::packed_bytes(first.weights, isa_of(first)) +
                                                kernels::packed_bytes(second.weights, isa_of(second)));
  const int threads = std::min(
      lowering.threads(), useful_threads(flops_cost(first_flops, x.dtype) + second_flops, packed + element * x.numel(),
                                         static_cast<std::int64_t>(facts.parts.size())));
  facts.scratch = lowering.scratch(threads * facts.scratch_bytes);
  StepFacts about;
  about.kernel = std::string(facts.parts.front().pointwise->name()) + epilogue_name(facts.pointwise_epilogue) + " > " +
                 std::string(facts.parts.front().depthwise->name()) + epilogue_name(facts.depthwise_epilogue);
  about.flops = first_flops + second_flops;
  about.weight_bytes = packed;
  lowering.absorb(pointwise);
  lowering.add(std::make_unique<ConvolutionPairStep>(std::move(facts), threads), depthwise, std::move(about));
}

}  // namespace wherry::runtime
