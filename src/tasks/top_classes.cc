// Softmax and a partial sort.

#include "tasks/top_classes.h"

#include <algorithm>
#include <cmath>

namespace wherry::tasks {

std::optional<std::vector<ClassScore>> top_classes(std::span<const float> logits, std::size_t count) {
  if (logits.empty()) return std::vector<ClassScore>{};
  for (const float logit : logits)
    if (std::isnan(logit)) return std::nullopt;
  const double largest = *std::max_element(logits.begin(), logits.end());
  if (!std::isfinite(largest)) return std::nullopt;

  double sum = 0;
  std::vector<ClassScore> scores(logits.size());
  for (std::size_t i = 0; i < logits.size(); ++i) {
    const double power = std::exp(static_cast<double>(logits[i]) - largest);
    scores[i] = {static_cast<std::int64_t>(i), logits[i], power};
    sum += power;
  }
  count = std::min(count, scores.size());
  const auto end = scores.begin() + static_cast<std::ptrdiff_t>(count);
  std::partial_sort(scores.begin(), end, scores.end(), [](const ClassScore& a, const ClassScore& b) {
    return a.logit != b.logit ? a.logit > b.logit : a.index < b.index;
  });
  scores.resize(count);
  for (auto& score : scores) score.probability /= sum;
  return scores;
}

}  // namespace wherry::tasks
