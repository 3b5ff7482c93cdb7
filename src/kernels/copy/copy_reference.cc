// Copies and fills one element at a time, in index order, and the inner loops of copies in plain C++.

#include <cstring>

#include "kernels/copy/copy.h"
#include "kernels/copy/copy_kernels.h"

namespace wherry::kernels {
namespace {

template <typename Body>
void for_each_index(const std::vector<std::int64_t>& sizes, Body&& body) {
  for (const std::int64_t size : sizes)
    if (size == 0) return;
  std::vector<std::int64_t> index(sizes.size(), 0);
  for (;;) {
    body(index);
    std::size_t d = index.size();
    while (d > 0 && ++index[d - 1] == sizes[d - 1]) index[--d] = 0;
    if (d == 0) return;
  }
}

std::int64_t offset_of(const std::vector<std::int64_t>& index, const std::vector<std::int64_t>& strides) {
  std::int64_t offset = 0;
  for (std::size_t d = 0; d < index.size(); ++d) offset += index[d] * strides[d];
  return offset;
}

void copy_rows(void* y, std::int64_t y_stride, const void* x, std::int64_t x_stride, std::int64_t rows,
               std::int64_t bytes) noexcept {
  for (std::int64_t i = 0; i < rows; ++i)
    std::memcpy(static_cast<std::byte*>(y) + i * y_stride, static_cast<const std::byte*>(x) + i * x_stride,
                static_cast<std::size_t>(bytes));
}

void transpose4(void* y, std::int64_t y_stride, const void* x, std::int64_t x_stride, std::int64_t rows,
                std::int64_t columns) noexcept {
  for (std::int64_t i = 0; i < rows; ++i)
    for (std::int64_t j = 0; j < columns; ++j)
      static_cast<std::uint32_t*>(y)[i * y_stride + j] = static_cast<const std::uint32_t*>(x)[j * x_stride + i];
}

}  // namespace

constinit const CopyKernels kCopyReference = {copy_rows, transpose4};

void copy_reference(const CopyShape& shape, const void* source, void* destination) {
  for_each_index(shape.sizes, [&](const std::vector<std::int64_t>& index) {
    std::memcpy(
        static_cast<std::byte*>(destination) + offset_of(index, shape.destination_strides) * shape.element_bytes,
        static_cast<const std::byte*>(source) + offset_of(index, shape.source_strides) * shape.element_bytes,
        static_cast<std::size_t>(shape.element_bytes));
  });
}

void fill_reference(const FillShape& shape, const void* value, void* destination) {
  for_each_index(shape.sizes, [&](const std::vector<std::int64_t>& index) {
    std::memcpy(static_cast<std::byte*>(destination) + offset_of(index, shape.strides) * shape.element_bytes, value,
                static_cast<std::size_t>(shape.element_bytes));
  });
}

}  // namespace wherry::kernels
