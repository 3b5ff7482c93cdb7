// wherry compare-precision: what bf16 costs in accuracy, layer by layer, and which layers to keep in fp32.

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>

#include "base/check.h"
#include "bench/inputs.h"
#include "bench/precision.h"
#include "cli/agreement_report.h"
#include "cli/command.h"
#include "cli/json_text.h"
#include "cli/measured_inputs.h"
#include "cli/progress.h"
#include "cli/table.h"
#include "cli/tensor_files.h"
#include "cli/terminal.h"
#include "engine/precision_record.h"

namespace wherry::cli {
namespace {

constexpr const char* kExamples = R"(Examples:
  wherry compare-precision resnet50.pt                         # random inputs
  wherry compare-precision resnet50.pt --inputs photos.npy --alone
  wherry compare-precision bert/ --inputs ids.npy --inputs mask.npy --max-error 0.005
  wherry compare-precision mobilenet_v2 --json | jq '.layers[] | select(.cosine < 0.999)'

Runs the model in fp32 and in bf16 on the same inputs and compares what every layer computed. A layer's output has the
errors of all layers before it; --alone also tells how far the model's output is off with only that layer in bf16, for
which the model is loaded once for every layer. Largest errors are also told relative to the largest fp32 value.

--max-error E finds modules whose products have to stay in fp32 for the output's largest error to be at most E of its
largest value, the worst alone first, and writes MODEL.precision (or --output FILE) beside the model. Where that file
is, --precision auto, which is what runs without --precision, means bf16 with those modules in fp32; a variable like
DNNL_DEFAULT_FPMATH_MODE and --precision fp32 or bf16 come before it. The bound is measured on the inputs given: real
ones are worth more than random ones.)";

struct PrecisionCommand {
  CommonOptions common;
  MeasuredInputs shapes;
  std::vector<std::string> files;
  double max_error = -1;
  std::string output;
  bool alone = false;
};

Json json_of(const bench::Agreement& agreement) {
  return {{"cosine", finite_number(agreement.cosine)},
          {"max_abs_error", finite_number(agreement.max_abs_error)},
          {"max_rel_error", finite_number(agreement.max_rel_error)},
          {"top1_agreement", agreement.top1_agreement()}};
}

Json to_json(const PrecisionCommand& command, const bench::PrecisionComparison& found, const std::string& record) {
  Json layers = Json::array();
  for (const bench::LayerPrecision& layer : found.layers)
    layers.push_back({{"module", layer.module},
                      {"op", layer.op},
                      {"products", layer.count},
                      {"precision", layer.bf16 ? "bf16" : "fp32"},
                      {"cosine", finite_number(layer.whole.cosine)},
                      {"max_abs_error", finite_number(layer.whole.max_abs_error)},
                      {"max_rel_error", finite_number(layer.whole.max_rel_error)},
                      {"alone_error", layer.alone < 0 ? Json() : finite_number(layer.alone)}});
  return {{"model", command.common.model},
          {"layers", std::move(layers)},
          {"bf16", json_of(found.all)},
          {"chosen", json_of(found.chosen)},
          {"keep_fp32", found.keep_fp32},
          {"max_error", command.max_error < 0 ? Json() : Json(command.max_error)},
          {"record", record.empty() ? Json() : Json(record)}};
}

void print_text(const PrecisionCommand& command, const bench::PrecisionComparison& found, const std::string& record) {
  const bool alone =
      std::any_of(found.layers.begin(), found.layers.end(), [](const auto& layer) { return layer.alone >= 0; });
  std::vector<Table::Column> columns = {
      {"module", false, 40},   {"op"}, {"runs in"}, {"1 - cosine", true}, {"largest error", true},
      {"of the largest", true}};
  if (alone) columns.push_back({"output, alone", true});
  Table table(columns);
  for (const bench::LayerPrecision& layer : found.layers) {
    std::vector<std::string> cells = {printable(layer.module.empty() ? "(the model itself)" : layer.module),
                                      layer.count > 1 ? fmt::format("{} x{}", layer.op, layer.count) : layer.op,
                                      layer.bf16 ? "bf16" : "fp32",
                                      fmt::format("{:.1e}", 1 - layer.whole.cosine),
                                      fmt::format("{:.2g}", layer.whole.max_abs_error),
                                      fmt::format("{:.2g}", layer.whole.max_rel_error)};
    if (alone) cells.push_back(layer.alone >= 0 ? fmt::format("{:.2g}", layer.alone) : "-");
    table.add(std::move(cells));
  }
  std::string out = table.print(output_width());
  out += fmt::format("\n  {:<12}{}\n", "all in bf16", agreement_text(found.all));
  if (!found.keep_fp32.empty())
    out += fmt::format("  {:<12}{}\n  {:<12}with {} of {} modules in fp32\n", "chosen", agreement_text(found.chosen),
                       "", found.keep_fp32.size(), found.layers.size());
  if (command.max_error >= 0)
    out += fmt::format("  {:<12}{} of the largest value: {}\n", "bound", command.max_error,
                       found.keep_fp32.empty() ? "bf16 keeps it everywhere" : "kept");
  std::fputs(out.c_str(), stdout);
  std::fflush(stdout);
  if (record.empty()) return;
  print_note(record == engine::precision_record_path(command.common.model)
                 ? "--precision auto finds this choice in " + record
                 : "the choice is in " + record + "; beside a model, as MODEL.precision, --precision auto finds it");
}

ExitCode compare(const PrecisionCommand& command) {
  const std::string& name = command.common.model;
  if (command.max_error < 0 && !command.output.empty())
    base::fail<InvalidInput>("--output {}: there is a choice to write only with --max-error", command.output);
  std::string record;
  if (command.max_error >= 0) {
    record = command.output.empty() ? engine::precision_record_path(name) : command.output;
    if (command.output.empty() && !std::filesystem::exists(name))
      base::fail<InvalidInput>(
          "{}: a built-in architecture has no file that a record could lie beside; --output FILE is accepted", name);
  }
  Progress progress(command.common.progress);
  progress.stage("loading " + name);
  std::vector<Tensor> inputs;
  {
    Options options = command.common.engine;
    options.precision = Precision::fp32;
    const Model model = open_model(name, options);
    inputs = command.files.empty() ? bench::random_inputs(input_types(command.shapes, name, model))
                                   : read_inputs(command.files, model.describe().inputs);
  }
  bench::PrecisionSettings settings;
  settings.alone = command.alone;
  settings.max_error = command.max_error;
  const bench::PrecisionComparison found = bench::compare_precision(
      [&](const Options& options) { return open_model(name, options); }, command.common.engine, inputs, settings,
      [&](std::string_view stage, double done) {
        progress.stage(std::string(stage));
        progress.fraction(done);
      });
  if (!record.empty()) {
    engine::PrecisionRecord written;
    written.path = record;
    written.max_error = command.max_error;
    written.keep_fp32 = found.keep_fp32;
    engine::write_precision_record(written);
  }
  progress.hide();
  if (command.common.json) {
    std::fputs((json_text(to_json(command, found, record)) + "\n").c_str(), stdout);
  } else {
    print_text(command, found, record);
  }
  return kOk;
}

}  // namespace

void add_compare_precision(CLI::App& app, Work& work) {
  const auto options = std::make_shared<PrecisionCommand>();
  CLI::App& command = *app.add_subcommand("compare-precision", "Compare bf16 with fp32, layer by layer");
  add_common(command, options->common, kModelOrArchitecture);
  add_measured_inputs(command, options->shapes);
  command.add_option("--inputs", options->files, "Real inputs: .npy by name or in order, .npz for several by name")
      ->allow_extra_args(false)
      ->excludes("--input")
      ->type_name("[NAME=]FILE");
  command.add_flag("--alone", options->alone, "Try each module alone in bf16");
  command
      .add_option("--max-error", options->max_error, "Keep modules in fp32 until the output's error is at most this")
      ->check(CLI::Range(0.0, 1e6))
      ->type_name("E");
  command.add_option("--output", options->output, "Where the choice goes (MODEL.precision)")->type_name("FILE");
  command.footer(kExamples);
  command.callback([options, &work] { work = [options] { return compare(*options); }; });
}

}  // namespace wherry::cli
