// A sort, cut into pieces; or the same order, each text put where it is the first to fit.

#include "tasks/length_batches.h"

#include <algorithm>
#include <numeric>

namespace wherry::tasks {

namespace {

std::vector<std::size_t> longest_first(std::span<const std::size_t> lengths) {
  std::vector<std::size_t> order(lengths.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return lengths[a] > lengths[b]; });
  return order;
}

}  // namespace

std::vector<std::vector<std::size_t>> batches_by_length(std::span<const std::size_t> lengths, std::size_t size) {
  std::vector<std::vector<std::size_t>> batches;
  for (const std::size_t index : longest_first(lengths)) {
    if (batches.empty() || batches.back().size() == size) batches.emplace_back();
    batches.back().push_back(index);
  }
  return batches;
}

std::vector<std::vector<std::size_t>> packs_of(std::span<const std::size_t> lengths, std::size_t tokens) {
  std::vector<std::vector<std::size_t>> packs;
  std::vector<std::size_t> room;
  for (const std::size_t index : longest_first(lengths)) {
    const std::size_t length = lengths[index];
    auto fits = std::ranges::find_if(room, [&](std::size_t left) { return left >= length; });
    if (fits == room.end()) {
      packs.emplace_back();
      fits = room.insert(room.end(), std::max(tokens, length));
    }
    *fits -= length;
    packs[static_cast<std::size_t>(fits - room.begin())].push_back(index);
  }
  return packs;
}

}  // namespace wherry::tasks
