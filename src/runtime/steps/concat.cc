// Concatenation. Most operands are where they belong already, written there by their producers; the others are copied.

#include "runtime/lowering.h"
#include "runtime/strides.h"

namespace wherry::runtime {

void lower_concat(const ir::Node& node, Lowering& lowering) {
  const Operand whole = lowering.result(node);
  const auto dim = static_cast<std::size_t>(node.integer("dim"));
  const auto element = static_cast<std::int64_t>(size_of(whole.dtype));
  std::int64_t start = 0;
  for (const ir::Value* value : node.inputs()) {
    const Operand part = lowering.operand(value);
    if (part.dtype != whole.dtype) {
      unsupported(node, fmt::format("operands of {} and {}", name_of(part.dtype), name_of(whole.dtype)));
    }
    const std::int64_t offset = whole.slot.offset + start * whole.strides[dim] * element;
    start += part.sizes[dim];
    if (part.numel() == 0) continue;
    if (part.slot.storage == whole.slot.storage && part.slot.offset == offset) continue;
    lowering.add_copy(part, {{whole.slot.storage, offset}, whole.dtype, part.sizes, whole.strides}, &node);
  }
}

}  // namespace wherry::runtime
