#include "kernels/softmax/softmax.h"

#include <string>

#include "kernels/elementwise/loop_order.h"
#include "kernels/softmax/softmax_kernels.h"
#include "kernels/softmax/softmax_strided.h"

namespace wherry::kernels {
namespace {

const SoftmaxKernels& kernels_for(base::Isa isa) {
  const SoftmaxKernels* best = &kSoftmaxReference;
#define WHERRY_SOFTMAX_KERNELS(set, table) \
  if (base::includes(isa, base::Isa::set)) best = &table;
#include "kernels/softmax/kernels.inc"
#undef WHERRY_SOFTMAX_KERNELS
  return *best;
}

class RowSoftmax final : public Softmax {
 public:
  RowSoftmax(const SoftmaxShape& shape, base::Isa isa)
      : rows_(order_loops(shape.outer_sizes, {shape.y_outer_strides, shape.x_outer_strides})),
        columns_(shape.columns),
        x_stride_(shape.x_stride),
        y_stride_(shape.y_stride),
        log_(shape.log) {
    const bool dense = columns_ <= 1 || (x_stride_ == 1 && y_stride_ == 1);
    if (dense) row_ = log_ ? kernels_for(isa).log_softmax : kernels_for(isa).softmax;
    name_ = std::string(log_ ? "log_softmax_" : "softmax_") + (dense ? "" : "strided_") +
            std::string(base::name_of(dense ? isa : base::Isa::scalar));
  }

  std::string_view name() const override { return name_; }
  std::int64_t items() const override { return columns_ == 0 ? 0 : rows_.steps(); }

  void run(const float* x, float* y, std::int64_t begin, std::int64_t end) const noexcept override {
    for (std::int64_t row = begin; row < end; ++row) {
      float* to = y + rows_.offset(0, row);
      const float* from = x + rows_.offset(1, row);
      if (row_ != nullptr)
        row_(to, from, columns_);
      else
        softmax_strided<float>(to, y_stride_, from, x_stride_, columns_, log_);
    }
  }

 private:
  LoopOrder rows_;  // operand 0 is y
  std::int64_t columns_, x_stride_, y_stride_;
  bool log_;
  void (*row_)(float*, const float*, std::int64_t) noexcept = nullptr;
  std::string name_;
};

}  // namespace

std::unique_ptr<const Softmax> make_softmax(const SoftmaxShape& shape, base::Isa isa) {
  return std::make_unique<RowSoftmax>(shape, isa);
}

}  // namespace wherry::kernels
