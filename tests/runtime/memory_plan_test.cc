// Buffers alive together must not overlap, whatever their sizes; and the arena should not be much larger than needed.

#include "runtime/memory_plan.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

namespace wherry::runtime {
namespace {

/// The most bytes alive at any step: no plan can be smaller.
std::int64_t lower_bound_of(const std::vector<Lifetime>& buffers) {
  std::int64_t most = 0;
  for (const Lifetime& at : buffers) {
    std::int64_t sum = 0;
    for (const Lifetime& other : buffers) {
      if (other.first <= at.first && at.first <= other.last) sum += other.bytes;
    }
    most = std::max(most, sum);
  }
  return most;
}

TEST(MemoryPlan, RandomLifetimesNeverOverlap) {
  std::mt19937 random(7);
  std::int64_t planned = 0;
  std::int64_t needed = 0;
  for (int round = 0; round < 200; ++round) {
    std::vector<Lifetime> buffers(1 + random() % 60);
    for (Lifetime& buffer : buffers) {
      buffer.bytes = random() % 5 == 0 ? 0 : static_cast<std::int64_t>(random() % 100000);
      buffer.first = static_cast<std::int64_t>(random() % 40);
      buffer.last = buffer.first + static_cast<std::int64_t>(random() % 10);
    }
    const MemoryPlan plan = plan_memory(buffers);
    ASSERT_EQ(plan.offsets.size(), buffers.size());
    for (std::size_t i = 0; i < buffers.size(); ++i) {
      EXPECT_EQ(plan.offsets[i] % kAlignment, 0);
      EXPECT_GE(plan.offsets[i], 0);
      EXPECT_LE(plan.offsets[i] + buffers[i].bytes, plan.arena_bytes);
      for (std::size_t j = 0; j < i; ++j) {
        if (buffers[i].last < buffers[j].first || buffers[j].last < buffers[i].first) continue;
        if (buffers[i].bytes == 0 || buffers[j].bytes == 0) continue;
        EXPECT_TRUE(plan.offsets[i] + buffers[i].bytes <= plan.offsets[j] ||
                    plan.offsets[j] + buffers[j].bytes <= plan.offsets[i])
            << "buffers " << i << " and " << j << " in round " << round;
      }
    }
    planned += plan.arena_bytes;
    needed += lower_bound_of(buffers);
  }
  EXPECT_LT(static_cast<double>(planned), 1.25 * static_cast<double>(needed));
}

TEST(MemoryPlan, AChainNeedsTwoBuffers) {
  std::vector<Lifetime> chain;
  for (int i = 0; i < 50; ++i) chain.push_back({1024, i, i + 1});
  EXPECT_EQ(plan_memory(chain).arena_bytes, 2048);
}

TEST(MemoryPlan, NothingNeedsNothing) {
  EXPECT_EQ(plan_memory({}).arena_bytes, 0);
  EXPECT_EQ(plan_memory(std::vector<Lifetime>{{0, 0, 3}}).arena_bytes, 0);
}

}  // namespace
}  // namespace wherry::runtime
