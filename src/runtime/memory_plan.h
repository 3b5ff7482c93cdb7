#pragma once
// Where each buffer of a plan lies in its one arena. Buffers that are never alive at the same step share bytes.

#include <cstdint>
#include <span>
#include <vector>

namespace wherry::runtime {

/// A buffer and the steps it must survive, both ends included.
struct Lifetime {
  std::int64_t bytes = 0;
  std::int64_t first = 0;
  std::int64_t last = 0;
};

struct MemoryPlan {
  std::vector<std::int64_t> offsets;  ///< one a lifetime, multiples of kAlignment
  std::int64_t arena_bytes = 0;
};

/// A cache line, and the widest vector of any ISA.
inline constexpr std::int64_t kAlignment = 64;

/// Places the largest buffer first, each into the smallest gap between the buffers that live at the same time
/// (Pisarchyk and Lee, "Efficient Memory Management for Deep Neural Net Inference", 2020, greedy by size).
MemoryPlan plan_memory(std::span<const Lifetime> buffers);

}  // namespace wherry::runtime
