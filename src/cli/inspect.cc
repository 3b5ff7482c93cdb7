// wherry inspect: what a model is, and what wherry makes of it.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>

#include "base/check.h"
#include "bench/cache_json.h"
#include "cli/chosen_inputs.h"
#include "cli/command.h"
#include "cli/compiled_report.h"
#include "cli/json_text.h"
#include "cli/progress.h"
#include "cli/step_shape.h"
#include "cli/table.h"
#include "cli/terminal.h"
#include "wherry/compiled.h"

namespace wherry::cli {
namespace {

constexpr const char* kExamples = R"(Examples:
  wherry inspect resnet50.pt
  wherry inspect mobilenet_v2.pth --arch mobilenet_v2 --input 8x3x224x224
  wherry inspect bert.pt --input 1x128:int64 --input 1x128:int64 --graph
  wherry inspect densenet121 --input 4x3x224x224
  wherry inspect resnet50.pt --json | jq '.plan.steps[].kernel'

A plan belongs to one set of input shapes. Where none is given, the shape that the file fixes is taken, or 1x3x224x224
for a model of one input.)";

struct InspectOptions {
  CommonOptions common;
  std::vector<std::string> inputs;
  std::optional<std::int64_t> sequence;
  bool graph = false;
  bool verify = false;
};

std::string sizes_of(const TensorInfo& info) {
  if (!info.sizes) return "any sizes";
  std::string text;
  for (const std::int64_t size : *info.sizes)
    text += (text.empty() ? "" : ", ") + (size < 0 ? "?" : std::to_string(size));
  return "[" + text + "]";
}

std::string text_of(const std::vector<TensorInfo>& infos) {
  std::string text;
  for (const auto& info : infos) {
    if (!text.empty()) text += "\n              ";
    text += printable(info.name.empty() ? "(no name)" : info.name) + "  ";
    text += (info.dtype ? std::string(name_of(*info.dtype)) : "any type") + " " + sizes_of(info);
  }
  return text.empty() ? "none" : text;
}

std::string without_folders(const std::string& source) { return source.substr(source.find_last_of('/') + 1); }

Table table_of(const std::vector<StepInfo>& steps) {
  Table table({{"#", true},
               {"op", false, 11},
               {"kernel", false, 25},
               {"type", false, 4},
               {"shape", false, 34},
               {"weights", true},
               {"output", true},
               {"MFLOP", true},
               {"source"}});
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const StepInfo& step = steps[i];
    table.add({std::to_string(i), step.op, step.kernel, step.precision == "float32" ? "fp32" : step.precision,
               compact_shape(step.shape), step.weight_bytes > 0 ? human_bytes(step.weight_bytes) : "-",
               human_bytes(step.output_bytes),
               step.flops > 0 ? fmt::format("{:.1f}", static_cast<double>(step.flops) / 1e6) : "-",
               without_folders(step.source)});
  }
  return table;
}

/// Of the whole batch, where the steps are a slice's.
std::int64_t total_flops(const PlanInfo& plan) {
  double flops = 0;
  for (const auto& step : plan.steps) flops += static_cast<double>(step.flops) * step.runs;
  return std::llround(flops);
}

std::string counted(std::int64_t count, std::string_view noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

/// "57 steps on 2 threads", or "57 steps on 1 thread, 9 slices (8 of 4 elements, 1 of 2) on 2 threads".
std::string steps_of(const PlanInfo& plan) {
  const std::string steps = counted(static_cast<std::int64_t>(plan.steps.size()), "step");
  const std::string threads = counted(plan.threads, "thread");
  if (plan.slice_size == 0) return steps + " on " + threads;
  const std::string size = counted(plan.slice_size, "element");
  const std::string sizes = plan.rest_size == 0
                                ? fmt::format("of {}", size)
                                : fmt::format("({} of {}, 1 of {})", plan.slices - 1, size, plan.rest_size);
  const auto batch = static_cast<double>(plan.inputs.at(0).sizes.value().at(0));
  const auto elements = [&](const StepInfo& step) { return std::llround(batch / step.runs); };
  const auto few = std::count_if(plan.steps.begin(), plan.steps.end(),
                                 [&](const StepInfo& step) { return elements(step) < plan.slice_size; });
  return fmt::format(
      "{} on 1 thread{}, {} {} on {}", steps,
      few == 0 ? "" : fmt::format(", the first {} for {} at a time", few, counted(elements(plan.steps[0]), "element")),
      counted(plan.slices, "slice"), sizes, threads);
}

void print_text(const InspectOptions& options, const ModelInfo& info, const std::optional<CompiledInfo>& compiled,
                const PlanInfo* plan, const CacheInfo& cache, const std::string& note) {
  std::string out = bold(printable(options.common.model)) + "\n";
  const auto line = [&](std::string_view key, const std::string& value) {
    out += fmt::format("  {:<12}{}\n", key, value);
  };
  line("format", printable(info.format));
  line("parameters", fmt::format("{} ({})", grouped(info.parameter_count), human_bytes(info.parameter_bytes)));
  if (compiled) {
    line("compiled",
         fmt::format("for {} kernels in {}, by wherry {}{}{}", printable(compiled->isa), printable(compiled->precision),
                     printable(compiled->wherry_version), compiled->portable ? ", portable" : "",
                     options.verify ? "; every checksum is right" : ""));
    line("holds", contents_of(*compiled));
  }
  line("inputs", text_of(plan != nullptr ? plan->inputs : info.inputs));
  if (!note.empty()) line("", dim(note));
  if (plan != nullptr) {
    line("outputs", text_of(plan->outputs));
    line("plan", fmt::format("{}, {}, {:.1f} MFLOP", steps_of(*plan), plan->isa,
                             static_cast<double>(total_flops(*plan)) / 1e6));
    if (plan->tuned_steps > 0) line("tuning", fmt::format("{} steps as measured on this CPU", plan->tuned_steps));
    line("memory", fmt::format("arena {}, packed weights {}", human_bytes(plan->arena_bytes),
                               human_bytes(plan->packed_weight_bytes)));
    line("primitives", fmt::format("{} in the cache ({}), {} reused, {} evicted", cache.entries,
                                   human_bytes(cache.bytes), cache.hits, cache.evictions));
    if (options.graph) {
      out += "\n" + bold("graph as imported") + "\n" + plan->graph + "\n" + bold("graph after passes") + "\n" +
             plan->optimized;
      if (!out.ends_with('\n')) out += "\n";
    }
    out += "\n" + table_of(plan->steps).print(output_width());
  }
  std::fputs(out.c_str(), stdout);
}

Json to_json(const std::vector<TensorInfo>& infos) {
  Json list = Json::array();
  for (const auto& info : infos)
    list.push_back({{"name", info.name},
                    {"dtype", info.dtype ? Json(name_of(*info.dtype)) : Json()},
                    {"sizes", info.sizes ? Json(*info.sizes) : Json()}});
  return list;
}

Json to_json(const PlanInfo& plan) {
  Json steps = Json::array();
  for (const auto& step : plan.steps)
    steps.push_back({{"op", step.op},
                     {"kernel", step.kernel},
                     {"precision", step.precision},
                     {"shape", step.shape},
                     {"source", step.source},
                     {"weight_bytes", step.weight_bytes},
                     {"output_bytes", step.output_bytes},
                     {"workspace_bytes", step.workspace_bytes},
                     {"flops", step.flops},
                     {"runs", step.runs}});
  return {{"inputs", to_json(plan.inputs)},
          {"outputs", to_json(plan.outputs)},
          {"threads", plan.threads},
          {"slices", plan.slices},
          {"slice_size", plan.slice_size},
          {"rest_size", plan.rest_size},
          {"isa", plan.isa},
          {"tuned_steps", plan.tuned_steps},
          {"arena_bytes", plan.arena_bytes},
          {"packed_weight_bytes", plan.packed_weight_bytes},
          {"flops", total_flops(plan)},
          {"steps", std::move(steps)},
          {"graph", plan.graph},
          {"optimized", plan.optimized}};
}

ExitCode inspect(const InspectOptions& options) {
  Progress progress(options.common.progress);
  progress.stage("loading " + options.common.model);
  const Model model = load_model(options.common);
  const ModelInfo info = model.describe();
  const auto compiled = model.compiled();
  if (options.verify) {
    if (!compiled)
      base::fail<InvalidInput>("--verify {}: is no compiled model; only those have checksums of their own",
                               options.common.model);
    progress.stage("verifying " + options.common.model);
    model.verify();
  }
  const auto chosen = choose_inputs(options.inputs, model, options.sequence);
  std::optional<PlanInfo> plan;
  progress.stage("planning " + options.common.model);
  if (chosen) plan = model.inspect(chosen->tensors);
  const std::string note = chosen ? chosen->note : "one --input SHAPE for each shows the plan too";
  progress.hide();
  if (options.common.json) {
    Json document = {{"model", options.common.model},
                     {"format", info.format},
                     {"parameter_count", info.parameter_count},
                     {"parameter_bytes", info.parameter_bytes},
                     {"inputs", to_json(info.inputs)}};
    if (!note.empty()) document["note"] = note;
    if (compiled) document["compiled"] = json_of(*compiled);
    if (options.verify) document["verified"] = true;
    document["plan"] = plan ? to_json(*plan) : Json();
    document["primitive_cache"] = bench::json_of(model.cache_info());
    std::fputs((json_text(document) + "\n").c_str(), stdout);
  } else {
    print_text(options, info, compiled, plan ? &*plan : nullptr, model.cache_info(), note);
  }
  return kOk;
}

}  // namespace

void add_inspect(CLI::App& app, Work& work) {
  const auto options = std::make_shared<InspectOptions>();
  CLI::App& command = *app.add_subcommand("inspect", "Show a model's inputs, outputs, graph and plan");
  add_common(command, options->common, kModelOrArchitecture);
  command.add_option("--input", options->inputs, "Sizes of an input: 1x3x224x224, 1x128:int64, NAME=1x128:int64")
      ->allow_extra_args(false)
      ->type_name("SHAPE");
  add_sequence(command, options->sequence);
  command.add_flag("--graph", options->graph, "Show the graph before and after the passes");
  command.add_flag("--verify", options->verify, "Read all of a compiled model and compare its checksums");
  command.footer(kExamples);
  command.callback([options, &work] { work = [options] { return inspect(*options); }; });
}

}  // namespace wherry::cli
