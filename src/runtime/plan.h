#pragma once
// A graph made ready to run for one set of input shapes: steps in order, one arena, everything decided. Immutable, so
// several threads may run it at once.

#include <atomic>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/cpu.h"
#include "ir/graph.h"
#include "runtime/algorithms.h"
#include "runtime/arena_pool.h"
#include "runtime/packed_weights.h"
#include "runtime/primitive_cache.h"
#include "runtime/run_record.h"
#include "runtime/step.h"
#include "runtime/thread_team.h"
#include "runtime/tuning.h"

namespace wherry::runtime {

class Plan {
 public:
  /// Plans a graph of the core set with strides (core_ops.h), for kernels of `isa`. Weights are packed with the team.
  /// `tuning` has the blockings that measured best; `algorithms` are allowed. The plan is for a whole team of that
  /// size, or for one thread of it. Throws Unsupported with every node that no kernel can run.
  enum class Threads : std::uint8_t { team, one };
  Plan(const ir::Graph& graph, PackedWeights& weights, PrimitiveCache& primitives, ThreadTeam& team, base::Isa isa,
       const Tuning& tuning = {}, const Algorithms& algorithms = {}, Threads threads = Threads::team);
  Plan(const Plan&) = delete;
  Plan& operator=(const Plan&) = delete;
  ~Plan();

  /// One inference: row-major inputs of exactly the graph's types in, row-major outputs out (so it is not for graphs
  /// whose outputs keep other strides). The team must be as large as the one that planned. `record` (may be null) gets
  /// when each thread was in which step.
  std::vector<Tensor> run(std::span<const Tensor> inputs, ThreadTeam& team, ArenaPool& arenas,
                          RunRecord* record = nullptr) const;

  /// What one run works on: inputs with the strides of their types, outputs (row-major, or with theirs where the graph
  /// says so), arena_bytes() of memory, and a table for the plan's own use.
  struct Workspace {
    std::vector<const std::byte*> inputs;
    std::vector<std::byte*> outputs;
    std::byte* arena = nullptr;
    std::vector<std::byte*> storages;
  };
  /// A workspace with room for everything, so that run_alone allocates nothing.
  Workspace workspace() const;
  /// Where one thread's part of a run is recorded; has room for all steps.
  struct Recording {
    std::vector<RunRecord::Entry>* entries = nullptr;  ///< null for nowhere
    std::int32_t slice = -1;
    std::int32_t first_step = 0;  ///< what the plan's first step counts as
  };
  /// One inference by the calling thread alone, of a plan that wants only one. A step that meets data it cannot work
  /// with leaves itself in `failed`.
  void run_alone(Workspace& workspace, std::atomic<const Step*>& failed, Recording recording) const noexcept;
  /// Throws InvalidInput naming the step, where one failed.
  static void check(const std::atomic<const Step*>& failed);

  /// A step's primitive with blockings to choose from: its key in Tuning, and the choices, the cost model's first.
  struct Tunable {
    std::string key;
    std::vector<kernels::Choice> candidates;
  };
  /// One a step, empty where there is nothing to choose.
  std::vector<Tunable> tunables() const;
  /// How many steps run with a blocking of Tuning's.
  int tuned_steps() const { return tuned_steps_; }

  const std::vector<ir::TensorType>& input_types() const { return inputs_; }
  const std::vector<ir::TensorType>& output_types() const { return outputs_; }
  const std::vector<std::string>& output_names() const { return output_names_; }

  /// What each step is and runs, in order.
  std::vector<StepInfo> steps() const;
  std::size_t step_count() const { return steps_.size(); }
  std::int64_t arena_bytes() const { return arena_bytes_; }
  /// About what keeping the plan costs: its tables, and constants that no plan had before. Packed weights and
  /// primitives belong to others.
  std::int64_t held_bytes() const { return held_bytes_; }
  /// How many of the steps wait for the others' threads before they start.
  int barriers() const;

 private:
  struct Scheduled {
    std::unique_ptr<const Step> step;
    bool barrier_before = false;
    const Step* next = nullptr;  // the next one with weights
    int next_threads = 1;
  };
  /// Runs one step's part, which may bring the next weights closer.
  void run_step(std::size_t i, const RunContext& context, int thread, int threads, Recording recording) const noexcept;
  /// Where a storage is in a run: at an offset in the arena, or handed in.
  struct Home {
    enum class Kind : std::uint8_t { arena, input, output, constant } kind;
    std::int64_t offset = 0;  // in the arena
    int index = 0;            // of the input or output
    const std::byte* constant = nullptr;
  };

  std::int64_t table_bytes() const;
  RunContext bind(Workspace& workspace, std::atomic<const Step*>& failed) const noexcept;
  void schedule(std::vector<std::unique_ptr<const Step>> steps, const std::vector<std::int64_t>& bytes);

  std::vector<ir::TensorType> inputs_;
  std::vector<ir::TensorType> outputs_;
  std::vector<std::string> output_names_;
  std::vector<Scheduled> steps_;
  std::vector<Home> homes_;
  std::vector<std::shared_ptr<const void>> kept_;
  std::vector<std::shared_ptr<const Tensor>> constants_;
  std::int64_t arena_bytes_ = 0;
  std::int64_t held_bytes_ = 0;
  int tuned_steps_ = 0;
  int team_size_ = 1;
  int threads_ = 1;  // that any step can use
};

}  // namespace wherry::runtime
