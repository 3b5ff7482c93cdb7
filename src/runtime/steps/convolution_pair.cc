// The wide image exists a few rows at a time, in a buffer of each thread. Rows that such a part shares with the one
// before are moved to the buffer's front where the same thread has just made them, and computed again where it has not.

#include "runtime/steps/convolution_pair.h"

#include <algorithm>
#include <cstring>
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
/// Rows computed twice, as a part of all: more of them cost more than a wide image that goes through L2 and a meeting
/// of the threads. bf16 products cost less.
constexpr double kMostRepeated = 0.05, kMostRepeatedBf16 = 0.25;

class ConvolutionPairStep final : public Step {
 public:
  /// Rows of the wide image.
  struct Rows {
    std::shared_ptr<const kernels::Convolution> kernel;  ///< null where there are none
    std::int64_t x_bytes = 0;                            ///< from x's first element
  };
  /// Some rows of one image.
  struct Part {
    Rows all;
    Rows others;                                 ///< than those that are left of the part before, …
    std::int64_t left_bytes = 0, left_from = 0;  ///< … so many bytes of the buffer from here on; 0: none are
    std::shared_ptr<const kernels::Convolution> depthwise;
    std::int64_t y_bytes = 0;  ///< from y's first element
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
    pointwise.epilogue = facts_.pointwise_epilogue.bind(context, nullptr, nowhere);
    depthwise.weights = facts_.depthwise_weights;
    depthwise.x = buffer;
    depthwise.epilogue = facts_.depthwise_epilogue.bind(context, nullptr, nowhere);
    for (std::int64_t i = begin; i < end; ++i) {
      const Part& part = facts_.parts[static_cast<std::size_t>(i)];
      const bool goes_on = i > begin && part.left_bytes > 0;
      const Rows& rows = goes_on ? part.others : part.all;
      if (goes_on) std::memmove(buffer, buffer + part.left_from, static_cast<std::size_t>(part.left_bytes));
      if (rows.kernel != nullptr) {
        pointwise.x = context.at<const std::byte>(facts_.x) + rows.x_bytes;
        pointwise.y = buffer + (goes_on ? part.left_bytes : 0);
        pointwise.next = i + 1 == end ? context.next_weights : nullptr;
        rows.kernel->run(pointwise, 0, rows.kernel->items(), scratch);
      }
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

/// How many parts an image has; none where too much would be computed twice.
std::optional<std::int64_t> divide(const ir::Node& depthwise, std::int64_t threads) {
  const Dims& wide = depthwise.input(0)->type().sizes;
  const std::int64_t out_h = depthwise.output()->type().sizes[2];
  const std::int64_t kernel = depthwise.input(1)->type().sizes[2], stride = depthwise.integers("stride")[0];
  const std::int64_t shared = std::max<std::int64_t>(kernel - stride, 0);
  const auto element = static_cast<std::int64_t>(size_of(depthwise.input(0)->type().dtype));
  const std::int64_t fit = (kBufferBytes / (element * wide[1] * wide[3]) - shared) / stride;
  if (fit < 1) return std::nullopt;
  std::int64_t parts = base::ceil_div(out_h, fit);
  if (wide[0] % threads != 0) parts = base::round_up(parts, threads);
  if (out_h < parts) return std::nullopt;
  // Where threads share an image, each begins somewhere in it.
  const std::int64_t begins = wide[0] % threads == 0 ? 0 : threads - 1;
  const double most = depthwise.input(0)->type().dtype == DType::bf16 ? kMostRepeatedBf16 : kMostRepeated;
  if (static_cast<double>(shared * begins) > most * static_cast<double>(out_h * stride)) return std::nullopt;
  return parts;
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
  const std::int64_t parts = *divide(depthwise, lowering.threads());
  const std::int64_t wide_row = wide.sizes[1] * wide.sizes[3];
  // So many rows of one image, to the buffer.
  const auto rows_of_first = [&](std::int64_t rows) {
    ConvolutionShape narrow = first;
    narrow.batch = 1;
    narrow.in_h = rows;
    narrow.y_stride_w = wide.sizes[1];
    narrow.y_stride_h = wide_row;
    narrow.y_stride_n = rows * wide_row;
    return narrow;
  };
  ConvolutionShape typical = rows_of_first(base::ceil_div(first.in_h, parts));
  choose_algorithm(pointwise, typical, lowering);
  first.weights = typical.weights;

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
  const std::int64_t out_h = y.sizes[2];
  std::size_t kernel_scratch = 0;
  for (std::int64_t n = 0; n < x.sizes[0]; ++n) {
    std::int64_t before_from = 0, before_until = 0;  // rows of the wide image that the part before has
    for (std::int64_t i = 0; i < parts; ++i) {
      const std::int64_t first_row = out_h * i / parts, end_row = out_h * (i + 1) / parts;
      const std::int64_t top = first_row * second.stride_h - second.pad_top;
      const std::int64_t bottom = (end_row - 1) * second.stride_h - second.pad_top + second.weights.kernel_h;
      const std::int64_t from = std::max<std::int64_t>(top, 0), until = std::min(bottom, second.in_h);
      const auto rows_of = [&](std::int64_t begin) {
        return ConvolutionPairStep::Rows{begin < until ? primitive(rows_of_first(until - begin)) : nullptr,
                                         element * (n * first.x_stride_n + begin * first.x_stride_h)};
      };
      ConvolutionShape here = second;
      here.batch = 1;
      here.in_h = until - from;
      here.pad_top = std::max<std::int64_t>(-top, 0);
      here.pad_bottom = std::max<std::int64_t>(bottom - second.in_h, 0);
      here.x_stride_w = wide.sizes[1];
      here.x_stride_h = wide_row;
      here.x_stride_n = here.in_h * wide_row;
      ConvolutionPairStep::Part part;
      part.all = rows_of(from);
      if (before_until > from) {
        part.others = rows_of(before_until);
        part.left_bytes = element * (before_until - from) * wide_row;
        part.left_from = element * (from - before_from) * wide_row;
      }
      part.depthwise = primitive(here);
      part.y_bytes =
          (n * second.y_stride_n + first_row * second.y_stride_h) * static_cast<std::int64_t>(size_of(y.dtype));
      facts.buffer_bytes = std::max(facts.buffer_bytes, element * here.x_stride_n);
      for (const auto* kernel : {part.all.kernel.get(), part.others.kernel.get(), part.depthwise.get()})
        if (kernel != nullptr) kernel_scratch = std::max(kernel_scratch, kernel->scratch_bytes());
      facts.parts.push_back(std::move(part));
      before_from = from, before_until = until;
    }
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
  about.kernel = std::string(facts.parts.front().all.kernel->name()) + epilogue_name(facts.pointwise_epilogue) + " > " +
                 std::string(facts.parts.front().depthwise->name()) + epilogue_name(facts.depthwise_epilogue);
  about.flops = first_flops + second_flops;
  about.weight_bytes = packed;
  lowering.absorb(pointwise);
  lowering.add(std::make_unique<ConvolutionPairStep>(std::move(facts), threads), depthwise, std::move(about));
}

}  // namespace wherry::runtime
