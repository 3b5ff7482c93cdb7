// Constant padding: the border is filled, the interior copied.

#include <array>

#include "kernels/copy/copy.h"
#include "runtime/lowering.h"
#include "runtime/steps/kernel_step.h"
#include "tensor/elements.h"

namespace wherry::runtime {
namespace {

/// Fills a box of the result.
void add_fill(const ir::Node& node, const Operand& box, double value, Lowering& lowering) {
  const auto element = static_cast<std::int64_t>(size_of(box.dtype));
  std::array<std::byte, 8> bytes{};
  if (is_floating(box.dtype)) {
    tensor::store_double(bytes.data(), box.dtype, 0, value);
  } else {
    tensor::store_int(bytes.data(), box.dtype, 0, static_cast<std::int64_t>(value));
  }
  const kernels::FillShape shape{box.sizes, box.strides, element};
  auto fill = lowering.primitive(primitive_key(shape, lowering.isa()),
                                 [&] { return kernels::make_fill(shape, lowering.isa()); });
  const std::string name(fill->name());
  const int threads = useful_threads(0, box.numel() * element, fill->items());
  lowering.add(kernel_step(std::move(fill), threads,
                           [bytes, to = box.slot](const kernels::Fill& run, const RunContext& context,
                                                  std::int64_t begin, std::int64_t end, int) noexcept {
                             run.run(bytes.data(), context.at<void>(to), begin, end);
                           }),
               node, {name, 0, 0});
}

}  // namespace

void lower_pad(const ir::Node& node, Lowering& lowering) {
  const Operand x = lowering.operand(node.input(0));
  const Operand y = lowering.result(node);
  const Dims& pads = node.integers("pads");
  const auto element = static_cast<std::int64_t>(size_of(y.dtype));

  // The border falls into two boxes a dimension, before and after the interior, that span what earlier dimensions left.
  Operand box = y;  // what is left to fill or copy
  for (std::size_t d = 0; d < y.sizes.size(); ++d) {
    const auto fill = [&](std::int64_t begin, std::int64_t size) {
      if (size == 0) return;
      Operand border = box;
      border.sizes[d] = size;
      border.slot.offset += begin * y.strides[d] * element;
      if (border.numel() > 0) add_fill(node, border, node.number("value"), lowering);
    };
    fill(0, pads[2 * d]);
    fill(pads[2 * d] + x.sizes[d], pads[2 * d + 1]);
    box.slot.offset += pads[2 * d] * y.strides[d] * element;
    box.sizes[d] = x.sizes[d];
  }
  if (box.numel() > 0) lowering.add_copy(x, box, &node);
}

}  // namespace wherry::runtime
