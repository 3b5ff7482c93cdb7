#pragma once
// What a loaded model is made of, for the files of this layer that work on one.

#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/cpu.h"
#include "base/prefetch.h"
#include "engine/batch_graphs.h"
#include "engine/compiled_model.h"
#include "engine/engine.h"
#include "engine/plan_cache.h"
#include "engine/precision.h"
#include "engine/tuning_file.h"
#include "import/model_source.h"
#include "ir/graph.h"
#include "runtime/arena_pool.h"
#include "runtime/packed_weights.h"
#include "runtime/thread_team.h"
#include "wherry/model.h"
#include "wherry/profile.h"

namespace wherry {

struct Model::Impl {
  Impl(std::unique_ptr<import::ModelSource> opened, const Options& options);

  std::shared_ptr<Engine> shared;
  runtime::ThreadTeam team;
  base::Isa isa;
  std::unique_ptr<import::ModelSource> source;
  engine::Fit fit;
  engine::ChosenPrecision precision;
  std::vector<std::string> keep_fp32;
  runtime::Algorithms algorithms;
  std::string tuning_path;
  engine::LoadedTuning tuning;
  base::Prefetch prefetch;  // of a compiled model's weights, beside the import of the first shape
  ModelInfo info;
  std::shared_ptr<ProfileSink> sink;  // null for none
  runtime::PackedWeights weights;
  runtime::ArenaPool arenas;
  engine::PlanCache plans;

  /// The inputs as the importer takes them: checked against what the file fixes, those completed that may be left out.
  std::vector<Tensor> inputs_of(std::span<const Tensor> given) const;
  /// Imports, runs the passes and decides on slices. Inputs are inputs_of()'s, here and below.
  engine::BatchGraphs optimized_graphs(std::span<const Tensor> inputs) const;
  /// A plan of them with `primitives`, and blockings as in `choices`.
  engine::PlanCache::PlanPtr plan_of(const engine::BatchGraphs& graphs, runtime::PrimitiveCache& primitives,
                                     const runtime::Tuning& choices);
  engine::PlanCache::PlanPtr plan_of(const engine::BatchGraphs& graphs) {
    return plan_of(graphs, shared->impl().primitives, tuning.choices);
  }
  /// The plan for inputs of these types, made where there is none.
  engine::PlanCache::PlanPtr plan(std::span<const Tensor> inputs);
  /// `sink` where it takes inferences, else null.
  ProfileSink* run_sink() const { return sink != nullptr && sink->takes_runs() ? sink.get() : nullptr; }
  /// One inference, with its spans for these sinks (null for none).
  std::vector<Tensor> run(std::span<const Tensor> given, std::initializer_list<ProfileSink*> sinks);
};

}  // namespace wherry
