#pragma once
// Rows of a table by index: embedding, index_select.

#include <cstdint>
#include <memory>
#include <string_view>

#include "base/cpu.h"
#include "wherry/dtype.h"

namespace wherry::kernels {

/// y[o, i, :] = table[o, indices[i], :] for 0 ≤ o < outer, 0 ≤ i < count; a row is `row_elements` contiguous elements.
/// Indexing dimension d of a tensor: outer = product of the sizes before d, row_elements = product of those after it.
/// Strides are in elements.
struct GatherShape {
  std::int64_t outer = 1;
  std::int64_t table_rows = 0;  ///< size of the indexed dimension
  std::int64_t count = 0;       ///< number of indices
  std::int64_t row_elements = 1;
  std::int64_t element_bytes = 4;  ///< 1, 2, 4 or 8
  std::int64_t table_outer_stride = 0, table_row_stride = 0;
  std::int64_t y_outer_stride = 0, y_row_stride = 0;
  DType index_dtype = DType::i64;  ///< i64 or i32
  std::int64_t index_stride = 1;
  bool negative_wraps = false;  ///< −1 is the last row, as in x[…, i]; otherwise negative indices are out of range

  bool operator==(const GatherShape&) const = default;
};

/// A primitive: no memory of its own, shareable between threads.
class Gather {
 public:
  virtual ~Gather() = default;
  virtual std::string_view name() const = 0;  ///< "gather_rows"
  /// outer × count; any partition of [0, items()) gives the same result.
  virtual std::int64_t items() const = 0;
  /// Returns −1, or the position of the first index among these items that is out of range; its row of y, and only
  /// that of each such index, is filled with zero bytes.
  virtual std::int64_t run(const void* table, const void* indices, void* y, std::int64_t begin,
                           std::int64_t end) const noexcept = 0;
};
std::unique_ptr<const Gather> make_gather(const GatherShape& shape, base::Isa isa);

/// The oracle; returns what Gather::run does.
std::int64_t gather_reference(const GatherShape& shape, const void* table, const void* indices, void* y);

}  // namespace wherry::kernels
