// Dimensions that lie together in memory are merged first, so most permutations become a batch of 2-d transposes.

#include "passes/constant/strided_copy.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"

namespace wherry::passes::constant {
namespace {

struct Shape {
  Dims sizes;
  Dims from;  ///< strides of the source
  Dims to;    ///< strides of the destination
};

/// Drops dimensions of size 1 and merges neighbours that both sides step through as one.
Shape merged(const Dims& sizes, const Dims& strides) {
  const Dims to = contiguous_strides(sizes);
  Shape out;
  for (std::size_t d = 0; d < sizes.size(); ++d) {
    if (sizes[d] == 1) continue;
    if (!out.sizes.empty() && out.from.back() == strides[d] * sizes[d] && out.to.back() == to[d] * sizes[d]) {
      out.sizes.back() *= sizes[d];
      out.from.back() = strides[d];
      out.to.back() = to[d];
    } else {
      out.sizes.push_back(sizes[d]);
      out.from.push_back(strides[d]);
      out.to.push_back(to[d]);
    }
  }
  if (out.sizes.empty()) out = {{1}, {1}, {1}};
  return out;
}

template <typename T>
void copy_rows(T* to, const T* from, std::int64_t rows, std::int64_t to_row, std::int64_t from_row,
               std::int64_t columns, std::int64_t from_column) {
  constexpr std::int64_t kBlock = 16;
  if (from_column == 1) {
    for (std::int64_t r = 0; r < rows; ++r)
      std::memcpy(to + r * to_row, from + r * from_row, static_cast<std::size_t>(columns) * sizeof(T));
    return;
  }
  for (std::int64_t r0 = 0; r0 < rows; r0 += kBlock) {
    const std::int64_t r1 = std::min(rows, r0 + kBlock);
    for (std::int64_t c0 = 0; c0 < columns; c0 += kBlock) {
      const std::int64_t c1 = std::min(columns, c0 + kBlock);
      for (std::int64_t r = r0; r < r1; ++r)
        for (std::int64_t c = c0; c < c1; ++c) to[r * to_row + c] = from[r * from_row + c * from_column];
    }
  }
}

template <typename T>
void copy(Tensor& result, const Tensor& tensor, const Shape& shape) {
  T* to = static_cast<T*>(result.mutable_data());
  const T* from = static_cast<const T*>(tensor.data());
  const std::size_t rank = shape.sizes.size();
  const std::size_t column = rank - 1;
  // The rows of the 2-d blocks: the dimension that is dense in the source, so both sides stay within cache lines.
  std::size_t row = rank > 1 ? rank - 2 : rank;
  for (std::size_t d = 0; d + 1 < rank; ++d)
    if (shape.from[d] == 1) row = d;
  Dims index(rank, 0);
  for (;;) {
    std::int64_t at = 0, source = 0;
    for (std::size_t d = 0; d < rank; ++d) {
      at += index[d] * shape.to[d];
      source += index[d] * shape.from[d];
    }
    if (row < rank)
      copy_rows(to + at, from + source, shape.sizes[row], shape.to[row], shape.from[row], shape.sizes[column],
                shape.from[column]);
    else
      copy_rows(to + at, from + source, 1, 0, 0, shape.sizes[column], shape.from[column]);
    std::size_t d = rank;
    while (d-- > 0) {
      if (d == row || d == column) continue;
      if (++index[d] < shape.sizes[d]) break;
      index[d] = 0;
    }
    if (d == static_cast<std::size_t>(-1)) return;
  }
}

}  // namespace

Tensor materialize(const Tensor& tensor) {
  if (tensor.is_contiguous()) return tensor.contiguous();
  Tensor result = Tensor::empty(tensor.dtype(), tensor.sizes());
  if (result.numel() == 0) return result;
  const Shape shape = merged(tensor.sizes(), tensor.strides());
  switch (size_of(tensor.dtype())) {
    case 1: copy<std::uint8_t>(result, tensor, shape); break;
    case 2: copy<std::uint16_t>(result, tensor, shape); break;
    case 4: copy<std::uint32_t>(result, tensor, shape); break;
    default: copy<std::uint64_t>(result, tensor, shape); break;
  }
  return result;
}

}  // namespace wherry::passes::constant
