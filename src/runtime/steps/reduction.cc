// Reductions over any dimensions, any dtype.

#include "kernels/reduction/reduction.h"

#include "runtime/lowering.h"
#include "runtime/steps/kernel_step.h"

namespace wherry::runtime {

void lower_reduce(const ir::Node& node, Lowering& lowering) {
  const Operand x = lowering.operand(node.input(0));
  const Operand y = lowering.result(node);
  const auto mode = kernels::reduction_mode_from_name(node.text("mode"));
  if (!mode) unsupported(node, fmt::format("mode {}", node.text("mode")));
  kernels::ReductionShape shape;
  shape.mode = *mode;
  shape.sizes = x.sizes;
  shape.x_strides = x.strides;
  shape.x_dtype = x.dtype;
  shape.y_dtype = y.dtype;
  shape.reduced.assign(x.sizes.size(), false);
  for (const std::int64_t dim : node.integers("dims")) shape.reduced[static_cast<std::size_t>(dim)] = true;
  std::size_t next = 0;  // dimension of y
  for (std::size_t i = 0; i < x.sizes.size(); ++i) {
    const bool present = !shape.reduced[i] || node.flag("keepdim");
    shape.y_strides.push_back(present ? y.strides[next] : 0);
    if (present) ++next;
  }
  auto kernel = lowering.primitive(primitive_key(shape, lowering.isa()),
                                   [&] { return kernels::make_reduction(shape, lowering.isa()); });
  const std::string name(kernel->name());
  const std::int64_t elements = x.numel();
  const int threads =
      useful_threads(8 * elements, elements * static_cast<std::int64_t>(size_of(x.dtype)), kernel->items());
  lowering.add(kernel_step(std::move(kernel), threads,
                           [from = x.slot, to = y.slot](const kernels::Reduction& run, const RunContext& context,
                                                        std::int64_t begin, std::int64_t end, int) noexcept {
                             run.run(context.at<const void>(from), context.at<void>(to), begin, end);
                           }),
               node, {name, elements, 0});
}

}  // namespace wherry::runtime
