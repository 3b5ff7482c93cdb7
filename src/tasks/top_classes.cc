// Softmax and a partial sort, in two passes over the logits: a masked LM has a score for each of 50,000 words.

#include "tasks/top_classes.h"

#include <algorithm>
#include <cmath>

namespace wherry::tasks {
namespace {

bool precedes(const ClassScore& a, const ClassScore& b) {
  return a.logit != b.logit ? a.logit > b.logit : a.index < b.index;
}

/// The `count` first of them, as a heap whose front is the last of those; nothing where a logit is NaN.
std::optional<std::vector<ClassScore>> first_ones(std::span<const float> logits, std::size_t count) {
  std::vector<ClassScore> heap;
  heap.reserve(count);
  for (std::size_t i = 0; i < logits.size(); ++i) {
    if (i >= count && logits[i] <= heap.front().logit) continue;  // equal ones come after it
    if (std::isnan(logits[i])) return std::nullopt;
    if (i >= count) {
      std::pop_heap(heap.begin(), heap.end(), precedes);
      heap.pop_back();
    }
    heap.push_back({.index = static_cast<std::int64_t>(i), .logit = logits[i]});
    std::push_heap(heap.begin(), heap.end(), precedes);
  }
  return heap;
}

}  // namespace

std::optional<std::vector<ClassScore>> top_classes(std::span<const float> logits, std::size_t count) {
  if (logits.empty()) return std::vector<ClassScore>{};
  auto scores = first_ones(logits, std::clamp<std::size_t>(count, 1, logits.size()));
  if (!scores) return std::nullopt;
  std::sort_heap(scores->begin(), scores->end(), precedes);
  const float largest = scores->front().logit;
  if (!std::isfinite(largest)) return std::nullopt;

  double sum = 0;
  for (const float logit : logits) sum += std::exp(logit - largest);
  scores->resize(std::min(count, scores->size()));
  for (ClassScore& score : *scores) score.probability = std::exp(score.logit - largest) / sum;
  return scores;
}

}  // namespace wherry::tasks
