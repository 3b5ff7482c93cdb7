// The team must run every thread once, order memory at barriers, sleep when idle, and serve callers in turn.

#include "runtime/thread_team.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <array>
#include <chrono>
#include <numeric>
#include <thread>
#include <vector>

#include "base/cores.h"

namespace wherry::runtime {
namespace {

class ThreadTeamOf : public testing::TestWithParam<int> {};

TEST_P(ThreadTeamOf, RunsEveryThreadOnceARegion) {
  ThreadTeam team(GetParam());
  ASSERT_EQ(team.size(), GetParam());
  std::vector<int> calls(static_cast<std::size_t>(team.size()), 0);
  for (int i = 0; i < 200; ++i) {
    const auto turn = team.take_turn();
    team.run(turn, [&](int thread) noexcept { ++calls[static_cast<std::size_t>(thread)]; });
  }
  for (const int count : calls) EXPECT_EQ(count, 200);
}

TEST_P(ThreadTeamOf, TheCallerIsThreadZero) {
  ThreadTeam team(GetParam());
  const auto turn = team.take_turn();
  std::thread::id zero;
  team.run(turn, [&](int thread) noexcept {
    if (thread == 0) zero = std::this_thread::get_id();
  });
  EXPECT_EQ(zero, std::this_thread::get_id());
}

TEST_P(ThreadTeamOf, BarriersOrderWhatThreadsWrite) {
  ThreadTeam team(GetParam());
  const auto size = static_cast<std::size_t>(team.size());
  std::vector<long> now(size, 1);
  std::vector<long> next(size, 0);
  const auto turn = team.take_turn();
  // Every thread repeatedly replaces its number by the sum of all: wrong as soon as one runs ahead.
  constexpr int kRounds = 12;
  team.run(turn, [&](int thread) noexcept {
    for (int round = 0; round < kRounds; ++round) {
      next[static_cast<std::size_t>(thread)] = std::accumulate(now.begin(), now.end(), 0L);
      team.barrier();
      now[static_cast<std::size_t>(thread)] = next[static_cast<std::size_t>(thread)];
      team.barrier();
    }
  });
  long expected = 1;
  for (int round = 0; round < kRounds; ++round) expected *= team.size();
  for (const long value : now) EXPECT_EQ(value, expected);
}

TEST_P(ThreadTeamOf, ServesManyCallersInTurn) {
  ThreadTeam team(GetParam());
  constexpr int kCallers = 4;
  constexpr int kRegions = 50;
  std::array<long, kCallers> sums{};
  std::vector<std::thread> callers;
  for (int caller = 0; caller < kCallers; ++caller) {
    callers.emplace_back([&, caller] {
      for (int i = 0; i < kRegions; ++i) {
        std::vector<long> parts(static_cast<std::size_t>(team.size()), 0);
        const auto turn = team.take_turn();
        team.run(turn, [&](int thread) noexcept {
          parts[static_cast<std::size_t>(thread)] = thread + 1;
          team.barrier();
          if (thread == 0) sums[static_cast<std::size_t>(caller)] += std::accumulate(parts.begin(), parts.end(), 0L);
        });
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  const long each = static_cast<long>(team.size()) * (team.size() + 1) / 2;
  for (const long sum : sums) EXPECT_EQ(sum, kRegions * each);
}

// 8 is more than the cores of a small machine: spinning threads must give way.
INSTANTIATE_TEST_SUITE_P(Sizes, ThreadTeamOf, testing::Values(1, 2, 3, 8));

TEST(ThreadTeam, ATeamOfOneRunsCallersAtTheSameTime) {
  ThreadTeam team(1);
  std::atomic<int> inside{0};
  const auto enter = [&] {
    const auto turn = team.take_turn();
    team.run(turn, [&](int) noexcept {
      ++inside;
      while (inside.load() < 2) std::this_thread::yield();  // ends only if both are inside
    });
  };
  std::thread other(enter);
  enter();
  other.join();
  EXPECT_EQ(inside.load(), 2);
}

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

TEST(ThreadTeam, SleepsBetweenRegions) {
  ThreadTeam team(4);
  {
    const auto turn = team.take_turn();
    team.run(turn, [](int) noexcept {});
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(5));
  const double before = cpu_seconds();
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  EXPECT_LT(cpu_seconds() - before, 0.02);
}

TEST(ThreadTeam, BarriersStayCheapWithMoreThreadsThanCores) {
  ThreadTeam team(2 * base::usable_cores() + 1);
  const auto turn = team.take_turn();
  const auto start = std::chrono::steady_clock::now();
  team.run(turn, [&](int) noexcept {
    for (int i = 0; i < 200; ++i) team.barrier();
  });
  // A barrier that spun out its time slice would take milliseconds each; the bound is loose for busy test machines.
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
}

}  // namespace
}  // namespace wherry::runtime
