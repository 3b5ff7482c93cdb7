#pragma once
// The order in which memory holds a tensor's dimensions, outermost first: {0, 1, 2, 3} is row-major, {0, 2, 3, 1} is
// channels-last.

#include <optional>
#include <vector>

#include "wherry/tensor.h"

namespace wherry::passes::layout {

using Order = std::vector<std::size_t>;

Order row_major(std::size_t rank);
/// Rank 4.
Order channels_last();

/// Strides of a tensor without gaps in this order.
Dims dense_strides(const Dims& sizes, const Order& order);

/// The order that these strides follow. Where several do (size-1 dimensions), channels-last before row-major before
/// others; repeated dimensions (stride 0) keep their place.
Order order_of(const Dims& sizes, const Dims& strides);

/// No gaps and no repeats, in any order.
bool is_dense(const Dims& sizes, const Dims& strides);

/// Whether the strides are those of `order` wherever they matter (sizes above 1).
bool follows(const Dims& sizes, const Dims& strides, const Order& order);

/// The memory order of x with which a permute(x, dims) comes out in `order`.
Order before_permute(const Order& order, const Dims& dims);
/// The memory order of permute(x, dims) for an x in `order`.
Order after_permute(const Order& order, const Dims& dims);

/// The memory order of x with which reshape(x) from `from` to `to` is a view that comes out in `order`, or as near to
/// it as a view can: dimensions that are split or merged together stay together, in row-major order.
Order before_reshape(const Order& order, const Dims& from, const Dims& to);

}  // namespace wherry::passes::layout
