#pragma once
// When each thread was in which step of one run.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace wherry::runtime {

class RunRecord {
 public:
  using Clock = std::chrono::steady_clock;

  /// One thread's part of one step; waiting for others is not in it.
  struct Entry {
    std::int32_t step;
    std::int32_t slice;  ///< of the batch; -1 where it runs as a whole
    Clock::time_point begin, end;
  };

  /// Makes room for `entries` of each thread, so that adding them allocates nothing.
  void reset(int threads, std::size_t entries) {
    threads_.assign(static_cast<std::size_t>(threads), {});
    for (auto& each : threads_) each.reserve(entries);
  }
  int threads() const { return static_cast<int>(threads_.size()); }
  /// In order of time.
  std::span<const Entry> of(int thread) const { return threads_[static_cast<std::size_t>(thread)]; }
  std::vector<Entry>& of(int thread) { return threads_[static_cast<std::size_t>(thread)]; }

  /// The end of the run: all threads are done.
  Clock::time_point end;

  /// Milliseconds of each of `steps` steps, whose sum is the time from the first step's begin to `end`: a step lasts
  /// until thread 0, which is in every step, begins the next. Of slices the threads' sum divided by their number.
  std::vector<double> step_ms(std::size_t steps) const;

 private:
  std::vector<std::vector<Entry>> threads_;
};

}  // namespace wherry::runtime
