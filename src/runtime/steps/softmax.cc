// Softmax and log-softmax along one dimension.

#include "kernels/softmax/softmax.h"

#include "runtime/lowering.h"
#include "runtime/steps/kernel_step.h"

namespace wherry::runtime {

void lower_softmax(const ir::Node& node, Lowering& lowering) {
  require_f32(node);
  const Operand x = lowering.operand(node.input(0));
  const Operand y = lowering.result(node);
  kernels::SoftmaxShape shape;
  shape.log = node.flag("log");
  const auto dim = static_cast<std::size_t>(node.integer("dim"));
  for (std::size_t i = 0; i < x.sizes.size(); ++i) {
    if (i == dim) {
      shape.columns = x.sizes[i], shape.x_stride = x.strides[i], shape.y_stride = y.strides[i];
    } else {
      shape.outer_sizes.push_back(x.sizes[i]);
      shape.x_outer_strides.push_back(x.strides[i]);
      shape.y_outer_strides.push_back(y.strides[i]);
    }
  }
  auto kernel = lowering.primitive(primitive_key(shape, lowering.isa()),
                                   [&] { return kernels::make_softmax(shape, lowering.isa()); });
  const std::string name(kernel->name());
  const std::int64_t elements = y.numel();
  const int threads = useful_threads(40 * elements, 8 * elements, kernel->items());
  lowering.add(kernel_step(std::move(kernel), threads,
                           [from = x.slot, to = y.slot](const kernels::Softmax& run, const RunContext& context,
                                                        std::int64_t begin, std::int64_t end, int) noexcept {
                             run.run(context.at<const float>(from), context.at<float>(to), begin, end);
                           }),
               node, {name, 5 * elements, 0});
}

}  // namespace wherry::runtime
