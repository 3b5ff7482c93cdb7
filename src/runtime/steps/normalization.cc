// Layer norm over rows, group norm over channels and positions.

#include "kernels/normalization/normalization.h"

#include "runtime/lowering.h"
#include "runtime/steps/kernel_step.h"
#include "runtime/strides.h"

namespace wherry::runtime {
namespace {

/// The slots of a normalisation's operands; weight and bias may be absent.
struct Slots {
  Slot x, y;
  std::optional<Slot> weight, bias;
};

std::optional<Slot> optional_slot(const ir::Node& node, std::size_t i, Lowering& lowering) {
  if (node.input(i) == nullptr) return std::nullopt;
  const Operand operand = lowering.operand(node.input(i));
  return lowering.with_strides(operand, contiguous_strides(operand.sizes), node).slot;
}

/// `Element` is what the kernel takes x and y as.
template <typename Element, typename Kernel>
void add_normalization(const ir::Node& node, std::shared_ptr<const Kernel> kernel, const Slots& slots,
                       Lowering& lowering) {
  const std::string name(kernel->name());
  const std::int64_t elements = node.output()->type().numel();
  const int threads = useful_threads(16 * elements, 8 * elements, kernel->items());
  lowering.add(
      kernel_step(
          std::move(kernel), threads,
          [slots](const Kernel& run, const RunContext& context, std::int64_t begin, std::int64_t end, int) noexcept {
            run.run(context.at<const Element>(slots.x), slots.weight ? context.at<const float>(*slots.weight) : nullptr,
                    slots.bias ? context.at<const float>(*slots.bias) : nullptr, context.at<Element>(slots.y), begin,
                    end);
          }),
      node, {name, 8 * elements, 0});
}

}  // namespace

void lower_layer_norm(const ir::Node& node, Lowering& lowering) {
  Operand x = lowering.operand(node.input(0));
  const Operand result = lowering.result(node);
  const bool bf16 = x.dtype == DType::bf16 || result.dtype == DType::bf16;
  if (!bf16) require_f32(node);
  const auto known = [&](DType dtype) {
    return dtype == DType::f32 || (dtype == DType::bf16 && base::has_bf16(lowering.bf16_isa()));
  };
  if (!known(x.dtype) || !known(result.dtype))
    unsupported(node, fmt::format("{} and {} elements; wherry normalises rows of float32 and bfloat16",
                                  name_of(x.dtype), name_of(result.dtype)));
  const std::size_t outer = x.sizes.size() - static_cast<std::size_t>(node.integer("dims"));
  const auto rows_dense = [&](const Operand& operand) {
    const auto stride = joint_stride(operand.sizes, operand.strides, outer, operand.sizes.size());
    return stride && (*stride == 1 || *stride == 0);
  };
  if (!rows_dense(x)) x = lowering.with_strides(x, contiguous_strides(x.sizes), node);
  const bool direct = rows_dense(result);
  Operand y = result;
  if (!direct) {
    y.slot = lowering.scratch(y.numel() * static_cast<std::int64_t>(size_of(y.dtype)));
    y.strides = contiguous_strides(y.sizes);
  }

  kernels::LayerNormShape shape;
  const auto outer_of = [&](const Dims& dims) {
    return Dims(dims.begin(), dims.begin() + static_cast<std::ptrdiff_t>(outer));
  };
  shape.outer_sizes = outer_of(x.sizes);
  shape.x_outer_strides = outer_of(x.strides);
  shape.y_outer_strides = outer_of(y.strides);
  shape.columns = x.numel() / element_count(shape.outer_sizes);
  shape.epsilon = static_cast<float>(node.number("eps"));
  shape.x_dtype = x.dtype;
  shape.y_dtype = y.dtype;
  const Slots slots{x.slot, y.slot, optional_slot(node, 1, lowering), optional_slot(node, 2, lowering)};
  const base::Isa isa = bf16 ? lowering.bf16_isa() : lowering.isa();
  auto kernel = lowering.primitive(primitive_key(shape, isa), [&] { return kernels::make_layer_norm(shape, isa); });
  add_normalization<void>(node, std::move(kernel), slots, lowering);
  if (!direct) lowering.add_copy(y, result, &node);
}

void lower_group_norm(const ir::Node& node, Lowering& lowering) {
  require_f32(node);
  Operand x = lowering.operand(node.input(0));
  const Operand result = lowering.result(node);
  const std::size_t rank = x.sizes.size();
  auto x_position = joint_stride(x.sizes, x.strides, 2, rank);
  if (!x_position) {
    x = lowering.with_strides(x, channels_last_strides(x.sizes), node);
    x_position = joint_stride(x.sizes, x.strides, 2, rank);
  }
  auto y_position = joint_stride(result.sizes, result.strides, 2, rank);
  const bool direct = y_position.has_value();
  Operand y = result;
  if (!direct) {
    y.slot = lowering.scratch(y.numel() * static_cast<std::int64_t>(sizeof(float)));
    y.strides = channels_last_strides(y.sizes);
    y_position = joint_stride(y.sizes, y.strides, 2, rank);
  }

  kernels::GroupNormShape shape;
  shape.batch = x.sizes[0], shape.channels = x.sizes[1], shape.groups = node.integer("groups");
  shape.positions = x.numel() / (shape.batch * shape.channels);
  shape.x_batch_stride = x.strides[0], shape.x_channel_stride = x.strides[1], shape.x_position_stride = *x_position;
  shape.y_batch_stride = y.strides[0], shape.y_channel_stride = y.strides[1], shape.y_position_stride = *y_position;
  shape.epsilon = static_cast<float>(node.number("eps"));
  const Slots slots{x.slot, y.slot, optional_slot(node, 1, lowering), optional_slot(node, 2, lowering)};
  auto kernel = lowering.primitive(primitive_key(shape, lowering.isa()),
                                   [&] { return kernels::make_group_norm(shape, lowering.isa()); });
  add_normalization<float>(node, std::move(kernel), slots, lowering);
  if (!direct) lowering.add_copy(y, result, &node);
}

}  // namespace wherry::runtime
