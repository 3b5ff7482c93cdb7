// One element at a time, in index order.

#include "kernels/elementwise/elementwise.h"
#include "tensor/elements.h"

namespace wherry::kernels {
namespace {

/// Calls body(offsets) for every index; offsets[k] is operand k's element.
template <typename Body>
void for_each_index(const ElementwiseShape& shape, Body&& body) {
  std::vector<std::int64_t> index(shape.sizes.size(), 0);
  for (const std::int64_t size : shape.sizes)
    if (size == 0) return;
  for (;;) {
    body(index);
    std::size_t d = index.size();
    while (d > 0 && ++index[d - 1] == shape.sizes[d - 1]) index[--d] = 0;
    if (d == 0) return;
  }
}

std::int64_t offset_of(const std::vector<std::int64_t>& index, const std::vector<std::int64_t>& strides) {
  std::int64_t offset = 0;
  for (std::size_t d = 0; d < index.size(); ++d) offset += index[d] * strides[d];
  return offset;
}

}  // namespace

void elementwise_reference(const expression::Program& program, const ElementwiseShape& shape,
                           const void* const* operands, void* destination) {
  std::vector<double> values(shape.operand_strides.size());
  std::vector<std::int64_t> integers(shape.operand_strides.size());
  for_each_index(shape, [&](const std::vector<std::int64_t>& index) {
    for (std::size_t k = 0; k < values.size(); ++k) {
      const std::int64_t at = offset_of(index, shape.operand_strides[k]);
      if (program.compute == expression::Compute::i64)
        integers[k] = tensor::load_int(operands[k], shape.operand_dtypes[k], at);
      else
        values[k] = tensor::load_double(operands[k], shape.operand_dtypes[k], at);
    }
    const std::int64_t at = offset_of(index, shape.destination_strides);
    if (program.compute == expression::Compute::i64)
      tensor::store_int(destination, shape.destination_dtype, at, expression::evaluate(program, integers));
    else
      tensor::store_double(destination, shape.destination_dtype, at, expression::evaluate(program, values));
  });
}

}  // namespace wherry::kernels
