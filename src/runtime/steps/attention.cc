// Attention: heads are whatever is left of the operands' dimensions, read and written as they lie.

#include "kernels/attention/attention.h"

#include <algorithm>

#include "base/checked_math.h"
#include "runtime/lowering.h"
#include "runtime/memory_plan.h"
#include "runtime/steps/kernel_step.h"
#include "runtime/strides.h"

namespace wherry::runtime {
namespace {

/// Strides of all dimensions of `sizes` but the last two, 0 where the operand repeats.
Dims outer_strides(const Operand& operand, const Dims& sizes) {
  return broadcast_strides(Dims(operand.sizes.begin(), operand.sizes.end() - 2),
                           Dims(operand.strides.begin(), operand.strides.end() - 2), sizes);
}

std::int64_t row_stride(const Operand& operand) { return operand.strides[operand.strides.size() - 2]; }

struct Slots {
  Slot q, k, v, y, scratch;
  std::optional<Slot> mask;
  std::int64_t scratch_bytes;  ///< of a thread
};

}  // namespace

void lower_attention(const ir::Node& node, Lowering& lowering) {
  const Operand result = lowering.result(node);
  const DType dtype = node.input(0)->type().dtype;
  const bool same = node.input(1)->type().dtype == dtype && node.input(2)->type().dtype == dtype;
  const bool bf16 = dtype == DType::bf16 && base::has_bf16(lowering.bf16_isa());
  if (!same || !(dtype == DType::f32 || bf16) || !(result.dtype == DType::f32 || (bf16 && result.dtype == DType::bf16)))
    unsupported(node, fmt::format("{} arithmetic; wherry computes attention in float32 and bfloat16", name_of(dtype)));
  const auto dense_rows = [&](std::size_t i) {
    Operand operand = lowering.operand(node.input(i));
    if (operand.sizes.back() > 1 && operand.strides.back() != 1)
      operand = lowering.with_strides(operand, contiguous_strides(operand.sizes), node);
    return operand;
  };
  const Operand q = dense_rows(0), k = dense_rows(1), v = dense_rows(2);
  // Where the result's columns do not lie side by side it is made in scratch first.
  const bool direct = result.sizes.back() <= 1 || result.strides.back() == 1;
  Operand y = result;
  if (!direct) {
    y.slot = lowering.scratch(y.numel() * static_cast<std::int64_t>(size_of(y.dtype)));
    y.strides = contiguous_strides(y.sizes);
  }
  const std::size_t rank = y.sizes.size();

  kernels::AttentionShape shape;
  shape.outer_sizes = Dims(y.sizes.begin(), y.sizes.end() - 2);
  shape.rows = q.sizes[q.sizes.size() - 2];
  shape.keys = k.sizes[k.sizes.size() - 2];
  shape.depth = q.sizes.back();
  shape.columns = v.sizes.back();
  shape.dtype = dtype;
  shape.y_dtype = y.dtype;
  shape.scale = static_cast<float>(node.number("scale"));
  shape.causal = node.flag("causal");
  shape.zero_hidden = node.flag("zero_hidden");
  shape.q_row_stride = row_stride(q);
  shape.k_row_stride = row_stride(k);
  shape.v_row_stride = row_stride(v);
  shape.y_row_stride = row_stride(y);
  shape.q_outer_strides = outer_strides(q, shape.outer_sizes);
  shape.k_outer_strides = outer_strides(k, shape.outer_sizes);
  shape.v_outer_strides = outer_strides(v, shape.outer_sizes);
  shape.y_outer_strides = outer_strides(y, shape.outer_sizes);
  shape.mask_outer_strides.assign(shape.outer_sizes.size(), 0);
  Slots slots{q.slot, k.slot, v.slot, y.slot, {}, {}, 0};
  if (node.input(3) != nullptr) {
    const Operand mask = dense_rows(3);
    Dims scores = y.sizes;
    scores.back() = shape.keys;
    Dims strides = broadcast_strides(mask.sizes, mask.strides, scores);
    shape.masked = true;
    shape.mask_row_stride = strides[rank - 2];
    strides.resize(rank - 2);
    shape.mask_outer_strides = std::move(strides);
    slots.mask = mask.slot;
  }

  const base::Isa isa = lowering.isa_for(dtype);
  auto kernel = lowering.primitive(primitive_key(shape, isa), [&] { return kernels::make_attention(shape, isa); });
  const std::string name(kernel->name());
  const std::int64_t flops =
      2 * element_count(shape.outer_sizes) * shape.rows * shape.keys * (shape.depth + shape.columns);
  const int threads = std::min(
      lowering.threads(),
      useful_threads(flops_cost(flops, dtype), 4 * (q.numel() + k.numel() + v.numel() + y.numel()), kernel->items()));
  slots.scratch_bytes = base::round_up(static_cast<std::int64_t>(kernel->scratch_bytes()), kAlignment);
  slots.scratch = lowering.scratch(threads * slots.scratch_bytes);
  lowering.add(
      kernel_step(std::move(kernel), threads,
                  [slots](const kernels::Attention& run, const RunContext& context, std::int64_t begin,
                          std::int64_t end, int thread) noexcept {
                    const kernels::AttentionArguments arguments{
                        context.at<const void>(slots.q), context.at<const void>(slots.k),
                        context.at<const void>(slots.v), slots.mask ? context.at<const float>(*slots.mask) : nullptr,
                        context.at<void>(slots.y)};
                    run.run(arguments, begin, end, context.at<std::byte>(slots.scratch) + thread * slots.scratch_bytes);
                  }),
      node, {name, flops, 0});
  if (!direct) lowering.add_copy(y, result, &node);
}

}  // namespace wherry::runtime
