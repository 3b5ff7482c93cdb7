// Chooses the loops around a copy: contiguous runs, transposed blocks, or element by element.

#include "kernels/copy/copy.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "base/check.h"
#include "base/checked_math.h"
#include "kernels/copy/copy_kernels.h"
#include "kernels/elementwise/loop_order.h"

namespace wherry::kernels {
namespace {

constexpr std::int64_t kItemBytes = 16 * 1024;

const CopyKernels& kernels_for(base::Isa isa) {
  const CopyKernels* best = &kCopyReference;
#define WHERRY_COPY_KERNELS(set, table) \
  if (base::includes(isa, base::Isa::set)) best = &table;
#include "kernels/copy/kernels.inc"
#undef WHERRY_COPY_KERNELS
  return *best;
}

bool is_empty(const std::vector<std::int64_t>& sizes) { return std::count(sizes.begin(), sizes.end(), 0) > 0; }

/// Two inner dimensions cut into blocks of about an item's size, and the loops around them.
struct Blocks {
  LoopOrder outer;
  LoopOrder::Dimension rows, columns;  // operand 0 is the destination, 1 the source
  std::int64_t row_block = 1, column_block = 1, row_blocks = 0, column_blocks = 0;

  void cut(std::int64_t elements, std::int64_t most_columns) {
    column_block = std::max<std::int64_t>(std::min({columns.size, elements, most_columns}), 1);
    row_block = std::max<std::int64_t>(elements / column_block, 1);
    row_blocks = base::ceil_div(rows.size, row_block);
    column_blocks = base::ceil_div(columns.size, column_block);
  }
  std::int64_t items() const { return outer.steps() * row_blocks * column_blocks; }

  struct Block {
    std::int64_t rows, columns;
    std::int64_t offsets[2];
  };
  Block at(std::int64_t item) const noexcept {
    const std::int64_t column = item % column_blocks * column_block;
    const std::int64_t row = item / column_blocks % row_blocks * row_block;
    const std::int64_t step = item / column_blocks / row_blocks;
    Block block = {std::min(row_block, rows.size - row), std::min(column_block, columns.size - column), {}};
    for (std::size_t k = 0; k < rows.strides.size(); ++k)
      block.offsets[k] = outer.offset(k, step) + row * rows.strides[k] + column * columns.strides[k];
    return block;
  }
};

template <typename T>
void copy_strided(void* to, const void* from, const Blocks& blocks, const Blocks::Block& block) {
  T* y = static_cast<T*>(to) + block.offsets[0];
  const T* x = static_cast<const T*>(from) + block.offsets[1];
  for (std::int64_t i = 0; i < block.rows; ++i)
    for (std::int64_t j = 0; j < block.columns; ++j)
      y[i * blocks.rows.strides[0] + j * blocks.columns.strides[0]] =
          x[i * blocks.rows.strides[1] + j * blocks.columns.strides[1]];
}

template <typename T>
void fill_strided(void* to, const void* value, const Blocks& blocks, const Blocks::Block& block) {
  T* y = static_cast<T*>(to) + block.offsets[0];
  T element;
  std::memcpy(&element, value, sizeof(T));
  for (std::int64_t i = 0; i < block.rows; ++i) {
    T* row = y + i * blocks.rows.strides[0];
    if (blocks.columns.strides[0] == 1)
      std::fill_n(row, block.columns, element);
    else
      for (std::int64_t j = 0; j < block.columns; ++j) row[j * blocks.columns.strides[0]] = element;
  }
}

/// The instance of a template over element types of 1, 2, 4 or 8 bytes.
#define WHERRY_BY_SIZE(function, bytes)     \
  ((bytes) == 1   ? function<std::uint8_t>  \
   : (bytes) == 2 ? function<std::uint16_t> \
   : (bytes) == 4 ? function<std::uint32_t> \
                  : function<std::uint64_t>)

bool is_element_size(std::int64_t bytes) { return bytes == 1 || bytes == 2 || bytes == 4 || bytes == 8; }

class BlockedCopy final : public Copy {
 public:
  BlockedCopy(const CopyShape& shape, base::Isa isa) : kernels_(kernels_for(isa)), bytes_(shape.element_bytes) {
    WHERRY_CHECK(is_element_size(bytes_));
    const std::int64_t elements = kItemBytes / bytes_;
    blocks_.outer = order_loops(shape.sizes, {shape.destination_strides, shape.source_strides});
    blocks_.columns = blocks_.outer.take_innermost();
    const auto& columns = blocks_.columns;
    if (columns.strides[0] == 1 && columns.strides[1] == 1) {
      kind_ = Kind::rows;
      blocks_.rows = blocks_.outer.take_innermost();
      blocks_.cut(elements, elements);
    } else {
      // The source's own innermost dimension makes the other side of the block.
      const auto& source = blocks_.outer.strides[1];
      const auto contiguous = std::find(source.begin(), source.end(), 1);
      const bool transposed = columns.strides[0] == 1 && contiguous != source.end();
      kind_ = transposed && bytes_ == 4 ? Kind::transpose : Kind::strided;
      if (transposed)
        blocks_.rows = blocks_.outer.take(contiguous - source.begin());
      else
        blocks_.rows = blocks_.outer.take_innermost();
      blocks_.cut(elements, transposed ? 64 : elements);
    }
    strided_ = WHERRY_BY_SIZE(copy_strided, bytes_);
    items_ = is_empty(shape.sizes) ? 0 : blocks_.items();
    const char* const names[] = {"copy_rows_", "copy_transpose_", "copy_strided_"};
    name_ =
        names[static_cast<int>(kind_)] + std::string(base::name_of(kind_ == Kind::strided ? base::Isa::scalar : isa));
  }

  std::string_view name() const override { return name_; }
  std::int64_t items() const override { return items_; }

  void run(const void* source, void* destination, std::int64_t begin, std::int64_t end) const noexcept override {
    for (std::int64_t item = begin; item < end; ++item) {
      const Blocks::Block block = blocks_.at(item);
      auto* y = static_cast<std::byte*>(destination) + block.offsets[0] * bytes_;
      const auto* x = static_cast<const std::byte*>(source) + block.offsets[1] * bytes_;
      switch (kind_) {
        case Kind::rows:
          kernels_.rows(y, blocks_.rows.strides[0] * bytes_, x, blocks_.rows.strides[1] * bytes_, block.rows,
                        block.columns * bytes_);
          break;
        case Kind::transpose:
          kernels_.transpose4(y, blocks_.rows.strides[0], x, blocks_.columns.strides[1], block.rows, block.columns);
          break;
        case Kind::strided: strided_(destination, source, blocks_, block); break;
      }
    }
  }

 private:
  enum class Kind { rows, transpose, strided };
  const CopyKernels& kernels_;
  std::int64_t bytes_;
  Kind kind_ = Kind::rows;
  Blocks blocks_;
  void (*strided_)(void*, const void*, const Blocks&, const Blocks::Block&) = nullptr;
  std::int64_t items_ = 0;
  std::string name_;
};

class BlockedFill final : public Fill {
 public:
  explicit BlockedFill(const FillShape& shape) {
    WHERRY_CHECK(is_element_size(shape.element_bytes));
    blocks_.outer = order_loops(shape.sizes, {shape.strides});
    blocks_.columns = blocks_.outer.take_innermost();
    blocks_.rows = blocks_.outer.take_innermost();
    blocks_.cut(kItemBytes / shape.element_bytes, kItemBytes);
    fill_ = WHERRY_BY_SIZE(fill_strided, shape.element_bytes);
    items_ = is_empty(shape.sizes) ? 0 : blocks_.items();
  }

  std::string_view name() const override { return "fill_scalar"; }
  std::int64_t items() const override { return items_; }

  void run(const void* value, void* destination, std::int64_t begin, std::int64_t end) const noexcept override {
    for (std::int64_t item = begin; item < end; ++item) fill_(destination, value, blocks_, blocks_.at(item));
  }

 private:
  Blocks blocks_;
  void (*fill_)(void*, const void*, const Blocks&, const Blocks::Block&) = nullptr;
  std::int64_t items_ = 0;
};

}  // namespace

std::unique_ptr<const Copy> make_copy(const CopyShape& shape, base::Isa isa) {
  return std::make_unique<BlockedCopy>(shape, isa);
}

/// Plain loops reach memory speed: every instruction set shares them.
std::unique_ptr<const Fill> make_fill(const FillShape& shape, base::Isa) {
  return std::make_unique<BlockedFill>(shape);
}

}  // namespace wherry::kernels
