// Copies between memory orders: a node's own, those that bring an operand into the order its kernel needs, and the last
// one into a caller's output.

#include "kernels/copy/copy.h"

#include "runtime/lowering.h"
#include "runtime/steps/kernel_step.h"
#include "runtime/strides.h"

namespace wherry::runtime {

void Lowering::add_copy(const Operand& from, const Operand& to, const ir::Node* node) {
  const auto element_bytes = static_cast<std::int64_t>(size_of(to.dtype));
  const kernels::CopyShape shape{to.sizes, from.strides, to.strides, element_bytes};
  auto copy = primitive(primitive_key(shape, isa()), [&] { return kernels::make_copy(shape, isa()); });
  const std::int64_t bytes = to.numel() * element_bytes;
  const std::string kernel(copy->name());
  const int threads = useful_threads(0, 2 * bytes, copy->items());
  auto step = kernel_step(std::move(copy), threads,
                          [source = from.slot, target = to.slot](const kernels::Copy& run, const RunContext& context,
                                                                 std::int64_t begin, std::int64_t end, int) noexcept {
                            run.run(context.at<const void>(source), context.at<void>(target), begin, end);
                          });
  StepInfo info;
  info.op = "copy";
  info.kernel = kernel;
  info.precision = precision_name(to.dtype);
  info.shape = to_string(from.sizes) + " -> " + to_string(to.sizes);
  info.output_bytes = bytes;
  add(std::move(step), std::move(info), node, from.slot, to.slot);
}

Operand Lowering::with_strides(const Operand& operand, const Dims& strides, const ir::Node& node) {
  if (same_strides(operand.sizes, operand.strides, strides))
    return {operand.slot, operand.dtype, operand.sizes, strides};
  const Slot slot = scratch(operand.numel() * static_cast<std::int64_t>(size_of(operand.dtype)));
  const Operand copied{slot, operand.dtype, operand.sizes, strides};
  add_copy(operand, copied, &node);
  return copied;
}

void lower_copy(const ir::Node& node, Lowering& lowering) {
  Operand from = lowering.operand(node.input(0));
  const Operand to = lowering.result(node);
  from.strides = broadcast_strides(from.sizes, from.strides, to.sizes);
  lowering.add_copy(from, to, &node);
}

}  // namespace wherry::runtime
