// wherry profile: where the time of a model goes, for people, for trace viewers, and for programs.

#include "bench/profile.h"

#include <fmt/format.h>

#include <cstdio>
#include <memory>
#include <optional>
#include <span>

#include "base/check.h"
#include "base/new_file.h"
#include "bench/inputs.h"
#include "bench/profile_document.h"
#include "bench/trace_file.h"
#include "cli/command.h"
#include "cli/json_text.h"
#include "cli/measured_inputs.h"
#include "cli/profile_report.h"
#include "cli/progress.h"
#include "cli/terminal.h"
#include "report/profile_page.h"

namespace wherry::cli {
namespace {

constexpr const char* kExamples = R"(Examples:
  wherry profile resnet50.pt                              # ./logs/resnet50.pt.trace.json
  wherry profile resnet50.pt --precision bf16 --html report.html
  wherry profile distilbert-sst2 --seq 128 --table
  wherry profile resnet50 --bs 8 --threads 4 --json - | jq '.steps[] | select(.ms > 0.5) | .name'
  wherry profile resnet50.pt --json fp32.json && wherry profile resnet50.pt --precision bf16 --json bf16.json
  wherry profile --diff fp32.json bf16.json

Runs the model on random inputs: --warmup inferences that do not count, --iterations whose every step on every thread
goes into the trace, and then, for --seconds, inferences that are looked into in turns with as many that are not. The
times in tables, report and JSON are medians of those. Looking into an inference costs two readings of the clock a step.

The trace opens in TensorBoard (pip install tensorboard torch-tb-profiler; tensorboard --logdir ./logs), in Perfetto
(ui.perfetto.dev) and in chrome://tracing. Ops are named after the model's own: "conv2d+batch_norm+relu" is one step.
The report is one file that opens without a network.)";

struct ProfileCommand {
  CommonOptions common;
  MeasuredInputs inputs;
  std::string folder = "./logs";
  int warm_ups = 10;
  int iterations = 3;
  double seconds = 1;
  std::string html;
  std::string json;
  bool table = false;
  std::vector<std::string> diff;
};

/// What was found, beside the steps.
std::string summary(const bench::Profile& profile, const bench::ProfileSubject& subject) {
  std::string out;
  const auto add = [&](std::string_view key, const std::string& value) {
    out += fmt::format("  {:<12}{}\n", key, value);
  };
  add("inference", fmt::format("{:.3f} ms, median of {}; {} on {} thread{}, {}", profile.inference_ms, profile.rounds,
                               subject.plan.precision, subject.plan.threads, subject.plan.threads == 1 ? "" : "s",
                               subject.plan.isa));
  add("steps", fmt::format("{:.3f} ms, the sum of {} medians; {:.1f} % of an inference's own time", profile.steps_ms(),
                           profile.steps.size(), 100 * profile.steps_of_wall));
  add("overhead", fmt::format("{:+.2f} % while looked into", 100 * profile.overhead()));
  const bench::Peak& peak = subject.peak;
  add("peak", fmt::format("{:.0f} GFLOP/s in fp32{}, {:.1f} GB/s from memory, on {} thread{}", peak.fp32_gflops,
                          peak.bf16_gflops > 0 ? fmt::format(", {:.0f} in bf16", peak.bf16_gflops) : "",
                          peak.read_gb_per_s, peak.threads, peak.threads == 1 ? "" : "s"));
  add("cache", fmt::format("{} hits, {} misses", subject.cache.hits, subject.cache.misses));
  return out;
}

ExitCode diff(const ProfileCommand& command) {
  const bench::ReadProfile before = bench::read_profile(command.diff[0]);
  const bench::ReadProfile after = bench::read_profile(command.diff[1]);
  const std::vector<bench::ProfileChange> changes = bench::compare(before, after);
  if (before.model != after.model)
    print_note(fmt::format("{} is of {}, {} of {}", before.path, before.model, after.path, after.model));
  const std::string text =
      command.json == "-" ? json_text(diff_json(before, after, changes)) + "\n" : diff_text(before, after, changes);
  if (!command.json.empty() && command.json != "-")
    base::write_file(command.json, json_text(diff_json(before, after, changes)) + "\n");
  std::fputs(text.c_str(), stdout);
  return kOk;
}

ExitCode profile(const ProfileCommand& command) {
  if (!command.diff.empty()) {
    if (!command.common.model.empty())
      base::fail<InvalidInput>("--diff: compares two files and runs no model; found {} too", command.common.model);
    return diff(command);
  }
  const std::string& name = command.common.model;
  if (name.empty()) base::fail<InvalidInput>("MODEL: found none; a model, or --diff with two profiles, is accepted");
  // What cannot be written is known before measuring.
  bench::TraceFile trace(command.folder, name_of_model(name));
  std::optional<base::NewFile> page;
  if (!command.html.empty()) page.emplace(command.html);

  Progress progress(command.common.progress);
  progress.stage("loading " + name);
  const auto log = std::make_shared<bench::SpanLog>();
  Options engine = command.common.engine;
  engine.sink = log;
  const Model model = open_model(name, engine);
  progress.hide();
  print_notes(model);
  bench::ProfileSubject subject;
  subject.model = name_of_model(name);
  subject.version = WHERRY_VERSION;
  subject.inputs = input_types(command.inputs, name, model);
  const std::vector<Tensor> inputs = bench::random_inputs(subject.inputs);
  progress.stage("first run of " + name);
  model.run(inputs);
  subject.plan = model.inspect(inputs);

  progress.stage("profiling " + name);
  bench::ProfileOptions how;
  how.warm_ups = command.warm_ups;
  how.iterations = command.iterations;
  how.extent = {5, command.seconds};
  const bench::Profile found = bench::profile(model, inputs, how, log.get(), [&](const bench::Tick& tick) {
    progress.fraction(bench::done(tick, how.extent));
  });
  subject.cache = model.cache_info();
  progress.stage("measuring this machine's peak");
  subject.peak = bench::measure_peak(subject.plan.isa, subject.plan.threads);

  trace.write(found);
  const Json document = bench::profile_document(found, subject);
  if (page) {
    const std::string text = report::profile_page(document.dump(-1, ' ', false, Json::error_handler_t::replace));
    page->write(std::as_bytes(std::span(text)));
    page->commit();
  }
  progress.hide();
  const bool print = command.json != "-";
  if (!command.json.empty()) {
    if (print) {
      base::write_file(command.json, json_text(document) + "\n");
    } else {
      std::fputs((json_text(document) + "\n").c_str(), stdout);
    }
  }
  if (print) {
    const std::string text = (command.table ? profile_text(found, subject.peak) + "\n" : "") + summary(found, subject);
    std::fputs(text.c_str(), stdout);
  }
  std::fflush(stdout);
  print_note("the trace is in " + trace.path());
  if (!command.html.empty()) print_note("the report is in " + command.html);
  if (!command.json.empty() && print) print_note("the profile is in " + command.json);
  return kOk;
}

}  // namespace

void add_profile(CLI::App& app, Work& work) {
  const auto options = std::make_shared<ProfileCommand>();
  CLI::App& command = *app.add_subcommand("profile", "Look where the time goes: trace, report, table");
  add_model(command, options->common, kModelOrArchitecture);
  command.get_option("MODEL")->required(false);
  add_measured_inputs(command, options->inputs);
  command.add_option("--logdir", options->folder, "Where MODEL.pt.trace.json goes (./logs)")->type_name("FOLDER");
  command.add_option("--warmup", options->warm_ups, "Inferences before anything is recorded (10)")
      ->check(CLI::Range(0, 100000))
      ->type_name("N");
  command.add_option("--iterations", options->iterations, "Inferences that the trace shows (3)")
      ->check(CLI::Range(1, 1000))
      ->type_name("N");
  command.add_option("--seconds", options->seconds, "How long to measure what the tables say (1)")
      ->check(CLI::Range(0.001, 1e6))
      ->type_name("S");
  command.add_option("--html", options->html, "Write a report: tree map, timeline, roofline, table")->type_name("FILE");
  command.add_flag("--table", options->table, "Print the steps, slowest first");
  command
      .add_option("--json", options->json, "Write everything as JSON; - for standard output, and nothing else there")
      ->type_name("FILE");
  command.add_option("--diff", options->diff, "Compare two profiles that --json wrote; no MODEL then")
      ->expected(2)
      ->type_name("BEFORE AFTER");
  command.footer(kExamples);
  command.callback([options, &work] { work = [options] { return profile(*options); }; });
}

}  // namespace wherry::cli
