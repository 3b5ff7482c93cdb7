// Running slices: inputs and outputs are row-major with the batch outermost, so a slice's are parts of the caller's.
// The threads take the next slice when they are done with one, so a thread that the system held up is not waited for
// long.

#include "runtime/batch_plan.h"

#include <algorithm>
#include <atomic>
#include <utility>

#include "base/check.h"
#include "base/checked_math.h"
#include "runtime/run_tensors.h"

namespace wherry::runtime {
namespace {

/// Between two threads' arenas: no line, and no line fetched along with it, is both's.
constexpr std::int64_t kArenaAlignment = 4096;

std::vector<ir::TensorType> types_of(const std::vector<ir::Value*>& values) {
  std::vector<ir::TensorType> types;
  for (const ir::Value* value : values) types.push_back(value->type());
  return types;
}

/// Where thread by thread the slices are worked on.
struct Worker {
  StagedPlan::Workspace slice, rest;
};

}  // namespace

BatchPlan::BatchPlan(std::unique_ptr<const Plan> plan)
    : whole_(std::move(plan)), inputs_(whole_->input_types()), outputs_(whole_->output_types()) {}

BatchPlan::BatchPlan(const ir::Graph& whole, std::unique_ptr<const StagedPlan> slice,
                     std::unique_ptr<const StagedPlan> rest, const ThreadTeam& team)
    : slice_(std::move(slice)),
      rest_(std::move(rest)),
      inputs_(types_of(whole.inputs())),
      outputs_(types_of(whole.outputs())),
      batch_(inputs_.at(0).sizes.at(0)),
      full_(batch_ / slice_->elements()),
      slice_size_(slice_->elements()),
      rest_size_(rest_ != nullptr ? rest_->elements() : 0),
      threads_(static_cast<int>(std::min<std::int64_t>(team.size(), slices()))) {
  WHERRY_CHECK_EQ(full_ * slice_size_ + rest_size_, batch_);
}

std::int64_t BatchPlan::thread_arena_bytes() const {
  const std::int64_t bytes = std::max(slice_->arena_bytes(), rest_ != nullptr ? rest_->arena_bytes() : 0);
  return base::round_up(bytes, kArenaAlignment);
}

std::int64_t BatchPlan::arena_bytes() const {
  return sliced() ? threads_ * thread_arena_bytes() : whole_->arena_bytes();
}

std::int64_t BatchPlan::held_bytes() const {
  const std::int64_t types = static_cast<std::int64_t>(inputs_.size() + outputs_.size()) * 128;
  return (sliced() ? slice_->held_bytes() : whole_->held_bytes()) + (rest_ != nullptr ? rest_->held_bytes() : 0) +
         types;
}

std::vector<StepInfo> BatchPlan::steps() const {
  if (!sliced()) return whole_->steps();
  std::vector<StepInfo> steps = slice_->steps();
  for (StepInfo& step : steps) step.runs *= static_cast<double>(batch_) / static_cast<double>(slice_size_);
  return steps;
}

std::vector<Tensor> BatchPlan::run(std::span<const Tensor> inputs, ThreadTeam& team, ArenaPool& arenas,
                                   RunRecord* record) const {
  return sliced() ? run_slices(inputs, team, arenas, record) : whole_->run(inputs, team, arenas, record);
}

std::vector<Tensor> BatchPlan::run_slices(std::span<const Tensor> inputs, ThreadTeam& team, ArenaPool& arenas,
                                          RunRecord* record) const {
  check_inputs(inputs, inputs_);
  std::vector<Tensor> outputs = empty_outputs(outputs_);
  std::vector<std::byte*> output_data;
  for (Tensor& output : outputs) output_data.push_back(static_cast<std::byte*>(output.mutable_data()));

  // All that the threads need, so that they allocate nothing: an exception could not leave them.
  std::vector<Worker> workers(static_cast<std::size_t>(threads_));
  for (Worker& worker : workers) {
    worker.slice = slice_->workspace();
    if (rest_ != nullptr) worker.rest = rest_->workspace();
  }
  const std::size_t steps = slice_->step_count();
  if (record != nullptr) record->reset(threads_, slice_->entries() * static_cast<std::size_t>(slices()));

  const ThreadTeam::Turn turn = team.take_turn();
  ArenaPool::Lease arena = arenas.take(static_cast<std::size_t>(arena_bytes()));
  std::atomic<const Step*> failed{nullptr};
  std::atomic<std::int64_t> next{0};
  team.run(turn, [&](int thread) noexcept {
    if (thread >= threads_) return;
    Worker& worker = workers[static_cast<std::size_t>(thread)];
    for (std::int64_t i = next.fetch_add(1); i < slices(); i = next.fetch_add(1)) {
      const bool is_rest = i == full_;
      StagedPlan::Workspace& work = is_rest ? worker.rest : worker.slice;
      const auto first = static_cast<std::size_t>(i * slice_size_);
      const auto batch = static_cast<std::size_t>(batch_);
      for (std::size_t k = 0; k < inputs.size(); ++k)
        work.inputs[k] = static_cast<const std::byte*>(inputs[k].data()) + inputs[k].bytes() / batch * first;
      for (std::size_t k = 0; k < outputs.size(); ++k)
        work.outputs[k] = output_data[k] + outputs[k].bytes() / batch * first;
      work.arena = arena.data() + thread * thread_arena_bytes();
      const StagedPlan& plan = is_rest ? *rest_ : *slice_;
      Plan::Recording recording;
      if (record != nullptr && plan.step_count() == steps)
        recording = {&record->of(thread), static_cast<std::int32_t>(i)};
      plan.run(work, failed, recording);
    }
  });
  if (record != nullptr) record->end = RunRecord::Clock::now();
  Plan::check(failed);
  return outputs;
}

}  // namespace wherry::runtime
