#include "kernels/elementwise/loop_order.h"
#include "kernels/softmax/softmax.h"
#include "kernels/softmax/softmax_kernels.h"
#include "kernels/softmax/softmax_strided.h"

namespace wherry::kernels {
namespace {

template <bool log>
void dense_row(float* y, const float* x, std::int64_t n) noexcept {
  softmax_strided<float>(y, 1, x, 1, n, log);
}

}  // namespace

constinit const SoftmaxKernels kSoftmaxReference = {dense_row<false>, dense_row<true>};

void softmax_reference(const SoftmaxShape& shape, const float* x, float* y) {
  if (shape.columns == 0) return;
  const LoopOrder rows = merge_loops(shape.outer_sizes, {shape.y_outer_strides, shape.x_outer_strides});
  for (std::int64_t row = 0; row < rows.steps(); ++row)
    softmax_strided<double>(y + rows.offset(0, row), shape.y_stride, x + rows.offset(1, row), shape.x_stride,
                            shape.columns, shape.log);
}

}  // namespace wherry::kernels
