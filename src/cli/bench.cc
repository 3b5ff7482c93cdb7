// wherry bench: torchbench's run.py for one model, line for line, and what it does not tell.

#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <memory>
#include <optional>

#include "base/check.h"
#include "bench/cache_json.h"
#include "bench/correctness.h"
#include "bench/environment.h"
#include "bench/inputs.h"
#include "bench/latency.h"
#include "bench/profile.h"
#include "bench/profile_document.h"
#include "bench/stress.h"
#include "bench/trace_file.h"
#include "cli/agreement_report.h"
#include "cli/command.h"
#include "cli/json_text.h"
#include "cli/measured_inputs.h"
#include "cli/profile_report.h"
#include "cli/progress.h"
#include "cli/terminal.h"
#include "cost/result.h"
#include "wherry/compiled.h"

namespace wherry::cli {
namespace {

constexpr const char* kExamples = R"(Examples:
  wherry bench resnet50                                  # built in, random weights
  wherry bench resnet50.pt -d cpu -m jit -t eval --bs 32 --precision bf16
  wherry bench weights.pth --arch mobilenet_v2 --threads 4 --seconds 10
  wherry bench resnet50.wherry --bs 8
  wherry bench bert.pt --input 1x128:int64 --input 1x128:int64 --use_cosine_similarity
  wherry bench resnet18 --json - --skip_correctness | jq .p50_ms
  wherry bench resnet50 --json c7g.json --instance c7g.4xlarge      # for wherry cost
  wherry bench resnet50 --profile                        # where the time goes, and logs/resnet50.pt.trace.json

The flags, and the lines that are printed first, are those of torchbench's run.py. After 3 warm-ups each iteration is
timed alone, for at least 10 iterations and one second, or for --seconds S or --stress S. The wall time is the median.
Inputs are random (seed 1337). Cold start is from loading to the first answer, in this process: for built-in
architectures it includes drawing the weights. GB is 2^30 bytes, as in torchbench; mb in JSON is 10^6.

Correctness is against wherry's own scalar kernels in fp32 on up to 4 images of the batch, for the first answer and the
last: allclose with TORCHBENCH_ATOL and TORCHBENCH_RTOL (1e-4), or a cosine similarity of 0.99 with
--use_cosine_similarity and always where bf16 runs. Relative errors are of the output's largest value. A compiled model
is checked where it is a --portable one. cache: of primitives, after measuring.

--profile times every step of more inferences, which take turns with as many that are not looked into, and lists what
is alike (op, kernel, shape) as one, slowest first. FLOP are the direct algorithm's, for Winograd's too; GB/s is the
bytes of weights, inputs and outputs, each once, by the step's time. `wherry profile` tells more.
Exit codes: 0 done, 2 bad input, 3 not correct, or another internal error.)";

constexpr double kGigabyte = 1024.0 * 1024 * 1024;

struct BenchOptions {
  CommonOptions common;
  MeasuredInputs inputs;
  std::string device = "cpu";
  std::string mode = "jit";
  std::string test = "eval";
  std::string metrics = "cpu_peak_mem";
  std::string profile_folder = "./logs";
  std::string json;
  std::string instance;
  double seconds = 0;
  double stress = 0;
  bool channels_last = false;
  bool cosine = false;
  bool skip_correctness = false;
  bool profile = false;
  bool export_metrics = false;

  bool to_standard_output() const { return json == "-"; }
  bool peak_memory() const { return metrics.find("cpu_peak_mem") != std::string::npos; }
};

/// What was found, as far as it was looked for.
struct Findings {
  std::string name;
  std::string model;
  std::string format;
  std::int64_t batch = 1;
  std::vector<TensorInfo> inputs;
  PlanInfo plan;
  double cold_start_ms = 0;
  bench::Latency latency;
  std::int64_t peak_memory_bytes = 0;
  CacheInfo cache;  ///< of the measured model's engine, after measuring
  std::optional<bench::Correctness> correctness;
  std::string rule;
  std::optional<bench::Profile> profile;
  std::string trace_path;  ///< of the profile

  double throughput() const {
    return static_cast<double>(batch) * static_cast<double>(latency.samples_ms.size()) / latency.total_seconds();
  }
};

void refuse_what_is_not_there(const BenchOptions& options) {
  if (options.device != "cpu") base::fail<InvalidInput>("-d {}: wherry runs on CPUs; cpu is accepted", options.device);
  if (options.test != "eval")
    base::fail<InvalidInput>("-t {}: wherry runs inference and does not train; eval is accepted", options.test);
  if (options.mode != "jit" && options.mode != "eager")
    base::fail<InvalidInput>("-m {}: no such mode; jit and eager are accepted (one engine runs both)", options.mode);
  for (std::size_t begin = 0; begin <= options.metrics.size();) {
    const auto end = std::min(options.metrics.find(',', begin), options.metrics.size());
    const std::string metric = options.metrics.substr(begin, end - begin);
    if (metric != "cpu_peak_mem" && metric != "none")
      base::fail<InvalidInput>("--metrics {}: cannot collect '{}'; cpu_peak_mem and none are accepted", options.metrics,
                               metric);
    begin = end + 1;
  }
  if (options.seconds > 0 && options.stress > 0)
    base::fail<InvalidInput>("--stress {}: --seconds says how long already; one of the two is accepted",
                             options.stress);
}

void say(const BenchOptions& options, Progress& progress, const std::string& text) {
  if (options.to_standard_output()) return;
  progress.hide();
  std::fputs(text.c_str(), stdout);
  std::fflush(stdout);
}

/// A line as torchbench prints it.
std::string line(std::string_view key, const std::string& value) { return fmt::format("{:<20} {:>20}\n", key, value); }

bench::Latency measure(const BenchOptions& options, const bench::Started& started, Progress& progress) {
  bench::Extent extent;
  if (options.seconds > 0 || options.stress > 0) extent = {1, std::max(options.seconds, options.stress)};
  bench::StressTable table(options.stress);
  return bench::measure(started.model, started.inputs, extent, [&](const bench::Tick& tick) {
    progress.fraction(bench::done(tick, extent));
    if (options.stress <= 0) return;
    if (const auto row = table.line(tick)) say(options, progress, *row);
  });
}

bench::Profile measure_steps(const BenchOptions& options, const bench::Started& started, Progress& progress) {
  const bench::ProfileOptions how{.warm_ups = 0};
  progress.stage("timing the steps of " + options.common.model);
  return bench::profile(started.model, started.inputs, how, nullptr,
                        [&](const bench::Tick& tick) { progress.fraction(bench::done(tick, how.extent)); });
}

/// Why the scalar kernels cannot run what was measured; empty where they can.
std::string why_no_reference(const std::string& name, const Model& model) {
  const auto compiled = model.compiled();
  if (!compiled || compiled->portable || (compiled->isa == "scalar" && compiled->precision == "fp32")) return "";
  return fmt::format(
      "{}: has its weights as {} kernels in {} read them, so the scalar ones cannot check it; compile it with "
      "--portable "
      "for that",
      name, compiled->isa, compiled->precision);
}

std::string text_of(const Findings& found) {
  const bench::Latency& latency = found.latency;
  std::string out = "\n";
  const auto add = [&](std::string_view key, const std::string& value) {
    out += fmt::format("  {:<12}{}\n", key, value);
  };
  add("latency", fmt::format("p50 {:.3f} ms, p90 {:.3f}, p99 {:.3f}, min {:.3f} ({} iteration{} after {} warm-ups)",
                             latency.percentile(50), latency.percentile(90), latency.percentile(99), latency.least(),
                             latency.samples_ms.size(), latency.samples_ms.size() == 1 ? "" : "s", bench::kWarmUps));
  add("throughput", fmt::format("{:.1f} per second", found.throughput()));
  add("cold start", fmt::format("{:.1f} ms", found.cold_start_ms));
  add("memory", fmt::format("{} at the most", human_bytes(found.peak_memory_bytes)));
  add("ran", fmt::format("{} on {} thread{}, {}", found.plan.precision, found.plan.threads,
                         found.plan.threads == 1 ? "" : "s", found.plan.isa));
  add("cache",
      fmt::format("{} hits, {} misses, {} evictions; {} primitives in {}", found.cache.hits, found.cache.misses,
                  found.cache.evictions, found.cache.entries, human_bytes(found.cache.bytes)));
  if (!found.correctness) return out;
  add("agreement", agreement_text(found.correctness->agreement));
  add("", dim(fmt::format("with scalar fp32, {} of {} images, two rounds; wanted: {}", found.correctness->images,
                          found.batch, found.rule)));
  return out;
}

Json to_json(const Findings& found, const BenchOptions& options) {
  const auto& correctness = found.correctness;
  const auto of = [&](auto member) { return correctness ? finite_number(member(correctness->agreement)) : Json(); };
  Json inputs = Json::array();
  for (const TensorInfo& input : found.inputs)
    inputs.push_back({{"name", input.name}, {"dtype", name_of(*input.dtype)}, {"sizes", *input.sizes}});
  return {{"name", found.name},
          {"model", found.model},
          {"format", found.format},
          {"batch", found.batch},
          {"inputs", std::move(inputs)},
          {"mode", options.mode},
          {"p50_ms", found.latency.percentile(50)},
          {"p90_ms", found.latency.percentile(90)},
          {"p99_ms", found.latency.percentile(99)},
          {"min_ms", found.latency.least()},
          {"iterations", found.latency.samples_ms.size()},
          {"throughput_per_s", found.throughput()},
          {"cold_start_ms", found.cold_start_ms},
          {"peak_memory_mb", static_cast<double>(found.peak_memory_bytes) / 1e6},
          {"threads", found.plan.threads},
          {"precision", found.plan.precision},
          {"precision_note", found.plan.precision_note},
          {"isa", found.plan.isa},
          {"correct", correctness ? Json(correctness->passed) : Json()},
          {"correctness_rule", correctness ? Json(found.rule) : Json()},
          {"cosine", of([](const auto& agreement) { return agreement.cosine; })},
          {"max_abs_error", of([](const auto& agreement) { return agreement.max_abs_error; })},
          {"max_rel_error", of([](const auto& agreement) { return agreement.max_rel_error; })},
          {"top1_agreement", of([](const auto& agreement) { return agreement.top1_agreement(); })},
          {"images_compared", correctness ? Json(correctness->images) : Json()},
          {"cache", bench::json_of(found.cache)},
          {"profile", found.profile ? bench::profile_steps(*found.profile) : Json()},
          {"profile_steps_ms", found.profile ? Json(found.profile->steps_ms()) : Json()},
          {"profile_inference_ms", found.profile ? Json(found.profile->inference_ms) : Json()},
          {"profile_trace", found.profile ? Json(found.trace_path) : Json()}};
}

/// Tokens, where the first input is a batch of texts.
Json sequence_of(const std::vector<TensorInfo>& inputs) {
  if (inputs.empty() || inputs[0].dtype != DType::i64 || inputs[0].sizes->size() != 2) return {};
  return inputs[0].sizes->back();
}

/// What makes figures of several machines comparable, in the keys that `wherry cost` reads.
Json provenance(const Findings& found, const BenchOptions& options) {
  const bench::Machine machine = bench::machine();
  const std::string& instance = options.instance.empty() ? machine.instance : options.instance;
  Json configuration = {{"threads", found.plan.threads}, {"isa", found.plan.isa}};
  for (const auto& [key, value] : bench::environment())
    if (key != "cpu" && key != "cores" && key != "kernel") configuration[key] = value;
  return {{"schema", cost::kResultSchema},
          {"basis", name_of(cost::Basis::measured)},
          {"date", bench::date_now()},
          {"engine", {{"name", "wherry"}, {"version", WHERRY_VERSION}}},
          {"instance", instance.empty() ? Json() : Json(instance)},
          {"instance_basis", instance.empty() ? Json() : Json(options.instance.empty() ? "detected" : "supplied")},
          {"machine",
           {{"cpu", machine.cpu},
            {"cores", machine.cores},
            {"isa", machine.isa},
            {"memory_bytes", machine.memory_bytes},
            {"clock_mhz", machine.clock_mhz ? Json(*machine.clock_mhz) : Json()},
            {"kernel", machine.kernel}}},
          {"configuration", std::move(configuration)},
          {"sequence", sequence_of(found.inputs)}};
}

/// All of it, as a result file that `wherry cost` reads.
Json result_json(const Findings& found, const BenchOptions& options) {
  Json json = provenance(found, options);
  json.update(to_json(found, options));
  return json;
}

void write_json(const std::string& path, const Json& json) {
  const std::string text = json_text(json) + "\n";
  if (path == "-") {
    std::fputs(text.c_str(), stdout);
    return;
  }
  errno = 0;
  std::ofstream file(path, std::ios::binary);
  file << text;
  file.close();
  if (!file) base::fail<InvalidInput>("{}: cannot write: {}", path, std::strerror(errno));
}

/// torchbench's form of a result: who, where, and numbers by name.
void export_metrics(const Findings& found, const BenchOptions& options) {
  Json environ = {{"wherry_version", WHERRY_VERSION}};
  for (const auto& [key, value] : bench::environment()) environ[key] = value;
  Json metrics = Json::object();
  const Json figures = to_json(found, options);
  for (const auto& [key, value] : figures.items())
    if (value.is_number()) metrics[key] = value;
  environ["device"] = options.device;
  environ["test"] = options.test;
  environ["mode"] = options.mode;
  environ["precision"] = found.plan.precision;
  environ["isa"] = found.plan.isa;
  const std::string path = found.name + "_all_metrics.json";
  write_json(path, {{"name", found.name}, {"environ", std::move(environ)}, {"metrics", std::move(metrics)}});
  print_note("metrics are in " + path);
}

ExitCode run_bench(const BenchOptions& options) {
  refuse_what_is_not_there(options);
  const bench::Tolerance tolerance = bench::Tolerance::from_environment();
  const std::string& model = options.common.model;
  Findings found;
  found.name = name_of_model(model);
  found.model = model;

  Progress progress(options.common.progress);
  progress.stage("loading " + model);
  const bench::Load load = [&](const Options& engine) { return open_model(model, engine); };
  auto started = std::make_optional(bench::start(load, options.common.engine, [&](const Model& loaded) {
    found.format = loaded.describe().format;
    found.inputs = input_types(options.inputs, model, loaded);
    progress.stage("first run of " + model);
    return bench::random_inputs(found.inputs);
  }));
  found.cold_start_ms = started->cold_start_ms;
  found.plan = started->model.inspect(started->inputs);
  if (!found.inputs.empty() && !found.inputs[0].sizes->empty()) found.batch = found.inputs[0].sizes->front();
  progress.hide();
  print_notes(started->model);
  const std::string no_reference = options.skip_correctness ? "" : why_no_reference(model, started->model);
  if (!no_reference.empty()) print_note(no_reference);
  say(options, progress,
      fmt::format("Running {} method from {} on {} in {} mode with input batch size {} and precision {}.\n",
                  options.test, found.name, options.device, options.mode == "jit" ? "torchscript" : options.mode,
                  found.batch, found.plan.precision));

  std::optional<bench::TraceFile> trace;
  if (options.profile) trace.emplace(options.profile_folder, found.name);
  progress.stage("measuring " + model);
  found.latency = measure(options, *started, progress);
  found.peak_memory_bytes = bench::peak_memory_bytes();
  found.cache = started->model.cache_info();
  say(options, progress,
      line("CPU Total Wall Time:", fmt::format("{:.3f} milliseconds", found.latency.percentile(50))));
  if (options.peak_memory())
    say(options, progress,
        line("CPU Peak Memory:", fmt::format("{:.4f} GB", static_cast<double>(found.peak_memory_bytes) / kGigabyte)));

  if (trace) {
    found.profile = measure_steps(options, *started, progress);
    found.trace_path = trace->path();
    trace->write(*found.profile);
  }

  if (!options.skip_correctness && no_reference.empty()) {
    const std::vector<Tensor> inputs = started->inputs;
    const std::vector<std::vector<Tensor>> rounds = {started->outputs, found.latency.outputs};
    started.reset();  // the reference packs weights of its own
    const bench::CheckSettings settings{bench::rule_for(found.plan.precision, options.cosine), tolerance};
    found.rule = bench::describe(settings.rule, tolerance);
    progress.stage("checking " + model + " with scalar kernels");
    found.correctness = bench::check(
        load, options.common.engine, inputs, rounds, settings, [&](std::int64_t image, std::int64_t count) {
          progress.stage(fmt::format("checking {}: image {} of {}", model, image + 1, count));
          progress.fraction(static_cast<double>(image) / static_cast<double>(count));
        });
    say(options, progress, line("Correctness:", found.correctness->passed ? "True" : "False"));
  }
  progress.hide();
  say(options, progress, text_of(found));
  if (found.profile) {
    say(options, progress, "\n" + profile_text(*found.profile, {}));
    print_note("the profile is in " + found.trace_path);
  }
  if (!options.json.empty()) write_json(options.json, result_json(found, options));
  if (options.export_metrics) export_metrics(found, options);
  return found.correctness && !found.correctness->passed ? kInternalError : kOk;
}

}  // namespace

void add_bench(CLI::App& app, Work& work) {
  const auto options = std::make_shared<BenchOptions>();
  CLI::App& command = *app.add_subcommand("bench", "Measure a model: latency, memory, correctness");
  add_model(command, options->common, kModelOrArchitecture);
  add_measured_inputs(command, options->inputs);
  command.add_option("-d,--device", options->device, "cpu")->type_name("NAME");
  command
      .add_option("-m,--mode", options->mode,
                  "jit (default) or eager: only the name in the first line differs, one engine runs both")
      ->type_name("NAME");
  command.add_option("-t,--test", options->test, "eval")->type_name("NAME");
  command.add_flag("--channels-last", options->channels_last, "Accepted: wherry always keeps images channels-last");
  command.add_option("--seconds", options->seconds, "Measure for so long (default: 1 and at least 10 iterations)")
      ->check(CLI::Range(0.001, 1e6))
      ->type_name("S");
  command.add_option("--stress", options->stress, "The same with torchbench's table, a line every 10 seconds")
      ->check(CLI::Range(0.001, 1e6))
      ->type_name("S");
  command.add_flag("--skip_correctness", options->skip_correctness, "Do not compare with the scalar kernels");
  command.add_flag("--use_cosine_similarity", options->cosine, "Correct is a cosine similarity of 0.99, not allclose");
  command.add_option("--metrics", options->metrics, "cpu_peak_mem (default) or none")->type_name("LIST");
  command.add_flag("--export-metrics", options->export_metrics, "Write MODEL_all_metrics.json in this folder too");
  command.add_flag("--profile", options->profile, "Time every step: a table, and a trace for Perfetto or TensorBoard");
  command
      .add_option("--profile-folder", options->profile_folder, "Where --profile writes MODEL.pt.trace.json (./logs)")
      ->type_name("FOLDER");
  command
      .add_option("--json", options->json, "Write the figures as JSON; - for standard output, and nothing else there")
      ->type_name("FILE");
  command
      .add_option("--instance", options->instance,
                  "What this machine is, for `wherry cost`: c7g.4xlarge (EC2's say so)")
      ->type_name("NAME");
  command.footer(kExamples);
  command.callback([options, &work] { work = [options] { return run_bench(*options); }; });
}

}  // namespace wherry::cli
