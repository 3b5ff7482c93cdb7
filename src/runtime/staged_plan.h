#pragma once
// A slice of a batch, for one thread, in stages: the first ones, whose activations are many, take fewer elements at a
// time than the last ones, whose weights are many. So both stay in caches.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "runtime/plan.h"

namespace wherry::runtime {

/// Immutable, so several threads may run it at once, each in a workspace of its own.
class StagedPlan {
 public:
  /// Plans for one thread, of segments of one model (ir/segments.h), each for a multiple of the elements of the one
  /// before. At least one.
  explicit StagedPlan(std::vector<std::unique_ptr<const Plan>> stages);

  /// Of the batch, in all.
  std::int64_t elements() const { return stages_.back().elements; }
  const std::vector<std::string>& output_names() const { return stages_.back().plan->output_names(); }

  /// What a run works on: inputs and outputs of all elements, arena_bytes() of memory.
  struct Workspace {
    std::vector<const std::byte*> inputs;
    std::vector<std::byte*> outputs;
    std::byte* arena = nullptr;
    std::vector<Plan::Workspace> stages;
  };
  /// A workspace with room for everything, so that `run` allocates nothing.
  Workspace workspace() const;
  /// As Plan::run_alone.
  void run(Workspace& workspace, std::atomic<const Step*>& failed, Plan::Recording recording) const noexcept;
  /// How many entries a run adds to its recording.
  std::size_t entries() const;

  /// Of all stages, in order. `runs` of a step is how many times one run of the plan takes it.
  std::vector<StepInfo> steps() const;
  std::size_t step_count() const;
  std::vector<Plan::Tunable> tunables() const;
  int tuned_steps() const;
  std::int64_t arena_bytes() const { return arena_bytes_; }
  /// As Plan::held_bytes.
  std::int64_t held_bytes() const;

 private:
  struct Stage {
    std::unique_ptr<const Plan> plan;
    std::int64_t elements;
    std::int64_t input_at = 0;       // in the arena: what the stage before leaves for this one, …
    std::int64_t element_bytes = 0;  // … so much for each element
  };
  /// The stage's next elements, from `first` on, after what they need of the stages before.
  void run_stage(std::size_t stage, std::int64_t first, Workspace& workspace, std::atomic<const Step*>& failed,
                 Plan::Recording recording) const noexcept;

  std::vector<Stage> stages_;
  std::vector<std::int64_t> input_bytes_;  // of an element
  std::int64_t arena_bytes_ = 0;
};

}  // namespace wherry::runtime
