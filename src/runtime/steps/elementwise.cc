// Elementwise programs that are not part of another step.

#include "kernels/elementwise/elementwise.h"

#include <array>

#include "runtime/lowering.h"
#include "runtime/steps/epilogue.h"
#include "runtime/steps/kernel_step.h"
#include "runtime/strides.h"

namespace wherry::runtime {
namespace {

/// A program has at most this many registers, operands included.
constexpr std::size_t kMaxOperands = 255;

void add_elementwise(const ir::Node& node, const expression::Program& program, const std::vector<Operand>& operands,
                     Lowering& lowering) {
  const Operand result = lowering.result(node);
  kernels::ElementwiseShape shape;
  shape.sizes = result.sizes;
  shape.destination_strides = result.strides;
  shape.destination_dtype = result.dtype;
  std::vector<Slot> slots;
  std::int64_t bytes = result.numel() * static_cast<std::int64_t>(size_of(result.dtype));
  for (const Operand& operand : operands) {
    shape.operand_strides.push_back(broadcast_strides(operand.sizes, operand.strides, result.sizes));
    shape.operand_dtypes.push_back(operand.dtype);
    slots.push_back(operand.slot);
    bytes += operand.numel() * static_cast<std::int64_t>(size_of(operand.dtype));
  }
  auto kernel = lowering.primitive(primitive_key(program, shape, lowering.isa()),
                                   [&] { return kernels::make_elementwise(program, shape, lowering.isa()); });
  const std::string name(kernel->name());
  const std::int64_t flops = result.numel() * static_cast<std::int64_t>(program.code.size());
  // Instructions go through L1, and some are exp or erf: dearer than a multiplication in a register.
  const int threads = useful_threads(8 * flops, bytes, kernel->items());
  lowering.add(kernel_step(std::move(kernel), threads,
                           [slots = std::move(slots), target = result.slot](
                               const kernels::Elementwise& run, const RunContext& context, std::int64_t begin,
                               std::int64_t end, int) noexcept {
                             std::array<const void*, kMaxOperands> pointers;
                             for (std::size_t i = 0; i < slots.size(); ++i)
                               pointers[i] = context.at<const void>(slots[i]);
                             run.run(pointers.data(), context.at<void>(target), begin, end);
                           }),
               node, {name, flops, 0});
}

}  // namespace

void lower_elementwise(const ir::Node& node, Lowering& lowering) {
  std::vector<Operand> operands;
  for (const ir::Value* value : node.inputs()) operands.push_back(lowering.operand(value));
  add_elementwise(node, node.program("program"), operands, lowering);
}

void lower_separate_cast(const ir::Node& node, const Operand& accumulators, Lowering& lowering) {
  const Operand result = lowering.result(node);
  if (result.dtype == accumulators.dtype) return lowering.add_copy(accumulators, result, &node);
  add_elementwise(node, expression::Program{}, {accumulators}, lowering);
}

void lower_separate_epilogue(const ir::Node& node, const Operand& accumulators, Lowering& lowering) {
  std::vector<Operand> operands{accumulators};
  for (const ir::Value* value : epilogue_operands(node)) operands.push_back(lowering.operand(value));
  add_elementwise(node, node.program("epilogue"), operands, lowering);
}

}  // namespace wherry::runtime
