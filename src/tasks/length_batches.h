#pragma once
// Which texts run together, so that little is spent on padding: those of like length, or, where several share a row,
// those that fill it.

#include <cstddef>
#include <span>
#include <vector>

namespace wherry::tasks {

/// Indices of `lengths` in batches of at most `size`, longest first (a batch that does not fit in memory fails at
/// once), equal lengths in their order.
std::vector<std::vector<std::size_t>> batches_by_length(std::span<const std::size_t> lengths, std::size_t size);

/// Indices of `lengths` in packs of at most `tokens` together, each filled with the longest that still fits; a longer
/// text is alone in one.
std::vector<std::vector<std::size_t>> packs_of(std::span<const std::size_t> lengths, std::size_t tokens);

/// The texts of one such batch or pack.
template <typename Text>
std::vector<Text> texts_of(std::span<const Text> texts, std::span<const std::size_t> indices) {
  std::vector<Text> result;
  for (const std::size_t index : indices) result.push_back(texts[index]);
  return result;
}

}  // namespace wherry::tasks
