// What is kept, what goes, and that callers of one key share one build.

#include "runtime/lru_cache.h"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <stdexcept>
#include <thread>
#include <vector>

namespace wherry::runtime {
namespace {

LruCache::Built number(int value, std::int64_t bytes = 1) { return {std::make_shared<const int>(value), bytes}; }

int get(LruCache& cache, int key, std::int64_t bytes = 1) {
  const auto value = cache.get(std::to_string(key), [&] { return number(key, bytes); });
  return *static_cast<const int*>(value.get());
}

TEST(LruCache, DropsTheLeastRecentlyUsed) {
  LruCache cache({.entries = 3, .bytes = 1000});
  for (const int key : {1, 2, 3, 1, 4}) EXPECT_EQ(get(cache, key), key);  // 2 goes
  LruCache::Counts counts = cache.counts();
  EXPECT_EQ(counts.hits, 1);
  EXPECT_EQ(counts.misses, 4);
  EXPECT_EQ(counts.evictions, 1);
  EXPECT_EQ(counts.entries, 3);
  EXPECT_EQ(counts.bytes, 3);
  for (const int key : {1, 3, 4}) get(cache, key);
  EXPECT_EQ(cache.counts().hits, 4);
  get(cache, 2);
  EXPECT_EQ(cache.counts().misses, 5);
}

TEST(LruCache, KeepsWithinItsBytesButForTheNewest) {
  LruCache cache({.entries = 100, .bytes = 10});
  for (int key = 0; key < 20; ++key) {
    get(cache, key, 3);
    EXPECT_LE(cache.counts().bytes, 10);
  }
  EXPECT_EQ(cache.counts().entries, 3);
  get(cache, 100, 50);
  EXPECT_EQ(cache.counts().entries, 1);
  EXPECT_EQ(cache.counts().bytes, 50);
  get(cache, 100);
  EXPECT_EQ(cache.counts().hits, 1) << "one that is too large for the cache is kept while it is in use";
  get(cache, 101, 3);
  EXPECT_EQ(cache.counts().entries, 1);
  EXPECT_EQ(cache.counts().bytes, 3);
}

TEST(LruCache, WithoutEntriesKeepsNothing) {
  LruCache cache({.entries = 0, .bytes = 1000});
  for (int round = 0; round < 3; ++round) EXPECT_EQ(get(cache, 7), 7);
  EXPECT_EQ(cache.counts().misses, 3);
  EXPECT_EQ(cache.counts().hits, 0);
  EXPECT_EQ(cache.counts().entries, 0);
}

TEST(LruCache, DroppedValuesLiveWhileTheyAreHeld) {
  LruCache cache({.entries = 1, .bytes = 1000});
  const auto held = cache.get("a", [] { return number(1); });
  const std::weak_ptr<const void> loose = cache.get("b", [] { return number(2); });
  get(cache, 3);
  EXPECT_EQ(*static_cast<const int*>(held.get()), 1);
  EXPECT_TRUE(loose.expired());
}

TEST(LruCache, CallersOfOneKeyBuildOnce) {
  LruCache cache({.entries = 10, .bytes = 1000});
  std::atomic<int> builds = 0;
  std::array<std::shared_ptr<const void>, 8> found;
  {
    std::vector<std::jthread> callers;
    for (auto& each : found) {
      callers.emplace_back([&] {
        each = cache.get("slow", [&] {
          ++builds;
          std::this_thread::sleep_for(std::chrono::milliseconds(20));
          return number(5);
        });
      });
    }
  }
  EXPECT_EQ(builds, 1);
  for (const auto& each : found) EXPECT_EQ(each, found[0]);
  EXPECT_EQ(cache.counts().hits, 7);
}

TEST(LruCache, ManyThreadsManyKeys) {
  LruCache cache({.entries = 16, .bytes = 24});
  std::atomic<int> wrong = 0;
  {
    std::vector<std::jthread> callers;
    for (int thread = 0; thread < 4; ++thread) {
      callers.emplace_back([&, thread] {
        for (int i = 0; i < 5000; ++i) {
          const int key = (i * (thread + 3)) % 40;
          wrong += get(cache, key, 1 + key % 3) != key;
        }
      });
    }
  }
  EXPECT_EQ(wrong, 0);
  const LruCache::Counts counts = cache.counts();
  EXPECT_EQ(counts.hits + counts.misses, 4 * 5000);
  EXPECT_LE(counts.entries, 16);
  EXPECT_LE(counts.bytes, 24);
}

TEST(LruCache, AFailedBuildLeavesNothing) {
  LruCache cache({.entries = 10, .bytes = 1000});
  EXPECT_THROW(cache.get("x", []() -> LruCache::Built { throw std::runtime_error("no"); }), std::runtime_error);
  EXPECT_EQ(cache.counts().entries, 0);
  EXPECT_EQ(*static_cast<const int*>(cache.get("x", [] { return number(9); }).get()), 9);
  EXPECT_EQ(cache.counts().entries, 1);
}

}  // namespace
}  // namespace wherry::runtime
