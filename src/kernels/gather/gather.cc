#include "kernels/gather/gather.h"

#include <cstring>

#include "base/check.h"

namespace wherry::kernels {
namespace {

std::int64_t index_at(const GatherShape& shape, const void* indices, std::int64_t i) {
  const std::int64_t at = i * shape.index_stride;
  return shape.index_dtype == DType::i64 ? static_cast<const std::int64_t*>(indices)[at]
                                         : static_cast<const std::int32_t*>(indices)[at];
}

/// Copies whole rows; a row's length decides all, so every instruction set shares it.
class RowGather final : public Gather {
 public:
  explicit RowGather(const GatherShape& shape) : shape_(shape) {
    WHERRY_CHECK(shape.index_dtype == DType::i64 || shape.index_dtype == DType::i32);
    WHERRY_CHECK(shape.element_bytes > 0);
  }

  std::string_view name() const override { return "gather_rows"; }
  std::int64_t items() const override { return shape_.outer * shape_.count; }

  std::int64_t run(const void* table, const void* indices, void* y, std::int64_t begin,
                   std::int64_t end) const noexcept override {
    std::int64_t first_bad = -1;
    const auto row_bytes = static_cast<std::size_t>(shape_.row_elements * shape_.element_bytes);
    for (std::int64_t item = begin; item < end; ++item) {
      const std::int64_t outer = item / shape_.count;
      const std::int64_t position = item % shape_.count;
      std::int64_t index = index_at(shape_, indices, position);
      if (shape_.negative_wraps && index < 0) index += shape_.table_rows;
      std::byte* to = static_cast<std::byte*>(y) +
                      (outer * shape_.y_outer_stride + position * shape_.y_row_stride) * shape_.element_bytes;
      if (index < 0 || index >= shape_.table_rows) {
        if (first_bad < 0 || position < first_bad) first_bad = position;
        std::memset(to, 0, row_bytes);
        continue;
      }
      std::memcpy(to,
                  static_cast<const std::byte*>(table) +
                      (outer * shape_.table_outer_stride + index * shape_.table_row_stride) * shape_.element_bytes,
                  row_bytes);
    }
    return first_bad;
  }

 private:
  GatherShape shape_;
};

}  // namespace

std::unique_ptr<const Gather> make_gather(const GatherShape& shape, base::Isa) {
  return std::make_unique<RowGather>(shape);
}

}  // namespace wherry::kernels
