// Planning: place values, lower nodes, lay out the arena, decide where threads must meet. Running: bind the storages,
// walk the steps.

#include "runtime/plan.h"

#include <algorithm>
#include <string>

#include "base/check.h"
#include "runtime/lowering.h"
#include "runtime/memory_plan.h"
#include "runtime/provenance.h"
#include "runtime/run_tensors.h"

namespace wherry::runtime {
namespace {

/// Lowers every node, and refuses the graph once with all that is missing.
void lower_all(const ir::Graph& graph, Lowering& lowering, const std::vector<OutputCopy>& copies) {
  std::vector<Unsupported::Item> missing;
  std::string message;
  std::int64_t position = 0;
  for (const ir::Node* node : graph.nodes()) {
    try {
      lowering.lower(*node, position);
    } catch (const Unsupported& error) {
      missing.insert(missing.end(), error.items().begin(), error.items().end());
      message += (message.empty() ? "" : "; ") + std::string(error.what());
    }
    ++position;
  }
  if (!missing.empty()) {
    message = fmt::format("the model needs {} operation{} that wherry has no kernel for: {}", missing.size(),
                          missing.size() == 1 ? "" : "s", message);
    throw Unsupported(message, std::move(missing));
  }
  for (const OutputCopy& copy : copies) lowering.lower(copy, position);
}

}  // namespace

Plan::Plan(const ir::Graph& graph, PackedWeights& weights, PrimitiveCache& primitives, ThreadTeam& team, base::Isa isa,
           const Tuning& tuning, const Algorithms& algorithms, Threads threads)
    : output_names_(graph.output_names()), team_size_(threads == Threads::one ? 1 : team.size()) {
  for (const ir::Value* value : graph.inputs()) inputs_.push_back(value->type());
  for (const ir::Value* value : graph.outputs()) outputs_.push_back(value->type());

  const ThreadTeam::Turn turn = team.take_turn();
  Lowering lowering(graph, weights, primitives, team, turn, team_size_, isa, tuning, algorithms);
  lower_all(graph, lowering, lowering.output_copies());
  weights.settle();
  Lowering::Result lowered = lowering.finish();
  kept_ = std::move(lowered.kept);
  constants_ = std::move(lowered.constants);
  tuned_steps_ = lowered.tuned;

  std::vector<Lifetime> lifetimes;
  std::vector<std::size_t> owners;  // storage of each lifetime
  std::vector<std::int64_t> bytes;
  const std::vector<Storage>& storages = lowered.placement.storages;
  for (std::size_t i = 0; i < storages.size(); ++i) {
    const Storage& storage = storages[i];
    homes_.push_back({Home::Kind::arena, 0, storage.index, nullptr});
    bytes.push_back(storage.bytes);
    switch (storage.kind) {
      case Storage::Kind::arena:
        lifetimes.push_back({storage.bytes, storage.first, storage.last});
        owners.push_back(i);
        break;
      case Storage::Kind::input: homes_.back().kind = Home::Kind::input; break;
      case Storage::Kind::output: homes_.back().kind = Home::Kind::output; break;
      case Storage::Kind::constant:
        homes_.back().kind = Home::Kind::constant;
        if (constants_[i] != nullptr) homes_.back().constant = static_cast<const std::byte*>(constants_[i]->data());
        break;
    }
  }
  const MemoryPlan memory = plan_memory(lifetimes);
  for (std::size_t i = 0; i < owners.size(); ++i) homes_[owners[i]].offset = memory.offsets[i];
  arena_bytes_ = memory.arena_bytes;
  schedule(std::move(lowered.steps), bytes);
  held_bytes_ = lowered.own_bytes + table_bytes();
}

Plan::~Plan() = default;

std::int64_t Plan::table_bytes() const {
  // A step is an object of a few hundred bytes, its operands' places, and the strings of its info.
  constexpr std::size_t kStep = 1024;
  std::size_t sum = sizeof(Plan) + homes_.size() * (sizeof(Home) + sizeof(constants_[0])) +
                    kept_.size() * sizeof(kept_[0]) + (inputs_.size() + outputs_.size()) * 128;
  for (const Scheduled& each : steps_) {
    const StepInfo& info = each.step->info();
    const ir::Source& source = each.step->source();
    sum += kStep + each.step->tuning_key().size() + info.kernel.size() + info.shape.size() + source.module.size() +
           source.file.size() + source.fused.size() * sizeof(ir::Source);
  }
  return static_cast<std::int64_t>(sum);
}

void Plan::schedule(std::vector<std::unique_ptr<const Step>> steps, const std::vector<std::int64_t>& bytes) {
  const auto overlap = [&](int a, int b) {
    if (a == b) return true;
    const Home& one = homes_[static_cast<std::size_t>(a)];
    const Home& other = homes_[static_cast<std::size_t>(b)];
    if (one.kind != Home::Kind::arena || other.kind != Home::Kind::arena) return false;
    return one.offset < other.offset + bytes[static_cast<std::size_t>(b)] &&
           other.offset < one.offset + bytes[static_cast<std::size_t>(a)];
  };
  const auto any_overlap = [&](const std::vector<int>& a, const std::vector<int>& b) {
    return std::any_of(a.begin(), a.end(),
                       [&](int i) { return std::any_of(b.begin(), b.end(), [&](int j) { return overlap(i, j); }); });
  };
  // Steps since the last meeting may run at the same time; one thread's own steps are in order anyway.
  std::size_t open = 0;
  for (std::unique_ptr<const Step>& step : steps) {
    const int threads = std::min(step->max_threads(), team_size_);
    threads_ = std::max(threads_, threads);
    bool wait = false;
    for (std::size_t i = open; i < steps_.size() && !wait; ++i) {
      const Step& earlier = *steps_[i].step;
      if (threads == 1 && std::min(earlier.max_threads(), team_size_) == 1) continue;
      wait = any_overlap(earlier.writes(), step->reads()) || any_overlap(earlier.writes(), step->writes()) ||
             any_overlap(earlier.reads(), step->writes());
    }
    if (wait) open = steps_.size();
    steps_.push_back({std::move(step), wait});
  }
  const Step* next = nullptr;
  for (std::size_t i = steps_.size(); i-- > 0;) {
    steps_[i].next = next;
    if (next != nullptr) steps_[i].next_threads = std::min(next->max_threads(), team_size_);
    if (steps_[i].step->first_weights(0, 1) != nullptr) next = steps_[i].step.get();
  }
}

void Plan::run_step(std::size_t i, const RunContext& context, int thread, int threads,
                    Recording recording) const noexcept {
  const Scheduled& each = steps_[i];
  RunContext own = context;
  if (each.next != nullptr && thread < each.next_threads)
    own.next_weights = each.next->first_weights(thread, each.next_threads);
  if (recording.entries == nullptr) {
    each.step->run(own, thread, threads);
    return;
  }
  const auto begin = RunRecord::Clock::now();
  each.step->run(own, thread, threads);
  recording.entries->push_back(
      {recording.first_step + static_cast<std::int32_t>(i), recording.slice, begin, RunRecord::Clock::now()});
}

std::vector<Tensor> Plan::run(std::span<const Tensor> inputs, ThreadTeam& team, ArenaPool& arenas,
                              RunRecord* record) const {
  WHERRY_CHECK_EQ(team.size(), team_size_);
  check_inputs(inputs, inputs_);
  std::vector<Tensor> outputs = empty_outputs(outputs_);

  Workspace work = workspace();
  for (std::size_t i = 0; i < inputs.size(); ++i) work.inputs[i] = static_cast<const std::byte*>(inputs[i].data());
  for (std::size_t i = 0; i < outputs.size(); ++i) work.outputs[i] = static_cast<std::byte*>(outputs[i].mutable_data());
  std::atomic<const Step*> failed{nullptr};
  if (record != nullptr) record->reset(threads_, steps_.size());
  const auto recording = [&](int thread) {
    return record != nullptr && thread < threads_ ? Recording{&record->of(thread)} : Recording{};
  };
  if (threads_ == 1) {
    // Nothing to share out: leave the other threads asleep, and let other callers run.
    ArenaPool::Lease arena = arenas.take(static_cast<std::size_t>(arena_bytes_));
    work.arena = arena.data();
    run_alone(work, failed, recording(0));
  } else {
    const ThreadTeam::Turn turn = team.take_turn();
    ArenaPool::Lease arena = arenas.take(static_cast<std::size_t>(arena_bytes_));
    work.arena = arena.data();
    const RunContext context = bind(work, failed);
    team.run(turn, [&](int thread) noexcept {
      const Recording own = recording(thread);
      for (std::size_t i = 0; i < steps_.size(); ++i) {
        const Scheduled& each = steps_[i];
        if (each.barrier_before) team.barrier();
        const int threads = std::min(each.step->max_threads(), team_size_);
        if (thread < threads) run_step(i, context, thread, threads, own);
      }
    });
  }
  if (record != nullptr) record->end = RunRecord::Clock::now();
  check(failed);
  return outputs;
}

Plan::Workspace Plan::workspace() const {
  return {std::vector<const std::byte*>(inputs_.size()), std::vector<std::byte*>(outputs_.size()), nullptr,
          std::vector<std::byte*>(homes_.size())};
}

RunContext Plan::bind(Workspace& workspace, std::atomic<const Step*>& failed) const noexcept {
  for (std::size_t i = 0; i < homes_.size(); ++i) {
    const Home& home = homes_[i];
    const auto index = static_cast<std::size_t>(home.index);
    std::byte*& place = workspace.storages[i];
    switch (home.kind) {
      case Home::Kind::arena: place = workspace.arena + home.offset; break;
      // Steps only read inputs and constants; the table has one type for all.
      case Home::Kind::input: place = const_cast<std::byte*>(workspace.inputs[index]); break;
      case Home::Kind::output: place = workspace.outputs[index]; break;
      case Home::Kind::constant: place = const_cast<std::byte*>(home.constant); break;
    }
  }
  return {workspace.storages.data(), &failed};
}

void Plan::run_alone(Workspace& workspace, std::atomic<const Step*>& failed, Recording recording) const noexcept {
  const RunContext context = bind(workspace, failed);
  for (std::size_t i = 0; i < steps_.size(); ++i) run_step(i, context, 0, 1, recording);
}

void Plan::check(const std::atomic<const Step*>& failed) {
  const Step* step = failed.load();
  if (step == nullptr) return;
  const std::string where = ir::to_string(step->source());
  base::fail<InvalidInput>("inputs: {}{} {}", step->info().op, where.empty() ? "" : " at " + where, step->failure());
}

std::vector<StepInfo> Plan::steps() const {
  std::vector<StepInfo> infos;
  infos.reserve(steps_.size());
  for (const Scheduled& each : steps_) infos.push_back(with_provenance(each.step->info(), each.step->source()));
  return infos;
}

std::vector<Plan::Tunable> Plan::tunables() const {
  std::vector<Tunable> tunables;
  for (const Scheduled& each : steps_) {
    const std::string& key = each.step->tuning_key();
    tunables.push_back({key, key.empty() ? std::vector<kernels::Choice>() : each.step->candidates()});
  }
  return tunables;
}

int Plan::barriers() const {
  return static_cast<int>(
      std::count_if(steps_.begin(), steps_.end(), [](const auto& each) { return each.barrier_before; }));
}

}  // namespace wherry::runtime
