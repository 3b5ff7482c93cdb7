// Pooling over fixed and adaptive windows of channels-last images.

#include "kernels/pool/pool.h"

#include "runtime/lowering.h"
#include "runtime/steps/kernel_step.h"
#include "runtime/strides.h"

namespace wherry::runtime {
namespace {

void add_pool(const ir::Node& node, kernels::PoolShape shape, Lowering& lowering) {
  const DType dtype = node.input(0)->type().dtype;
  if (dtype != DType::bf16) require_f32(node);
  shape.dtype = dtype;
  const std::string& mode = node.text("mode");
  if (mode != "max" && mode != "avg") unsupported(node, fmt::format("mode {}; wherry pools max and avg", mode));
  shape.mode = mode == "max" ? kernels::PoolMode::max : kernels::PoolMode::average;

  Operand x = lowering.operand(node.input(0));
  if (x.sizes[1] != 1 && x.strides[1] != 1) x = lowering.with_strides(x, channels_last_strides(x.sizes), node);
  const Operand result = lowering.result(node);
  const bool direct = result.sizes[1] == 1 || result.strides[1] == 1;
  Operand y = result;
  if (!direct) {
    y.slot = lowering.scratch(y.numel() * static_cast<std::int64_t>(size_of(dtype)));
    y.strides = channels_last_strides(y.sizes);
  }
  shape.batch = x.sizes[0], shape.channels = x.sizes[1];
  shape.in_height = x.sizes[2], shape.in_width = x.sizes[3];
  shape.out_height = y.sizes[2], shape.out_width = y.sizes[3];
  shape.x_batch_stride = x.strides[0], shape.x_row_stride = x.strides[2], shape.x_column_stride = x.strides[3];
  shape.y_batch_stride = y.strides[0], shape.y_row_stride = y.strides[2], shape.y_column_stride = y.strides[3];

  const std::int64_t window = shape.adaptive
                                  ? (shape.in_height / shape.out_height + 1) * (shape.in_width / shape.out_width + 1)
                                  : shape.kernel_h * shape.kernel_w;
  const base::Isa isa = lowering.isa_for(dtype);
  auto kernel = lowering.primitive(primitive_key(shape, isa), [&] { return kernels::make_pool(shape, isa); });
  const std::string name(kernel->name());
  const std::int64_t flops = y.numel() * window;
  const int threads = useful_threads(4 * flops, 4 * (x.numel() + y.numel()), kernel->items());
  lowering.add(kernel_step(std::move(kernel), threads,
                           [from = x.slot, to = y.slot](const kernels::Pool& run, const RunContext& context,
                                                        std::int64_t begin, std::int64_t end, int) noexcept {
                             run.run(context.at<const void>(from), context.at<void>(to), begin, end);
                           }),
               node, {name, flops, 0});
  if (!direct) lowering.add_copy(y, result, &node);
}

}  // namespace

void lower_pool(const ir::Node& node, Lowering& lowering) {
  const Dims& kernel = node.integers("kernel");
  const Dims& stride = node.integers("stride");
  const Dims& padding = node.integers("padding");
  const Dims& dilation = node.integers("dilation");
  kernels::PoolShape shape;
  shape.kernel_h = kernel[0], shape.kernel_w = kernel[1];
  shape.stride_h = stride[0], shape.stride_w = stride[1];
  shape.pad_top = padding[0], shape.pad_bottom = padding[1], shape.pad_left = padding[2], shape.pad_right = padding[3];
  shape.dilation_h = dilation[0], shape.dilation_w = dilation[1];
  shape.count_include_pad = node.has("count_include_pad") && node.flag("count_include_pad");
  shape.divisor = node.has("divisor") ? node.integer("divisor") : 0;
  add_pool(node, shape, lowering);
}

void lower_adaptive_pool(const ir::Node& node, Lowering& lowering) {
  kernels::PoolShape shape;
  shape.adaptive = true;
  add_pool(node, shape, lowering);
}

}  // namespace wherry::runtime
