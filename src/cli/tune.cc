// wherry tune: which blockings are fastest on this machine, measured and kept.

#include "wherry/tune.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>

#include "base/check.h"
#include "cli/chosen_inputs.h"
#include "cli/command.h"
#include "cli/json_text.h"
#include "cli/progress.h"
#include "cli/table.h"
#include "cli/terminal.h"

namespace wherry::cli {
namespace {

constexpr const char* kExamples = R"(Examples:
  wherry tune resnet50.pt
  wherry tune resnet50.pt --input 8x3x224x224 --threads 4 --precision bf16
  wherry tune resnet50.pth --arch resnet50 --seconds 60 --output tuning.txt
  WHERRY_TUNING=tuning.txt wherry run resnet50.pt --input photo.npy

Measures a few blockings of every convolution and matrix product within whole inferences, and keeps those that are
faster twice over. Shapes, threads and instruction set are part of what is kept, so tune with what you will run with.
Models find the file by themselves: WHERRY_TUNING (empty for none), else $XDG_CACHE_HOME/wherry/tuning.txt or
~/.cache/wherry/tuning.txt.)";

struct TuneCommand {
  CommonOptions common;
  std::vector<std::string> inputs;
  std::optional<std::int64_t> sequence;
  TuneOptions tune;
};

std::string change_of(double before, double after) {
  return before > 0 ? fmt::format("{:+.1f} %", (after / before - 1) * 100) : "-";
}

void print_text(const TuneReport& report) {
  Table table({{"op"},
               {"kernel", false, 25},
               {"steps", true},
               {"before ms", true},
               {"after ms", true},
               {"change", true},
               {"shape", false, 40}});
  std::size_t changed = 0;
  for (const TunedPrimitive& primitive : report.primitives) {
    if (primitive.choice.empty()) continue;
    ++changed;
    table.add({primitive.op, primitive.kernel, std::to_string(primitive.steps),
               fmt::format("{:.3f}", primitive.before_ms), fmt::format("{:.3f}", primitive.after_ms),
               change_of(primitive.before_ms, primitive.after_ms), primitive.shape});
  }
  std::string out = changed > 0 ? table.print(output_width()) + "\n" : std::string();
  out += fmt::format("{} of {} primitives are faster otherwise than the cost model has them\n", changed,
                     report.primitives.size());
  out += fmt::format("inference    {:.2f} ms before, {:.2f} ms after ({})\n", report.before_ms, report.after_ms,
                     change_of(report.before_ms, report.after_ms));
  out += report.path.empty() ? "kept nowhere: no file is named\n" : fmt::format("kept in      {}\n", report.path);
  std::fputs(out.c_str(), stdout);
}

void print_json(const std::string& model, const TuneReport& report) {
  Json primitives = Json::array();
  for (const TunedPrimitive& each : report.primitives) {
    primitives.push_back({{"op", each.op},
                          {"kernel", each.kernel},
                          {"shape", each.shape},
                          {"key", each.key},
                          {"steps", each.steps},
                          {"candidates", each.candidates},
                          {"before_ms", each.before_ms},
                          {"after_ms", each.after_ms},
                          {"choice", each.choice}});
  }
  const Json document = {{"model", model},
                         {"before_ms", report.before_ms},
                         {"after_ms", report.after_ms},
                         {"file", report.path.empty() ? Json() : Json(report.path)},
                         {"primitives", std::move(primitives)}};
  std::fputs((json_text(document) + "\n").c_str(), stdout);
}

ExitCode tune(const TuneCommand& command) {
  Progress progress(command.common.progress);
  progress.stage("loading " + command.common.model);
  const Model model = load_model(command.common);
  const auto chosen = choose_inputs(command.inputs, model, command.sequence);
  if (!chosen) base::fail<InvalidInput>("--input: found none, the model takes {}", model.describe().inputs.size());
  TuneOptions options = command.tune;
  options.progress = [&](std::string_view stage, double done) {
    progress.stage(fmt::format("{} {} %", stage, static_cast<int>(done * 10) * 10));
  };
  const TuneReport report = wherry::tune(model, chosen->tensors, options);
  progress.hide();
  if (command.common.json) {
    print_json(command.common.model, report);
  } else {
    print_text(report);
  }
  return kOk;
}

}  // namespace

void add_tune(CLI::App& app, Work& work) {
  const auto options = std::make_shared<TuneCommand>();
  CLI::App& command = *app.add_subcommand("tune", "Measure which blockings are fastest here, and keep them");
  add_common(command, options->common, kModelOrArchitecture);
  command.add_option("--input", options->inputs, "Sizes of an input: 1x3x224x224, 1x128:int64, NAME=1x128:int64")
      ->allow_extra_args(false)
      ->type_name("SHAPE");
  add_sequence(command, options->sequence);
  command.add_option("--seconds", options->tune.seconds, "About how long to measure (default 20)")
      ->check(CLI::Range(0.1, 3600.0))
      ->type_name("S");
  command.add_option("--output", options->tune.output, "Where choices go, instead of the file that models find")
      ->type_name("FILE");
  command.footer(kExamples);
  command.callback([options, &work] { work = [options] { return tune(*options); }; });
}

}  // namespace wherry::cli
