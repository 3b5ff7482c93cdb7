#include "kernels/elementwise/elementwise.h"

#include <algorithm>
#include <string>

#include "base/check.h"
#include "base/checked_math.h"
#include "kernels/elementwise/loop_order.h"
#include "kernels/tile.h"

namespace wherry::kernels {
namespace {

/// Elements of an item: enough to pay for a call, few enough to share small tensors between threads.
constexpr std::int64_t kItemElements = 4096;

class TiledElementwise final : public Elementwise {
 public:
  TiledElementwise(const expression::Program& program, const ElementwiseShape& shape, base::Isa isa)
      : program_(make_tile_program(program, shape.operand_dtypes.data(), shape.destination_dtype, isa)),
        name_("elementwise_" + std::string(base::name_of(isa))) {
    WHERRY_CHECK_EQ(static_cast<int>(shape.operand_strides.size()), program.inputs);
    WHERRY_CHECK_EQ(static_cast<int>(shape.operand_dtypes.size()), program.inputs);
    std::vector<std::vector<std::int64_t>> strides = {shape.destination_strides};
    strides.insert(strides.end(), shape.operand_strides.begin(), shape.operand_strides.end());
    outer_ = order_loops(shape.sizes, strides);
    columns_ = outer_.take_innermost();
    rows_ = outer_.take_innermost();
    element_bytes_.push_back(static_cast<std::int64_t>(size_of(shape.destination_dtype)));
    for (const DType dtype : shape.operand_dtypes) element_bytes_.push_back(static_cast<std::int64_t>(size_of(dtype)));
    const bool empty = std::count(shape.sizes.begin(), shape.sizes.end(), 0) > 0;
    column_block_ = std::max<std::int64_t>(std::min(columns_.size, kItemElements), 1);
    row_block_ = std::max<std::int64_t>(kItemElements / column_block_, 1);
    column_blocks_ = base::ceil_div(columns_.size, column_block_);
    row_blocks_ = base::ceil_div(rows_.size, row_block_);
    items_ = empty ? 0 : outer_.steps() * row_blocks_ * column_blocks_;
  }

  std::string_view name() const override { return name_; }
  std::int64_t items() const override { return items_; }

  void run(const void* const* operands, void* destination, std::int64_t begin,
           std::int64_t end) const noexcept override {
    TileOperand tiles[256];
    const std::size_t inputs = element_bytes_.size() - 1;
    for (std::int64_t item = begin; item < end; ++item) {
      const std::int64_t column = item % column_blocks_ * column_block_;
      const std::int64_t row = item / column_blocks_ % row_blocks_ * row_block_;
      const std::int64_t step = item / column_blocks_ / row_blocks_;
      const auto bytes = [&](std::size_t k) {
        return (outer_.offset(k, step) + row * rows_.strides[k] + column * columns_.strides[k]) * element_bytes_[k];
      };
      for (std::size_t k = 1; k <= inputs; ++k)
        tiles[k - 1] = {static_cast<const std::byte*>(operands[k - 1]) + bytes(k), rows_.strides[k],
                        columns_.strides[k], element_bytes_[k]};
      program_->run(tiles, {static_cast<std::byte*>(destination) + bytes(0), rows_.strides[0], columns_.strides[0]},
                    std::min(row_block_, rows_.size - row), std::min(column_block_, columns_.size - column));
    }
  }

 private:
  std::unique_ptr<const TileProgram> program_;
  std::string name_;
  LoopOrder outer_;  // operand 0 is the destination
  LoopOrder::Dimension rows_, columns_;
  std::vector<std::int64_t> element_bytes_;
  std::int64_t row_block_ = 1, column_block_ = 1, row_blocks_ = 1, column_blocks_ = 1, items_ = 0;
};

}  // namespace

std::unique_ptr<const Elementwise> make_elementwise(const expression::Program& program, const ElementwiseShape& shape,
                                                    base::Isa isa) {
  return std::make_unique<TiledElementwise>(program, shape, isa);
}

}  // namespace wherry::kernels
