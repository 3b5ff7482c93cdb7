// Greedy by size. A network has a few hundred buffers, so comparing each with all placed ones is cheap.

#include "runtime/memory_plan.h"

#include <algorithm>
#include <limits>
#include <numeric>

#include "base/check.h"
#include "base/checked_math.h"

namespace wherry::runtime {

MemoryPlan plan_memory(std::span<const Lifetime> buffers) {
  MemoryPlan plan;
  plan.offsets.assign(buffers.size(), 0);

  std::vector<std::size_t> order(buffers.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return buffers[a].bytes != buffers[b].bytes ? buffers[a].bytes > buffers[b].bytes : a < b;
  });

  std::vector<std::size_t> placed;  // by offset
  for (const std::size_t i : order) {
    const Lifetime& buffer = buffers[i];
    WHERRY_CHECK_LE(buffer.first, buffer.last);
    if (buffer.bytes == 0) continue;
    WHERRY_CHECK_GT(buffer.bytes, 0);

    std::int64_t best_offset = -1;
    std::int64_t best_gap = std::numeric_limits<std::int64_t>::max();
    std::int64_t end = 0;  // of the buffers alive at the same time, so far
    for (const std::size_t j : placed) {
      const Lifetime& other = buffers[j];
      if (other.last < buffer.first || buffer.last < other.first) continue;
      const std::int64_t gap = plan.offsets[j] - end;
      if (gap >= buffer.bytes && gap < best_gap) {
        best_gap = gap;
        best_offset = end;
      }
      end = std::max(end, base::round_up(plan.offsets[j] + other.bytes, kAlignment));
    }
    if (best_offset < 0) best_offset = end;
    const auto arena = base::checked_add(best_offset, buffer.bytes);
    if (!arena || *arena > std::numeric_limits<std::int64_t>::max() - kAlignment) {
      base::fail<InvalidInput>("input shapes: their activations exceed 2^63 bytes; smaller inputs would be accepted");
    }

    plan.offsets[i] = best_offset;
    plan.arena_bytes = std::max(plan.arena_bytes, base::round_up(*arena, kAlignment));
    placed.insert(std::upper_bound(placed.begin(), placed.end(), i,
                                   [&](std::size_t a, std::size_t b) { return plan.offsets[a] < plan.offsets[b]; }),
                  i);
  }
  return plan;
}

}  // namespace wherry::runtime
