#include "passes/layout/memory_order.h"

#include <algorithm>
#include <numeric>

namespace wherry::passes::layout {

Order row_major(std::size_t rank) {
  Order order(rank);
  std::iota(order.begin(), order.end(), std::size_t{0});
  return order;
}

Order channels_last() { return {0, 2, 3, 1}; }

Dims dense_strides(const Dims& sizes, const Order& order) {
  Dims strides(sizes.size(), 1);
  std::int64_t stride = 1;
  for (std::size_t i = order.size(); i-- > 0;) {
    strides[order[i]] = stride;
    stride *= std::max<std::int64_t>(sizes[order[i]], 1);
  }
  return strides;
}

namespace {

/// Whether walking memory in `order` never steps less far outside than inside.
bool descends(const Dims& sizes, const Dims& strides, const Order& order) {
  std::int64_t last = -1;
  for (const std::size_t d : order) {
    if (sizes[d] == 1 || strides[d] == 0) continue;
    if (last >= 0 && strides[d] > last) return false;
    last = strides[d];
  }
  return true;
}

}  // namespace

Order order_of(const Dims& sizes, const Dims& strides) {
  const std::size_t rank = sizes.size();
  if (rank == 4 && descends(sizes, strides, channels_last())) return channels_last();
  Order order = row_major(rank);
  if (descends(sizes, strides, order)) return order;
  // A dimension that is never stepped through stays beside its neighbour: it takes the stride of the one before it.
  std::vector<std::int64_t> rank_by(rank);
  for (std::size_t d = 0; d < rank; ++d) {
    const bool idle = sizes[d] == 1 || strides[d] == 0;
    rank_by[d] = !idle ? strides[d] : d > 0 ? rank_by[d - 1] : INT64_MAX;
  }
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return rank_by[a] != rank_by[b] ? rank_by[a] > rank_by[b] : a < b; });
  return order;
}

bool follows(const Dims& sizes, const Dims& strides, const Order& order) {
  const Dims wanted = dense_strides(sizes, order);
  if (element_count(sizes) == 0) return true;
  for (std::size_t d = 0; d < sizes.size(); ++d)
    if (sizes[d] != 1 && strides[d] != wanted[d]) return false;
  return true;
}

bool is_dense(const Dims& sizes, const Dims& strides) { return follows(sizes, strides, order_of(sizes, strides)); }

Order before_permute(const Order& order, const Dims& dims) {
  Order before;
  for (const std::size_t d : order) before.push_back(static_cast<std::size_t>(dims[d]));
  return before;
}

Order after_permute(const Order& order, const Dims& dims) {
  Order after;
  for (const std::size_t d : order)
    after.push_back(
        static_cast<std::size_t>(std::find(dims.begin(), dims.end(), static_cast<std::int64_t>(d)) - dims.begin()));
  return after;
}

Order before_reshape(const Order& order, const Dims& from, const Dims& to) {
  if (element_count(from) == 0) return row_major(from.size());
  // Groups of neighbouring dimensions with equal products on both sides, as narrow as they can be.
  std::vector<std::size_t> group_of(to.size());
  std::vector<std::vector<std::size_t>> members;  // of `from`, by group
  std::size_t i = 0, j = 0;
  while (i < from.size() || j < to.size()) {
    std::int64_t left = 1, right = 1;
    members.emplace_back();
    const auto take_left = [&] {
      left *= from[i];
      members.back().push_back(i++);
    };
    const auto take_right = [&] {
      right *= to[j];
      group_of[j++] = members.size() - 1;
    };
    if (i < from.size()) take_left();
    if (j < to.size()) take_right();
    while (left != right) {
      if (left < right)
        take_left();
      else
        take_right();
    }
  }
  Order before;
  std::vector<bool> done(members.size(), false);
  for (const std::size_t d : order) {
    const std::size_t g = group_of[d];
    if (done[g]) continue;
    done[g] = true;
    before.insert(before.end(), members[g].begin(), members[g].end());
  }
  for (std::size_t g = 0; g < members.size(); ++g)
    if (!done[g]) before.insert(before.end(), members[g].begin(), members[g].end());
  return before;
}

}  // namespace wherry::passes::layout
