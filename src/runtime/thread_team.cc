// The team's barrier: a counter of arrivals and a counter of completed barriers. A step of an inference often takes
// a few microseconds, so a waiting thread looks again for a while before it asks the system to be woken.

#include "runtime/thread_team.h"

#include <sched.h>

#include <system_error>

#include "base/check.h"
#include "base/cores.h"
#include "base/spin_pause.h"

namespace wherry::runtime {
namespace {

constexpr std::chrono::microseconds kSpin{50};
constexpr std::chrono::microseconds kSpinOversubscribed{5};

}  // namespace

ThreadTeam::ThreadTeam(int threads)
    : size_(threads), spin_(threads <= base::usable_cores() ? kSpin : kSpinOversubscribed) {
  WHERRY_CHECK_GE(threads, 1);
  workers_.reserve(static_cast<std::size_t>(threads - 1));
  try {
    for (int thread = 1; thread < threads; ++thread) workers_.emplace_back([this, thread] { work(thread); });
  } catch (const std::system_error& error) {
    // The workers that did start wait for a region of `size_` threads that will never form: send them home.
    function_ = nullptr;
    region_.fetch_add(1, std::memory_order_release);
    region_.notify_all();
    for (std::thread& worker : workers_) worker.join();
    base::fail<InvalidInput>("threads: found {}, but the system started only {} ({}); fewer would be accepted", threads,
                             workers_.size() + 1, error.code().message());
  }
}

ThreadTeam::~ThreadTeam() {
  if (workers_.empty()) return;
  function_ = nullptr;
  region_.fetch_add(1, std::memory_order_release);
  region_.notify_all();
  for (std::thread& worker : workers_) worker.join();
}

ThreadTeam::Turn ThreadTeam::take_turn() {
  Turn turn;
  if (size_ > 1) turn.lock_ = std::unique_lock(turn_);
  return turn;
}

void ThreadTeam::run_region(Function function, void* context) {
  if (size_ == 1) return function(context, 0);
  function_ = function;
  context_ = context;
  region_.fetch_add(1, std::memory_order_release);
  region_.notify_all();
  function(context, 0);
  barrier();
}

void ThreadTeam::work(int thread) noexcept {
  for (std::uint32_t seen = 0;; ++seen) {
    wait_while(region_, seen);
    if (function_ == nullptr) return;
    function_(context_, thread);
    barrier();
  }
}

void ThreadTeam::barrier() noexcept {
  if (size_ == 1) return;
  const std::uint32_t passed = passed_.load(std::memory_order_relaxed);
  if (arrived_.fetch_add(1, std::memory_order_acq_rel) + 1 == static_cast<std::uint32_t>(size_)) {
    // Everyone else is waiting for passed_, so nobody counts arrivals now.
    arrived_.store(0, std::memory_order_relaxed);
    passed_.store(passed + 1, std::memory_order_release);
    passed_.notify_all();
  } else {
    wait_while(passed_, passed);
  }
}

void ThreadTeam::wait_while(const std::atomic<std::uint32_t>& word, std::uint32_t old) const noexcept {
  const auto start = std::chrono::steady_clock::now();
  do {
    for (int i = 0; i < 16; ++i) {
      if (word.load(std::memory_order_acquire) != old) return;
      base::spin_pause();
    }
    if (spin_ == kSpinOversubscribed) sched_yield();
  } while (std::chrono::steady_clock::now() - start < spin_);
  while (word.load(std::memory_order_acquire) == old) word.wait(old, std::memory_order_acquire);
}

}  // namespace wherry::runtime
