#pragma once
// One piece of work of a plan: a kernel with everything about it decided. Steps are immutable and hold no memory of
// their own, so several threads may run one plan at once, each with its own arena.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "ir/graph.h"
#include "kernels/choice.h"
#include "wherry/model.h"

namespace wherry::runtime {

/// Where something lies while a plan runs: a storage (an arena buffer, an input, an output, a constant) and a byte
/// offset.
struct Slot {
  int storage = -1;
  std::int64_t offset = 0;
};

class Step;

/// What a step sees of one run.
struct RunContext {
  std::byte* const* storages;  ///< first byte of each storage
  /// Where a step that met data it cannot work with leaves its own address; the run goes on, then fails.
  std::atomic<const Step*>* failed;
  /// What this thread will read in a later step: weights that come from memory while it still computes. May be null.
  const void* next_weights = nullptr;

  template <typename T = void>
  T* at(const Slot& slot) const noexcept {
    return static_cast<T*>(static_cast<void*>(storages[slot.storage] + slot.offset));
  }
};

class Step {
 public:
  virtual ~Step() = default;

  /// Does this thread's part, 0 ≤ thread < threads ≤ max_threads(). The parts may run in any order or at once.
  virtual void run(const RunContext& context, int thread, int threads) const noexcept = 0;

  /// Where this thread's part begins to read constants that are large and used once an inference; null for none.
  virtual const void* first_weights(int /*thread*/, int /*threads*/) const noexcept { return nullptr; }

  /// What it means that the step left its address in RunContext::failed.
  virtual std::string failure() const { return {}; }

  /// Blockings that its primitive may be given, the cost model's first; empty where it has no choice.
  virtual std::vector<kernels::Choice> candidates() const { return {}; }

  /// More threads than this would cost more than they save (or find nothing to do).
  int max_threads() const { return max_threads_; }
  /// All but where it comes from.
  const StepInfo& info() const { return info_; }
  const ir::Source& source() const { return source_; }
  /// Of a primitive with blockings to choose from: its key.
  const std::string& tuning_key() const { return tuning_key_; }
  /// Storages it reads and writes: what decides whether it must wait for the steps before it.
  const std::vector<int>& reads() const { return reads_; }
  const std::vector<int>& writes() const { return writes_; }

 protected:
  int max_threads_ = std::numeric_limits<int>::max();
  StepInfo info_;
  ir::Source source_;
  std::string tuning_key_;
  std::vector<int> reads_;
  std::vector<int> writes_;

 private:
  friend class Lowering;
};

/// The half-open part of `items` that belongs to `thread`; the parts differ by at most one item.
inline std::pair<std::int64_t, std::int64_t> part_of(std::int64_t items, int thread, int threads) noexcept {
  const std::int64_t each = items / threads;
  const std::int64_t rest = items % threads;
  const std::int64_t begin = thread * each + (thread < rest ? thread : rest);
  return {begin, begin + each + (thread < rest ? 1 : 0)};
}

}  // namespace wherry::runtime
