// The best of a few short runs: what disturbs a run makes it slower, never faster.

#include "runtime/peak.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <vector>

#include "base/aligned_buffer.h"
#include "base/cpu.h"
#include "kernels/peak.h"
#include "runtime/thread_team.h"

namespace wherry::runtime {
namespace {

using Clock = std::chrono::steady_clock;
constexpr int kRuns = 7;
/// Beyond any core's share of a last-level cache.
constexpr std::size_t kBytes = std::size_t{96} << 20;

/// The best sum over the threads of `rate`, which returns one thread's.
double best_of(ThreadTeam& team, const std::function<double(int)>& rate) {
  std::vector<double> rates(static_cast<std::size_t>(team.size()));
  double best = 0;
  for (int run = 0; run < kRuns; ++run) {
    const auto turn = team.take_turn();
    team.run(turn, [&](int thread) noexcept { rates[static_cast<std::size_t>(thread)] = rate(thread); });
    double sum = 0;
    for (const double each : rates) sum += each;
    best = std::max(best, sum);
  }
  return best;
}

double read_rate(const std::byte* data) {
  const auto begin = Clock::now();
  const auto* words = static_cast<const std::uint64_t*>(static_cast<const void*>(data));
  std::uint64_t sums[16] = {};
  for (std::size_t i = 0; i + 16 <= kBytes / 8; i += 16)
    for (std::size_t k = 0; k < 16; ++k) sums[k] += words[i + k];
  std::uint64_t sum = 0;
  for (const std::uint64_t each : sums) sum += each;
  const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  asm volatile("" : : "r"(sum));
  return static_cast<double>(kBytes) / seconds;
}

}  // namespace

Peak measure_peak(const std::string& name, int threads) {
  const base::Isa isa = base::isa_from_name(name, "isa ");
  ThreadTeam team(threads);
  Peak peak;
  peak.threads = threads;
  peak.fp32_gflops = best_of(team, [&](int) { return kernels::core_peak(base::fp32_isa(isa)); }) / 1e9;
  if (base::has_bf16(isa)) peak.bf16_gflops = best_of(team, [&](int) { return kernels::core_peak(isa); }) / 1e9;

  std::vector<base::AlignedBuffer> buffers;
  for (int i = 0; i < threads; ++i) buffers.emplace_back(kBytes);
  const auto data = [&](int thread) { return buffers[static_cast<std::size_t>(thread)].data(); };
  {
    const auto turn = team.take_turn();
    team.run(turn, [&](int thread) noexcept {  // each thread's pages near its own core
      for (std::size_t i = 0; i < kBytes; i += 4096) data(thread)[i] = std::byte{1};
    });
  }
  peak.read_gb_per_s = best_of(team, [&](int thread) { return read_rate(data(thread)); }) / 1e9;
  return peak;
}

}  // namespace wherry::runtime
