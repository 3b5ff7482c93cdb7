#pragma once
// The threads of an inference. They enter once, walk the plan's steps side by side and meet at barriers; between
// inferences they sleep, so an idle model costs nothing.

#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <thread>
#include <type_traits>
#include <vector>

namespace wherry::runtime {

/// A fixed number of threads of which the caller is one. A team of one has no state: any number of callers run through
/// it at once. A larger team serves one caller at a time, the others wait their turn.
class ThreadTeam {
 public:
  /// `threads` ≥ 1. Throws InvalidInput where the system grants no more threads.
  explicit ThreadTeam(int threads);
  ThreadTeam(const ThreadTeam&) = delete;
  ThreadTeam& operator=(const ThreadTeam&) = delete;
  ~ThreadTeam();

  int size() const { return size_; }

  /// The right to use the team, waited for here; whoever holds it may run any number of regions.
  class Turn {
   private:
    friend class ThreadTeam;
    std::unique_lock<std::mutex> lock_;  // not locked for a team of one
  };
  [[nodiscard]] Turn take_turn();

  /// Calls body(thread) for every thread 0 … size-1 at once, thread 0 being the caller, and returns when all are done.
  /// The body must not throw, and must not start another region of the same team.
  template <typename Body>
  void run(const Turn&, Body&& body) {
    static_assert(std::is_nothrow_invocable_v<Body&, int>, "an exception must not leave a team's thread");
    run_region(
        [](void* context, int thread) noexcept { (*static_cast<std::remove_reference_t<Body>*>(context))(thread); },
        const_cast<void*>(static_cast<const void*>(&body)));
  }

  /// Inside a body: returns when every thread of the team has called it; what they wrote before is visible after.
  void barrier() noexcept;

 private:
  using Function = void (*)(void* context, int thread) noexcept;

  void run_region(Function function, void* context);
  void work(int thread) noexcept;
  /// Spins, then sleeps, until `word` differs from `old`.
  void wait_while(const std::atomic<std::uint32_t>& word, std::uint32_t old) const noexcept;

  const int size_;
  /// Pauses this long before it sleeps; short where there are more threads than cores, as spinning then only
  /// keeps the one waited for off its core.
  std::chrono::nanoseconds spin_;
  std::mutex turn_;
  std::vector<std::thread> workers_;

  Function function_ = nullptr;  // of the region that runs; null tells the workers to leave
  void* context_ = nullptr;

  // Each on its own cache line: the arriving threads write one while the waiting ones read the other.
  alignas(64) std::atomic<std::uint32_t> region_{0};   // counts regions begun
  alignas(64) std::atomic<std::uint32_t> arrived_{0};  // threads at the current barrier
  alignas(64) std::atomic<std::uint32_t> passed_{0};   // counts barriers completed
};

}  // namespace wherry::runtime
