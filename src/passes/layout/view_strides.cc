// The old dimensions are first joined into runs that memory holds without a gap. A view exists where each run is
// covered by whole new dimensions: no new dimension may cross from one run into the next.

#include "passes/layout/view_strides.h"

#include <vector>

namespace wherry::passes::layout {
namespace {

struct Run {
  std::int64_t size;
  std::int64_t stride;  ///< of its last element step
};

std::vector<Run> runs_of(const Dims& sizes, const Dims& strides) {
  std::vector<Run> runs;
  for (std::size_t d = 0; d < sizes.size(); ++d) {
    if (sizes[d] == 1) continue;
    if (!runs.empty() && runs.back().stride == strides[d] * sizes[d])
      runs.back() = {runs.back().size * sizes[d], strides[d]};
    else
      runs.push_back({sizes[d], strides[d]});
  }
  return runs;
}

}  // namespace

std::optional<Dims> view_strides(const Dims& sizes, const Dims& strides, const Dims& to) {
  if (element_count(sizes) == 0) return contiguous_strides(to);
  auto runs = runs_of(sizes, strides);
  Dims result(to.size(), 1);
  std::int64_t covered = 1;  // of the last run, by the new dimensions seen so far
  for (std::size_t d = to.size(); d-- > 0;) {
    if (!runs.empty() && covered == runs.back().size && to[d] != 1) {
      runs.pop_back();
      covered = 1;
    }
    if (runs.empty()) {
      // Only size-1 dimensions are left; their stride is never stepped.
      result[d] = d + 1 < to.size() ? result[d + 1] * to[d + 1] : 1;
      if (to[d] != 1) return std::nullopt;
      continue;
    }
    result[d] = runs.back().stride * covered;
    if (runs.back().size % (covered * to[d]) != 0) return std::nullopt;
    covered *= to[d];
  }
  return result;
}

}  // namespace wherry::passes::layout
