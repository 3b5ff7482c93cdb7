#pragma once
// How a batch is run: by the whole team step by step, or in slices of a few elements, each by one thread from the first
// step to the last. A slice's activations stay in its core's cache, and no thread waits for another.

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "runtime/plan.h"
#include "runtime/staged_plan.h"

namespace wherry::runtime {

/// Immutable, so several threads may run it at once.
class BatchPlan {
 public:
  /// All of the batch in one plan.
  explicit BatchPlan(std::unique_ptr<const Plan> plan);

  /// Slices: as often as it fits into the batch of `whole`, `slice`, and once `rest`, which may be null where nothing
  /// is left. Both are of graphs that obstacle_to_slices() finds nothing against.
  BatchPlan(const ir::Graph& whole, std::unique_ptr<const StagedPlan> slice, std::unique_ptr<const StagedPlan> rest,
            const ThreadTeam& team);

  /// As Plan::run. The rest's steps are recorded where it has as many as a slice.
  std::vector<Tensor> run(std::span<const Tensor> inputs, ThreadTeam& team, ArenaPool& arenas,
                          RunRecord* record = nullptr) const;

  const std::vector<ir::TensorType>& input_types() const { return inputs_; }
  const std::vector<ir::TensorType>& output_types() const { return outputs_; }
  const std::vector<std::string>& output_names() const {
    return sliced() ? slice_->output_names() : whole_->output_names();
  }

  /// How many slices there are, with the smaller one of the rest; 1 where the batch is run as a whole.
  std::int64_t slices() const { return sliced() ? full_ + (rest_ != nullptr ? 1 : 0) : 1; }
  /// Elements of the batch in a slice, and in the rest (0 for none); both 0 where the batch is run as a whole.
  std::int64_t slice_size() const { return slice_size_; }
  std::int64_t rest_size() const { return rest_size_; }

  /// Of the plan of a slice, or of the whole. Each step's `runs` are those of the batch.
  std::vector<StepInfo> steps() const;
  std::size_t step_count() const { return sliced() ? slice_->step_count() : whole_->step_count(); }
  std::vector<Plan::Tunable> tunables() const { return sliced() ? slice_->tunables() : whole_->tunables(); }
  int tuned_steps() const { return sliced() ? slice_->tuned_steps() : whole_->tuned_steps(); }

  /// Of one run: every thread's.
  std::int64_t arena_bytes() const;
  /// As Plan::held_bytes.
  std::int64_t held_bytes() const;

 private:
  bool sliced() const { return slice_ != nullptr; }
  std::int64_t thread_arena_bytes() const;
  std::vector<Tensor> run_slices(std::span<const Tensor> inputs, ThreadTeam& team, ArenaPool& arenas,
                                 RunRecord* record) const;

  std::unique_ptr<const Plan> whole_;  // or slices:
  std::unique_ptr<const StagedPlan> slice_;
  std::unique_ptr<const StagedPlan> rest_;
  std::vector<ir::TensorType> inputs_;
  std::vector<ir::TensorType> outputs_;
  std::int64_t batch_ = 0;
  std::int64_t full_ = 0;  // slices of slice_size_
  std::int64_t slice_size_ = 0;
  std::int64_t rest_size_ = 0;
  int threads_ = 1;
};

}  // namespace wherry::runtime
