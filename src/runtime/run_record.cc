#include "runtime/run_record.h"

#include <algorithm>

namespace wherry::runtime {

std::vector<double> RunRecord::step_ms(std::size_t steps) const {
  std::vector<double> ms(steps, 0);
  const auto add = [&](const Entry& entry, Clock::time_point until) {
    ms[static_cast<std::size_t>(entry.step)] += std::chrono::duration<double, std::milli>(until - entry.begin).count();
  };
  // A thread that came late may have found no slice left.
  const bool sliced = std::any_of(threads_.begin(), threads_.end(), [](const std::vector<Entry>& entries) {
    return !entries.empty() && entries.front().slice >= 0;
  });
  for (int thread = 0; thread < (sliced ? threads() : 1); ++thread) {
    const std::span<const Entry> entries = of(thread);
    for (std::size_t i = 0; i < entries.size(); ++i)
      add(entries[i], i + 1 < entries.size() ? entries[i + 1].begin : sliced ? entries[i].end : end);
  }
  if (sliced)
    for (double& each : ms) each /= threads();
  return ms;
}

}  // namespace wherry::runtime
