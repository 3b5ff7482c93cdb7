#pragma once
// What the benches of matmul and convolution share: threads that meet at a spinning barrier, as the runtime's do, and
// the peak of all of them together.

#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <thread>
#include <vector>

#include "base/cpu.h"
#include "base/spin_pause.h"
#include "kernels/peak.h"

namespace wherry::kernels::bench {

/// Seconds of a clock that only goes forward.
inline double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// A barrier of a fixed number of threads.
class Barrier {
 public:
  explicit Barrier(int threads) : threads_(threads) {}
  void wait() {
    const unsigned phase = phase_.load(std::memory_order_acquire);
    if (arrived_.fetch_add(1, std::memory_order_acq_rel) + 1 == threads_) {
      arrived_.store(0, std::memory_order_relaxed);
      phase_.store(phase + 1, std::memory_order_release);
      return;
    }
    while (phase_.load(std::memory_order_acquire) == phase) base::spin_pause();
  }

 private:
  int threads_;
  std::atomic<int> arrived_ = 0;
  std::atomic<unsigned> phase_ = 0;
};

/// Runs body(thread) on `threads` threads at once, the caller being thread 0.
inline void run_team(int threads, const std::function<void(int)>& body) {
  std::vector<std::thread> others;
  for (int t = 1; t < threads; ++t) others.emplace_back(body, t);
  body(0);
  for (std::thread& other : others) other.join();
}

/// Operations a second of multiply-adds that never leave registers, all threads together; 0 for scalar code.
inline double measured_peak(base::Isa isa, int threads) {
  double best = 0;
  for (int repeat = 0; repeat < 60; ++repeat) {
    std::vector<double> each(threads, 0.0);
    run_team(threads, [&](int t) { each[t] = core_peak(isa); });
    double sum = 0;
    for (const double one : each) sum += one;
    best = std::max(best, sum);
  }
  return best;
}

}  // namespace wherry::kernels::bench
