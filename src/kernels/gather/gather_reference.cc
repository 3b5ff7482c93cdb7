// One byte at a time.

#include "kernels/gather/gather.h"
#include "tensor/elements.h"

namespace wherry::kernels {

std::int64_t gather_reference(const GatherShape& shape, const void* table, const void* indices, void* y) {
  std::int64_t first_bad = -1;
  const auto* from = static_cast<const unsigned char*>(table);
  auto* to = static_cast<unsigned char*>(y);
  for (std::int64_t o = 0; o < shape.outer; ++o)
    for (std::int64_t i = 0; i < shape.count; ++i) {
      std::int64_t index = tensor::load_int(indices, shape.index_dtype, i * shape.index_stride);
      if (index < 0 && shape.negative_wraps) index += shape.table_rows;
      const bool good = 0 <= index && index < shape.table_rows;
      if (!good && first_bad == -1) first_bad = i;
      for (std::int64_t b = 0; b < shape.row_elements * shape.element_bytes; ++b)
        to[(o * shape.y_outer_stride + i * shape.y_row_stride) * shape.element_bytes + b] =
            good ? from[(o * shape.table_outer_stride + index * shape.table_row_stride) * shape.element_bytes + b] : 0;
    }
  return first_bad;
}

}  // namespace wherry::kernels
