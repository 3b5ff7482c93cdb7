// wherry run: any model, tensors in, tensors out. The door for tests and for whatever has no subcommand of its own.

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <memory>
#include <optional>

#include "base/check.h"
#include "cli/command.h"
#include "cli/json_text.h"
#include "cli/progress.h"
#include "cli/table.h"
#include "cli/tensor_files.h"
#include "cli/terminal.h"

namespace wherry::cli {
namespace {

constexpr const char* kExamples = R"(Examples:
  wherry run resnet50.pt --input x=photo.npy --output logits.npz
  wherry run resnet50.pt --input photo.npy                       prints a summary of the outputs
  wherry run bert.pt --input ids.npy --input mask.npy --output hidden.npy
  wherry run bert.pt --input inputs.npz --output outputs.npz     arrays by name

`wherry inspect MODEL` lists a model's inputs.)";

struct RunOptions {
  CommonOptions common;
  std::vector<std::string> inputs;
  std::string output;
};

/// What is worth knowing about a tensor at a glance.
struct Summary {
  std::optional<double> smallest, largest, mean;  ///< over finite values; empty where there are none
  std::int64_t not_finite = 0;
};

Summary summary_of(const Tensor& tensor) {
  const Tensor wide = tensor.to(DType::f64);
  double smallest = std::numeric_limits<double>::infinity(), largest = -smallest, sum = 0;
  Summary summary;
  for (const double value : wide.values<double>()) {
    if (!std::isfinite(value)) {
      ++summary.not_finite;
      continue;
    }
    smallest = std::min(smallest, value);
    largest = std::max(largest, value);
    sum += value;
  }
  if (const std::int64_t finite = tensor.numel() - summary.not_finite; finite > 0) {
    summary.smallest = smallest;
    summary.largest = largest;
    summary.mean = sum / static_cast<double>(finite);
  }
  return summary;
}

std::string text_of(const std::optional<double>& value) { return value ? fmt::format("{:.6g}", *value) : "-"; }

Json json_of(const std::optional<double>& value) { return value ? Json(*value) : Json(); }

void print_text(const std::vector<std::string>& names, std::span<const Tensor> outputs) {
  Table table({{"output", false, 40},
               {"type"},
               {"sizes", false, 40},
               {"smallest", true},
               {"largest", true},
               {"mean", true},
               {"not finite", true}});
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const Summary summary = summary_of(outputs[i]);
    table.add({names[i], std::string(name_of(outputs[i].dtype())), to_string(outputs[i].sizes()),
               text_of(summary.smallest), text_of(summary.largest), text_of(summary.mean),
               std::to_string(summary.not_finite)});
  }
  std::fputs(table.print(output_width()).c_str(), stdout);
}

Json to_json(const std::vector<std::string>& names, std::span<const Tensor> outputs) {
  Json list = Json::array();
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const Summary summary = summary_of(outputs[i]);
    list.push_back({{"name", names[i]},
                    {"dtype", name_of(outputs[i].dtype())},
                    {"sizes", outputs[i].sizes()},
                    {"smallest", json_of(summary.smallest)},
                    {"largest", json_of(summary.largest)},
                    {"mean", json_of(summary.mean)},
                    {"not_finite", summary.not_finite}});
  }
  return list;
}

ExitCode run(const RunOptions& options) {
  if (!options.output.empty()) check_output_path(options.output);
  Progress progress(options.common.progress);
  progress.stage("loading " + options.common.model);
  const Model model = Model::load(options.common.model, options.common.engine);
  print_notes(model);
  const auto inputs = read_inputs(options.inputs, model.describe().inputs);
  progress.stage("running " + options.common.model);
  const auto start = std::chrono::steady_clock::now();
  const auto outputs = model.run(inputs);
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
  const auto names = model.output_names(inputs);
  if (!options.output.empty()) {
    progress.stage("writing " + options.output);
    write_outputs(options.output, names, outputs);
  }
  progress.hide();
  if (options.common.json) {
    Json document = {
        {"model", options.common.model}, {"seconds", elapsed.count()}, {"outputs", to_json(names, outputs)}};
    if (!options.output.empty()) document["file"] = options.output;
    std::fputs((json_text(document) + "\n").c_str(), stdout);
  } else if (options.output.empty()) {
    print_text(names, outputs);
  }
  return kOk;
}

}  // namespace

void add_run(CLI::App& app, Work& work) {
  const auto options = std::make_shared<RunOptions>();
  CLI::App& command = *app.add_subcommand("run", "Run any model on NumPy arrays");
  add_common(command, options->common, kModelFile);
  command.add_option("--input", options->inputs, "Input by name, or the next one in order; .npz for several by name")
      ->type_name("[NAME=]FILE");
  command.add_option("--output", options->output, "Where outputs go: .npz, or .npy for a single one")
      ->type_name("FILE");
  command.footer(kExamples);
  command.callback([options, &work] { work = [options] { return run(*options); }; });
}

}  // namespace wherry::cli
