#include "kernels/elementwise/loop_order.h"

#include <algorithm>
#include <cstdlib>
#include <numeric>

#include "base/check.h"

namespace wherry::kernels {

std::int64_t LoopOrder::steps() const {
  return std::accumulate(sizes.begin(), sizes.end(), std::int64_t{1}, std::multiplies<>());
}

std::int64_t LoopOrder::offset(std::size_t operand, std::int64_t step) const noexcept {
  const auto& stride = strides[operand];
  std::int64_t offset = 0;
  for (std::size_t d = sizes.size(); d-- > 1;) {
    offset += step % sizes[d] * stride[d];
    step /= sizes[d];
  }
  return sizes.empty() ? 0 : offset + step * stride[0];
}

LoopOrder::Dimension LoopOrder::take(std::int64_t dimension) {
  Dimension taken;
  if (sizes.empty()) {
    taken.strides.assign(strides.size(), 1);
    return taken;
  }
  taken.size = sizes[static_cast<std::size_t>(dimension)];
  sizes.erase(sizes.begin() + dimension);
  for (auto& list : strides) {
    taken.strides.push_back(list[static_cast<std::size_t>(dimension)]);
    list.erase(list.begin() + dimension);
  }
  return taken;
}

LoopOrder merge_loops(const std::vector<std::int64_t>& sizes, const std::vector<std::vector<std::int64_t>>& strides) {
  LoopOrder loops;
  loops.strides.resize(strides.size());
  for (std::size_t d = 0; d < sizes.size(); ++d) {
    if (sizes[d] == 1) continue;
    bool even = !loops.sizes.empty();
    for (std::size_t k = 0; even && k < strides.size(); ++k) even = loops.strides[k].back() == strides[k][d] * sizes[d];
    if (even) {
      loops.sizes.back() *= sizes[d];
      for (std::size_t k = 0; k < strides.size(); ++k) loops.strides[k].back() = strides[k][d];
    } else {
      loops.sizes.push_back(sizes[d]);
      for (std::size_t k = 0; k < strides.size(); ++k) loops.strides[k].push_back(strides[k][d]);
    }
  }
  return loops;
}

LoopOrder order_loops(const std::vector<std::int64_t>& sizes, const std::vector<std::vector<std::int64_t>>& strides) {
  for (const auto& list : strides) WHERRY_CHECK_EQ(list.size(), sizes.size());
  std::vector<std::size_t> order(sizes.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    for (const auto& list : strides)
      if (std::abs(list[a]) != std::abs(list[b])) return std::abs(list[a]) > std::abs(list[b]);
    return a < b;
  });
  std::vector<std::int64_t> sorted_sizes;
  std::vector<std::vector<std::int64_t>> sorted_strides(strides.size());
  for (const std::size_t d : order) {
    sorted_sizes.push_back(sizes[d]);
    for (std::size_t k = 0; k < strides.size(); ++k) sorted_strides[k].push_back(strides[k][d]);
  }
  return merge_loops(sorted_sizes, sorted_strides);
}

}  // namespace wherry::kernels
