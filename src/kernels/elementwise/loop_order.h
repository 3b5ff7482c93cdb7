#pragma once
// A nest of loops over strided operands in as few dimensions as they allow, in the order of one operand's memory: what
// elementwise programs, copies, reductions and row kernels walk.

#include <cstdint>
#include <vector>

namespace wherry::kernels {

struct LoopOrder {
  std::vector<std::int64_t> sizes;                 ///< outermost first; none of size 1; empty where one step is all
  std::vector<std::vector<std::int64_t>> strides;  ///< one list an operand, as long as sizes

  std::int64_t rank() const { return static_cast<std::int64_t>(sizes.size()); }
  /// Product of sizes; 0 where one is 0.
  std::int64_t steps() const;
  /// Element offset of an operand at step `step`, counted row-major over sizes.
  std::int64_t offset(std::size_t operand, std::int64_t step) const noexcept;
  /// Takes a dimension out; its size and strides (one an operand) are returned. Of rank 0: size 1, strides 1.
  struct Dimension {
    std::int64_t size = 1;
    std::vector<std::int64_t> strides;
  };
  Dimension take(std::int64_t dimension);
  /// The innermost dimension, taken out.
  Dimension take_innermost() { return take(rank() - 1); }
};

/// `strides[k]` has one entry per size. Dimensions are sorted so that the strides of operand 0 (then 1, …) fall, those
/// of size 1 dropped, neighbours merged where every operand steps through them evenly.
LoopOrder order_loops(const std::vector<std::int64_t>& sizes, const std::vector<std::vector<std::int64_t>>& strides);

/// The same without sorting: the steps count in the given dimensions' row-major order.
LoopOrder merge_loops(const std::vector<std::int64_t>& sizes, const std::vector<std::vector<std::int64_t>>& strides);

}  // namespace wherry::kernels
