#pragma once
// Moving elements without looking at them: strided copies (permutations, slices, concatenation, padding's interior) and
// fills (padding's border).

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "base/cpu.h"

namespace wherry::kernels {

/// y[i…] = x[i…] for every index of `sizes` (any rank; rank 0 is one element). Strides are in elements, one per
/// dimension, any sign; 0 in the source repeats. The destination's elements are distinct and do not overlap the source.
struct CopyShape {
  std::vector<std::int64_t> sizes;
  std::vector<std::int64_t> source_strides;
  std::vector<std::int64_t> destination_strides;
  std::int64_t element_bytes = 4;  ///< 1, 2, 4 or 8

  bool operator==(const CopyShape&) const = default;
};

/// A primitive: loop order and kernel chosen, no memory of its own, shareable between threads.
class Copy {
 public:
  virtual ~Copy() = default;
  /// "copy_rows_avx512" (contiguous runs), "copy_transpose_avx512" (2-d blocks), "copy_strided_scalar".
  virtual std::string_view name() const = 0;
  /// Work items of about equal size; any partition of [0, items()) gives the same result. 0 where a size is 0.
  virtual std::int64_t items() const = 0;
  /// `source` and `destination` address index 0 of every dimension.
  virtual void run(const void* source, void* destination, std::int64_t begin, std::int64_t end) const noexcept = 0;
};
std::unique_ptr<const Copy> make_copy(const CopyShape& shape, base::Isa isa);

/// y[i…] = value for every index of `sizes`.
struct FillShape {
  std::vector<std::int64_t> sizes;
  std::vector<std::int64_t> strides;
  std::int64_t element_bytes = 4;  ///< 1, 2, 4 or 8

  bool operator==(const FillShape&) const = default;
};

class Fill {
 public:
  virtual ~Fill() = default;
  virtual std::string_view name() const = 0;
  virtual std::int64_t items() const = 0;
  /// `value` points at one element in the destination's dtype.
  virtual void run(const void* value, void* destination, std::int64_t begin, std::int64_t end) const noexcept = 0;
};
std::unique_ptr<const Fill> make_fill(const FillShape& shape, base::Isa isa);

/// The oracles: one element at a time, in index order.
void copy_reference(const CopyShape& shape, const void* source, void* destination);
void fill_reference(const FillShape& shape, const void* value, void* destination);

}  // namespace wherry::kernels
