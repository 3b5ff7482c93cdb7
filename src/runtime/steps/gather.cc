// Rows of a table by index. Indices are data, so this is the one step that can meet values it must refuse.

#include "kernels/gather/gather.h"

#include "runtime/lowering.h"
#include "runtime/strides.h"

namespace wherry::runtime {
namespace {

class GatherStep final : public Step {
 public:
  GatherStep(std::shared_ptr<const kernels::Gather> kernel, Slot table, Slot indices, Slot y, std::int64_t rows,
             int threads)
      : kernel_(std::move(kernel)), table_(table), indices_(indices), y_(y), rows_(rows) {
    max_threads_ = threads;
  }

  void run(const RunContext& context, int thread, int threads) const noexcept override {
    const auto [begin, end] = part_of(kernel_->items(), thread, threads);
    if (begin >= end) return;
    const std::int64_t bad = kernel_->run(context.at<const void>(table_), context.at<const void>(indices_),
                                          context.at<void>(y_), begin, end);
    if (bad >= 0) context.failed->store(this);
  }

  std::string failure() const override {
    return fmt::format("found an index outside of the table, which has {} rows", rows_);
  }

 private:
  std::shared_ptr<const kernels::Gather> kernel_;
  Slot table_, indices_, y_;
  std::int64_t rows_;
};

}  // namespace

void lower_gather(const ir::Node& node, Lowering& lowering) {
  Operand table = lowering.operand(node.input(0));
  Operand indices = lowering.operand(node.input(1));
  const Operand result = lowering.result(node);
  if (indices.dtype != DType::i64 && indices.dtype != DType::i32) {
    unsupported(node, fmt::format("{} indices; wherry takes int64 and int32", name_of(indices.dtype)));
  }
  const auto dim = static_cast<std::size_t>(node.integer("dim"));
  const std::size_t index_rank = indices.sizes.size();

  // The kernel sees [outer, row, elements]: the dimensions before, at, and after `dim`, each with one stride.
  const auto fits = [](const Operand& operand, std::size_t before, std::size_t after) {
    const auto row = joint_stride(operand.sizes, operand.strides, after, operand.sizes.size());
    return joint_stride(operand.sizes, operand.strides, 0, before) &&
           joint_stride(operand.sizes, operand.strides, before, after) && row && (*row == 1 || *row == 0);
  };
  if (!fits(table, dim, dim + 1)) table = lowering.with_strides(table, contiguous_strides(table.sizes), node);
  if (!joint_stride(indices.sizes, indices.strides, 0, index_rank)) {
    indices = lowering.with_strides(indices, contiguous_strides(indices.sizes), node);
  }
  const bool direct = fits(result, dim, dim + index_rank);
  Operand y = result;
  if (!direct) {
    y.slot = lowering.scratch(y.numel() * static_cast<std::int64_t>(size_of(y.dtype)));
    y.strides = contiguous_strides(y.sizes);
  }

  kernels::GatherShape shape;
  shape.table_rows = table.sizes[dim];
  shape.count = indices.numel();
  shape.outer = element_count(Dims(table.sizes.begin(), table.sizes.begin() + static_cast<std::ptrdiff_t>(dim)));
  shape.row_elements =
      element_count(Dims(table.sizes.begin() + static_cast<std::ptrdiff_t>(dim) + 1, table.sizes.end()));
  shape.element_bytes = static_cast<std::int64_t>(size_of(table.dtype));
  shape.table_outer_stride = *joint_stride(table.sizes, table.strides, 0, dim);
  shape.table_row_stride = table.strides[dim];
  shape.y_outer_stride = *joint_stride(y.sizes, y.strides, 0, dim);
  shape.y_row_stride = *joint_stride(y.sizes, y.strides, dim, dim + index_rank);
  shape.index_dtype = indices.dtype;
  shape.index_stride = *joint_stride(indices.sizes, indices.strides, 0, index_rank);
  shape.negative_wraps = true;
  auto kernel = lowering.primitive(primitive_key(shape, lowering.isa()),
                                   [&] { return kernels::make_gather(shape, lowering.isa()); });
  const std::string name(kernel->name());
  const int threads = useful_threads(0, 2 * y.numel() * shape.element_bytes, kernel->items());
  lowering.add(
      std::make_unique<GatherStep>(std::move(kernel), table.slot, indices.slot, y.slot, shape.table_rows, threads),
      node, {name, 0, 0});
  if (!direct) lowering.add_copy(y, result, &node);
}

}  // namespace wherry::runtime
