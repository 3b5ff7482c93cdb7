// All stages work in one arena, one at a time; behind it lies what passes from each to the next.

#include "runtime/staged_plan.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/check.h"
#include "base/checked_math.h"
#include "runtime/memory_plan.h"

namespace wherry::runtime {
namespace {

std::int64_t element_bytes(const ir::TensorType& type) {
  return type.numel() / type.sizes.at(0) * static_cast<std::int64_t>(size_of(type.dtype));
}

}  // namespace

StagedPlan::StagedPlan(std::vector<std::unique_ptr<const Plan>> stages) {
  WHERRY_CHECK(!stages.empty());
  for (const ir::TensorType& type : stages[0]->input_types()) input_bytes_.push_back(element_bytes(type));
  for (std::unique_ptr<const Plan>& plan : stages) {
    arena_bytes_ = std::max(arena_bytes_, plan->arena_bytes());
    const std::int64_t elements = plan->input_types().at(0).sizes.at(0);
    stages_.push_back({std::move(plan), elements});
  }
  for (std::size_t i = 1; i < stages_.size(); ++i) {
    Stage& stage = stages_[i];
    WHERRY_CHECK_EQ(stage.elements % stages_[i - 1].elements, 0);
    WHERRY_CHECK_EQ(stage.plan->input_types().size(), 1u);
    stage.element_bytes = element_bytes(stage.plan->input_types()[0]);
    WHERRY_CHECK_EQ(stages_[i - 1].plan->output_types().size(), 1u);
    WHERRY_CHECK_EQ(stage.element_bytes, element_bytes(stages_[i - 1].plan->output_types()[0]));
    stage.input_at = base::round_up(arena_bytes_, kAlignment);
    arena_bytes_ = stage.input_at + stage.elements * stage.element_bytes;
  }
}

StagedPlan::Workspace StagedPlan::workspace() const {
  Workspace workspace;
  for (const Stage& stage : stages_) workspace.stages.push_back(stage.plan->workspace());
  workspace.inputs.resize(input_bytes_.size());
  workspace.outputs.resize(stages_.back().plan->output_types().size());
  return workspace;
}

void StagedPlan::run(Workspace& workspace, std::atomic<const Step*>& failed, Plan::Recording recording) const noexcept {
  run_stage(stages_.size() - 1, 0, workspace, failed, recording);
}

void StagedPlan::run_stage(std::size_t at, std::int64_t first, Workspace& workspace, std::atomic<const Step*>& failed,
                           Plan::Recording recording) const noexcept {
  const Stage& stage = stages_[at];
  if (at > 0)
    for (std::int64_t i = 0; i < stage.elements; i += stages_[at - 1].elements)
      run_stage(at - 1, first + i, workspace, failed, recording);
  Plan::Workspace& own = workspace.stages[at];
  own.arena = workspace.arena;
  if (at > 0) {
    own.inputs[0] = workspace.arena + stage.input_at;
  } else {
    for (std::size_t k = 0; k < input_bytes_.size(); ++k) own.inputs[k] = workspace.inputs[k] + first * input_bytes_[k];
  }
  if (at + 1 < stages_.size()) {
    const Stage& next = stages_[at + 1];
    own.outputs[0] = workspace.arena + next.input_at + first % next.elements * next.element_bytes;
  } else {
    std::copy(workspace.outputs.begin(), workspace.outputs.end(), own.outputs.begin());
  }
  for (std::size_t i = 0; i < at; ++i) recording.first_step += static_cast<std::int32_t>(stages_[i].plan->step_count());
  stage.plan->run_alone(own, failed, recording);
}

std::size_t StagedPlan::entries() const {
  std::size_t count = 0;
  for (const Stage& stage : stages_)
    count += stage.plan->step_count() * static_cast<std::size_t>(elements() / stage.elements);
  return count;
}

std::vector<StepInfo> StagedPlan::steps() const {
  std::vector<StepInfo> all;
  for (const Stage& stage : stages_) {
    for (StepInfo& info : stage.plan->steps()) {
      info.runs = static_cast<double>(elements() / stage.elements);
      all.push_back(std::move(info));
    }
  }
  return all;
}

std::size_t StagedPlan::step_count() const {
  std::size_t count = 0;
  for (const Stage& stage : stages_) count += stage.plan->step_count();
  return count;
}

std::vector<Plan::Tunable> StagedPlan::tunables() const {
  std::vector<Plan::Tunable> all;
  for (const Stage& stage : stages_) std::ranges::move(stage.plan->tunables(), std::back_inserter(all));
  return all;
}

int StagedPlan::tuned_steps() const {
  int count = 0;
  for (const Stage& stage : stages_) count += stage.plan->tuned_steps();
  return count;
}

std::int64_t StagedPlan::held_bytes() const {
  std::int64_t bytes = 0;
  for (const Stage& stage : stages_) bytes += stage.plan->held_bytes();
  return bytes;
}

}  // namespace wherry::runtime
