// The public API: load → import → passes → plan → run, each step one call of the layer that knows how.

#include "wherry/model.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <limits>
#include <string_view>
#include <utility>

#include "base/check.h"
#include "base/cores.h"
#include "base/mapped_file.h"
#include "engine/model_state.h"
#include "engine/phase_span.h"
#include "engine/precision_record.h"
#include "import/architectures/architecture.h"
#include "import/state_dict/state_dict_source.h"
#include "ir/ops.h"
#include "passes/pipeline.h"
#include "runtime/batch_plan.h"
#include "runtime/run_record.h"
#include "wherry/profile.h"

namespace wherry {
namespace {

/// Shapes a server sees in turn. Weights, primitives and arenas are shared, so a plan is small unless its shape has
/// large constants of its own.
constexpr runtime::LruCache::Limits kPlans{.entries = 32, .bytes = std::int64_t{256} << 20};
constexpr int kMostThreads = 1024;

int team_size(int wanted) {
  if (wanted < 0 || wanted > kMostThreads) {
    base::fail<InvalidInput>("threads: found {}, accepted are 1 to {}, or 0 for as many as there are cores", wanted,
                             kMostThreads);
  }
  return wanted == 0 ? base::usable_cores() : wanted;
}

/// 0 or 1 where the variable says so.
std::optional<bool> switch_of(const char* name) {
  const char* const variable = std::getenv(name);
  const std::string_view value = variable == nullptr ? "" : variable;
  if (!value.empty() && value != "0" && value != "1")
    base::fail<InvalidInput>("{}={}: accepted are 0 and 1", name, value);
  return value.empty() ? std::nullopt : std::optional(value == "1");
}

runtime::Algorithms algorithms_of(const Options& options) {
  const std::optional<bool> asked = switch_of("WHERRY_FP32_PARTS");
  const std::optional<bool> parts = options.fp32_in_parts ? options.fp32_in_parts : asked;
  return {.winograd = options.winograd && switch_of("WHERRY_WINOGRAD").value_or(true),
          .strassen = options.strassen && switch_of("WHERRY_STRASSEN").value_or(true),
          .linear_parts = parts.value_or(true),
          .convolution_parts = parts.value_or(false)};
}

std::string label(const TensorInfo& info, std::size_t i) {
  return info.name.empty() ? fmt::format("input {}", i) : fmt::format("input {} (\"{}\")", i, info.name);
}

/// What can be told without running the importer: number, types, and what the file fixes.
void check_inputs(std::span<const Tensor> inputs, const std::vector<TensorInfo>& wanted) {
  std::size_t least = wanted.size();
  while (least > 0 && wanted[least - 1].may_be_left_out()) --least;
  if (inputs.size() < least || inputs.size() > wanted.size()) {
    std::string names;
    for (const TensorInfo& info : wanted) names += (names.empty() ? "" : ", ") + info.name;
    base::fail<InvalidInput>("inputs: found {}, the model takes {}{}{}", inputs.size(),
                             least < wanted.size() ? fmt::format("{} to ", least) : "", wanted.size(),
                             names.empty() ? "" : " (" + names + ")");
  }
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const Tensor& input = inputs[i];
    if (!input.defined()) base::fail<InvalidInput>("{}: found no tensor", label(wanted[i], i));
    if (wanted[i].dtype && input.dtype() != *wanted[i].dtype) {
      base::fail<InvalidInput>("{}: found {}, the model takes {}", label(wanted[i], i), name_of(input.dtype()),
                               name_of(*wanted[i].dtype));
    }
    if (!wanted[i].sizes) continue;
    const Dims& sizes = *wanted[i].sizes;  // -1 where the file leaves one open
    bool fits = sizes.size() == input.sizes().size();
    for (std::size_t d = 0; fits && d < sizes.size(); ++d) fits = sizes[d] < 0 || sizes[d] == input.sizes()[d];
    if (!fits) {
      base::fail<InvalidInput>("{}: found sizes {}, the model takes {}", label(wanted[i], i), to_string(input.sizes()),
                               to_string(sizes));
    }
  }
}

std::vector<ir::TensorType> types_of(std::span<const Tensor> inputs) {
  std::vector<ir::TensorType> types;
  types.reserve(inputs.size());
  for (const Tensor& input : inputs) types.push_back({input.dtype(), input.sizes(), {}});
  return types;
}

/// The inputs with those at the end gone that are left out, and those left out before others made.
std::vector<Tensor> completed(std::span<const Tensor> inputs, const std::vector<TensorInfo>& wanted) {
  std::vector<Tensor> result(inputs.begin(), inputs.end());
  while (!result.empty() && !result.back().defined() && result.size() <= wanted.size() &&
         wanted[result.size() - 1].may_be_left_out())
    result.pop_back();
  for (std::size_t i = 1; i < result.size() && i < wanted.size(); ++i) {
    if (result[i].defined() || !wanted[i].fallback || !result[0].defined()) continue;
    const DType dtype = wanted[i].dtype.value_or(result[0].dtype());
    Tensor values = Tensor::empty(DType::i64, result[0].sizes());
    std::ranges::fill(values.mutable_values<std::int64_t>(), *wanted[i].fallback);
    result[i] = dtype == DType::i64 ? values : values.to(dtype);
  }
  return result;
}

/// Hands every packing to the sink; empty where there is none.
runtime::PackedWeights::OnPacked on_packed(ProfileSink* sink) {
  using Clock = std::chrono::steady_clock;
  if (sink == nullptr) return {};
  return [sink](const std::string& name, Clock::time_point begin) {
    const Span span{.kind = Span::Kind::pack,
                    .begin_ns = engine::nanoseconds(begin),
                    .end_ns = engine::nanoseconds(Clock::now()),
                    .name = name};
    sink->take({&span, 1});
  };
}

/// A run and its steps, in the order that ProfileSink promises.
std::vector<Span> spans_of(const Span& run, const runtime::RunRecord& record) {
  std::vector<Span> spans{run};
  for (int thread = 0; thread < record.threads(); ++thread) {
    for (const runtime::RunRecord::Entry& entry : record.of(thread))
      spans.push_back({Span::Kind::step, entry.step, thread, entry.slice, engine::nanoseconds(entry.begin),
                       engine::nanoseconds(entry.end)});
  }
  return spans;
}

std::vector<Tensor> dense(std::span<const Tensor> inputs) {
  std::vector<Tensor> result;
  result.reserve(inputs.size());
  for (const Tensor& input : inputs) result.push_back(input.contiguous());
  return result;
}

}  // namespace

Model::Impl::Impl(std::unique_ptr<import::ModelSource> opened, const Options& options)
    : shared(options.engine != nullptr ? options.engine : Engine::of_process()),
      team(team_size(options.threads)),
      isa(options.isa.empty() ? base::selected_isa() : base::isa_from_name(options.isa, "isa ")),
      source(std::move(opened)),
      fit(engine::fit(source->compiled().get(), options.precision, isa)),
      precision(fit.precision),
      keep_fp32(options.keep_fp32),
      algorithms(algorithms_of(options)),
      tuning_path(engine::tuning_path(options.tuning)),
      tuning(engine::load_tuning(tuning_path)),
      prefetch(engine::weights_of(source->compiled().get(), fit)),
      info(source->describe()),
      sink(options.sink),
      weights(engine::supply_of(source->compiled(), fit), on_packed(sink.get()),
              engine::unsupplied(source->compiled().get())),
      plans(kPlans) {
  info.precision = precision.bf16 ? "bf16" : "fp32";
  info.precision_note = precision.note;
  info.tuning_note = tuning.note;
}

std::vector<Tensor> Model::Impl::inputs_of(std::span<const Tensor> given) const {
  std::vector<Tensor> inputs = completed(given, info.inputs);
  check_inputs(inputs, info.inputs);
  return inputs;
}

engine::BatchGraphs Model::Impl::optimized_graphs(std::span<const Tensor> inputs) const {
  const auto optimized = [this](std::vector<ir::TensorType> types) {
    ir::Graph graph;
    {
      const engine::PhaseSpan span(sink.get(), Span::Kind::import);
      graph = source->graph(types);
    }
    const engine::PhaseSpan span(sink.get(), Span::Kind::passes);
    passes::optimize(graph, precision.bf16, keep_fp32);
    return graph;
  };
  return engine::batch_graphs(optimized(types_of(inputs)), team.size(), [&](std::int64_t batch) {
    std::vector<ir::TensorType> types = types_of(inputs);
    for (ir::TensorType& type : types) type.sizes.at(0) = batch;
    return optimized(std::move(types));
  });
}

engine::PlanCache::PlanPtr Model::Impl::plan(std::span<const Tensor> inputs) {
  std::string key;
  for (const ir::TensorType& type : types_of(inputs)) key += ir::to_string(type) + ";";
  return plans.get(key, [&] { return plan_of(optimized_graphs(inputs)); });
}

engine::PlanCache::PlanPtr Model::Impl::plan_of(const engine::BatchGraphs& graphs, runtime::PrimitiveCache& primitives,
                                                const runtime::Tuning& choices) {
  using runtime::Plan;
  const engine::PhaseSpan span(sink.get(), Span::Kind::plan);
  const auto plan = [&](const ir::Graph& graph, Plan::Threads threads) {
    return std::make_unique<const Plan>(graph, weights, primitives, team, isa, choices, algorithms, threads);
  };
  if (graphs.slice.empty()) return std::make_shared<const runtime::BatchPlan>(plan(graphs.whole, Plan::Threads::team));
  const auto staged = [&](std::span<const ir::Graph> stages) {
    std::vector<std::unique_ptr<const Plan>> of_stages;
    for (const ir::Graph& stage : stages) of_stages.push_back(plan(stage, Plan::Threads::one));
    return std::make_unique<const runtime::StagedPlan>(std::move(of_stages));
  };
  return std::make_shared<const runtime::BatchPlan>(graphs.whole, staged(graphs.slice),
                                                    graphs.rest ? staged(std::span(&*graphs.rest, 1)) : nullptr, team);
}

std::vector<Tensor> Model::Impl::run(std::span<const Tensor> given, std::initializer_list<ProfileSink*> sinks) {
  if (std::ranges::all_of(sinks, [](const ProfileSink* each) { return each == nullptr; })) {
    const std::vector<Tensor> inputs = inputs_of(given);
    return plan(inputs)->run(dense(inputs), team, arenas);
  }
  using Clock = std::chrono::steady_clock;
  Span run{.kind = Span::Kind::run, .begin_ns = engine::nanoseconds(Clock::now())};
  runtime::RunRecord record;
  const std::vector<Tensor> inputs = inputs_of(given);
  std::vector<Tensor> outputs = plan(inputs)->run(dense(inputs), team, arenas, &record);
  run.end_ns = engine::nanoseconds(Clock::now());
  const std::vector<Span> spans = spans_of(run, record);
  for (ProfileSink* each : sinks)
    if (each != nullptr) each->take(spans);
  return outputs;
}

Model::Model(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Model::Model(Model&&) noexcept = default;
Model& Model::operator=(Model&&) noexcept = default;
Model::~Model() = default;

Model Model::load(const std::string& path, const Options& options) {
  const engine::PhaseSpan span(options.sink.get(), Span::Kind::load);
  auto source = import::open_model(path, options.arch);
  if (options.precision != Precision::automatic || engine::precision_is_in_environment() ||
      source->compiled() != nullptr)
    return Model(std::make_unique<Impl>(std::move(source), options));
  const auto record = engine::read_precision_record(engine::precision_record_path(path));
  if (!record) return Model(std::make_unique<Impl>(std::move(source), options));
  Options recorded = options;
  recorded.precision = Precision::bf16;
  recorded.keep_fp32 = record->keep_fp32;
  auto impl = std::make_unique<Impl>(std::move(source), recorded);
  if (impl->precision.bf16) impl->info.precision_note = impl->precision.note = record->note();
  return Model(std::move(impl));
}

Model Model::random(const std::string& arch, const Options& options, std::uint64_t seed) {
  const engine::PhaseSpan span(options.sink.get(), Span::Kind::load);
  return Model(std::make_unique<Impl>(import::make_random_source(arch, seed), options));
}

std::vector<std::string> Model::architectures() {
  std::vector<std::string> names;
  for (const import::Architecture& known : import::architectures()) names.push_back(known.name);
  return names;
}

ModelInfo Model::describe() const { return impl_->info; }

std::optional<CompiledInfo> Model::compiled() const {
  const auto file = impl_->source->compiled();
  return file == nullptr ? std::nullopt : std::optional(engine::info_of(*file, impl_->info.inputs));
}

void Model::verify() const {
  if (const auto file = impl_->source->compiled()) file->verify();
}

CompiledInfo Model::compile(const std::string& path, std::span<const std::vector<Tensor>> inputs, bool portable) const {
  if (const auto file = impl_->source->compiled())
    base::fail<InvalidInput>("{}: is compiled already; compile the model it was made from", file->path());
  if (impl_->precision.bf16 && !impl_->keep_fp32.empty())
    base::fail<InvalidInput>(
        "{}: {} modules are kept in fp32, which a compiled file cannot say; fp32 or bf16 for all is accepted", path,
        impl_->keep_fp32.size());
  if (inputs.empty()) base::fail<InvalidInput>("{}: one set of inputs at least is needed to compile for", path);
  const import::Origin origin = impl_->source->origin();
  import::CompiledAbout about;
  about.isa = name_of(engine::kernel_isa(impl_->precision, impl_->isa));
  about.precision = impl_->precision.bf16 ? "bf16" : "fp32";
  about.portable = portable;
  const auto& records = origin.records->records();
  std::vector<bool> read(records.size());
  const auto add_reads = [&](std::int64_t most_bytes) {
    const std::vector<bool> reads = origin.records->reads();
    for (std::size_t i = 0; i < read.size(); ++i) read[i] = read[i] || (reads[i] && records[i].size <= most_bytes);
    origin.records->forget_reads();
  };
  std::vector<engine::PlanCache::PlanPtr> made;  // they keep their weights alive
  for (const std::vector<Tensor>& given : inputs) {
    const std::vector<Tensor> set = impl_->inputs_of(given);
    about.shapes.push_back(types_of(set));
    // What importer and passes read is needed for any shape; what only packing reads is in the file packed.
    origin.records->forget_reads();
    const engine::BatchGraphs graphs = impl_->optimized_graphs(set);
    add_reads(std::numeric_limits<std::int64_t>::max());
    made.push_back(impl_->plan_of(graphs));
    // A table, of positions say, that this shape reads a part of: another shape reads another part.
    origin.records->forget_reads();
    for (const ir::Value* constant : graphs.whole.constants())
      if (impl_->weights.holds_plain(*constant->constant())) constant->constant()->get();
    add_reads(engine::kLargestTableKept);
  }
  engine::write_compiled(path, origin, std::move(read), impl_->weights, std::move(about));
  return engine::info_of(*import::CompiledFile::open(base::MappedFile::open(path)), impl_->info.inputs);
}

PlanInfo Model::inspect(std::span<const Tensor> given) const {
  const std::vector<Tensor> inputs = impl_->inputs_of(given);
  PlanInfo info;
  // The plan keeps no graphs, so they are made again: milliseconds, and only here.
  ir::Graph graph = impl_->source->graph(types_of(inputs));
  info.graph = ir::print(graph);
  passes::optimize(graph, impl_->precision.bf16, impl_->keep_fp32);
  info.optimized = ir::print(graph);

  const auto plan = impl_->plan(inputs);
  info.steps = plan->steps();
  for (const StepInfo& step : info.steps) info.packed_weight_bytes += step.weight_bytes;
  for (std::size_t i = 0; i < plan->input_types().size(); ++i) {
    const std::string name = i < impl_->info.inputs.size() ? impl_->info.inputs[i].name : std::string();
    info.inputs.push_back({name, plan->input_types()[i].dtype, plan->input_types()[i].sizes});
  }
  for (std::size_t i = 0; i < plan->output_types().size(); ++i) {
    info.outputs.push_back({plan->output_names()[i], plan->output_types()[i].dtype, plan->output_types()[i].sizes});
  }
  info.arena_bytes = plan->arena_bytes();
  info.slices = plan->slices();
  info.slice_size = plan->slice_size();
  info.rest_size = plan->rest_size();
  info.threads = impl_->team.size();
  info.isa = base::name_of(impl_->isa);
  info.tuned_steps = plan->tuned_steps();
  info.precision = impl_->precision.bf16 ? "bf16" : "fp32";
  info.precision_note = impl_->precision.note;
  return info;
}

std::vector<Tensor> Model::run(std::span<const Tensor> given) const { return impl_->run(given, {impl_->run_sink()}); }

std::vector<Tensor> Model::run(std::span<const Tensor> given, ProfileSink& sink) const {
  return impl_->run(given, {impl_->run_sink(), &sink});
}

std::vector<LayerOutput> Model::layer_outputs(std::span<const Tensor> given, std::vector<Tensor>* outputs) const {
  const std::vector<Tensor> inputs = impl_->inputs_of(given);
  engine::BatchGraphs graphs;
  graphs.whole = impl_->source->graph(types_of(inputs));
  ir::Graph& graph = graphs.whole;
  passes::optimize(graph, impl_->precision.bf16, impl_->keep_fp32);
  const std::size_t own = graph.outputs().size();
  std::vector<LayerOutput> layers;
  for (const ir::Node* node : graph.nodes()) {
    if (node->op() != "convolution" && node->op() != "matmul" && node->op() != "attention") continue;
    const DType multiplied = node->has("dtype") ? node->dtype("dtype") : node->input(0)->type().dtype;
    layers.push_back({node->source().module, node->op(), multiplied == DType::bf16 ? "bf16" : "fp32", {}});
    graph.add_output(node->output(), "");
  }
  std::vector<Tensor> values = impl_->plan_of(graphs)->run(dense(inputs), impl_->team, impl_->arenas);
  for (std::size_t i = 0; i < layers.size(); ++i) layers[i].value = values[own + i].to(DType::f32);
  values.resize(own);
  if (outputs != nullptr) *outputs = std::move(values);
  return layers;
}

CacheInfo Model::cache_info() const { return impl_->shared->cache_info(); }

std::vector<std::string> Model::output_names(std::span<const Tensor> inputs) const {
  return impl_->plan(impl_->inputs_of(inputs))->output_names();
}

}  // namespace wherry
