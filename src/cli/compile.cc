// wherry compile: a model with its weights packed, in a file that later processes map and share.

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <memory>

#include "base/check.h"
#include "cli/chosen_inputs.h"
#include "cli/command.h"
#include "cli/compiled_report.h"
#include "cli/json_text.h"
#include "cli/progress.h"
#include "cli/terminal.h"

namespace wherry::cli {
namespace {

constexpr const char* kExamples = R"(Examples:
  wherry compile resnet50.pt -o resnet50.wherry
  wherry compile resnet50.pth --arch resnet50 -o resnet50.wherry --precision bf16
  wherry compile bert.pt -o bert.wherry --input 1x128:int64 --input 1x128:int64
  wherry compile resnet50.pt -o r.wherry --input 1x3x224x224 --input 8x3x224x224   two shapes of one input
  wherry classify-image resnet50.wherry photo.jpg

A compiled model starts without packing anything, and processes that run it share its pages. It belongs to one
instruction set, precision and version of wherry; --portable keeps the weights unpacked too (twice the size), so that
others can pack them again. Shapes it was not compiled for work as well. `wherry inspect FILE --verify` checks it.)";

struct CompileOptions {
  CommonOptions common;
  std::vector<std::string> inputs;
  std::vector<std::int64_t> sequences;
  std::string output;
  bool portable = false;
};

/// One set of inputs, or several after one another.
std::vector<std::vector<Tensor>> sets_of(const CompileOptions& options, const Model& model, std::string& note) {
  const std::size_t inputs = model.describe().inputs.size();
  std::vector<std::vector<Tensor>> sets;
  for (const std::int64_t sequence : options.sequences)
    sets.push_back(choose_inputs(options.inputs, model, sequence)->tensors);
  if (!sets.empty()) return sets;
  if (options.inputs.empty()) {
    auto chosen = choose_inputs({}, model);
    if (!chosen)
      base::fail<InvalidInput>("{}: fixes no input shapes; one --input SHAPE for each of its {} inputs is needed",
                               options.common.model, inputs);
    note = chosen->note;
    sets.push_back(std::move(chosen->tensors));
    return sets;
  }
  const std::size_t width = std::max<std::size_t>(inputs, 1);
  for (std::size_t at = 0; at < options.inputs.size(); at += width) {
    const auto begin = options.inputs.begin() + static_cast<std::ptrdiff_t>(at);
    const auto end = options.inputs.begin() + static_cast<std::ptrdiff_t>(std::min(at + width, options.inputs.size()));
    sets.push_back(choose_inputs({begin, end}, model)->tensors);
  }
  return sets;
}

/// Compiling a model onto itself would leave neither.
void check_output(const std::string& model, const std::string& output) {
  struct stat in{}, out{};
  if (::stat(model.c_str(), &in) == 0 && ::stat(output.c_str(), &out) == 0 && in.st_dev == out.st_dev &&
      in.st_ino == out.st_ino)
    base::fail<InvalidInput>("-o {}: is the model itself; another file is expected", output);
}

ExitCode compile(const CompileOptions& options) {
  check_output(options.common.model, options.output);
  Progress progress(options.common.progress);
  progress.stage("loading " + options.common.model);
  const auto start = std::chrono::steady_clock::now();
  const Model model = load_model(options.common);
  std::string note;
  const auto sets = sets_of(options, model, note);
  progress.stage("compiling " + options.common.model);
  const CompiledInfo info = model.compile(options.output, sets, options.portable);
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
  progress.hide();
  if (options.common.json) {
    Json document = {{"model", options.common.model}, {"file", options.output}, {"seconds", elapsed.count()}};
    if (!note.empty()) document["note"] = note;
    document["compiled"] = json_of(info);
    std::fputs((json_text(document) + "\n").c_str(), stdout);
    return kOk;
  }
  std::string shapes;
  for (const auto& set : info.shapes) {
    shapes += shapes.empty() ? "" : "; ";
    for (std::size_t i = 0; i < set.size(); ++i)
      shapes += fmt::format("{}{}{}", i ? ", " : "", name_of(*set[i].dtype), to_string(*set[i].sizes));
  }
  std::string out = fmt::format("{}  {} in {:.1f} s\n", bold(printable(options.output)), human_bytes(info.file_bytes),
                                elapsed.count());
  out += fmt::format("  for         {} kernels in {}, wherry {}{}\n", info.isa, info.precision, info.wherry_version,
                     info.portable ? "; others can pack it again" : "");
  out += fmt::format("  shapes      {}\n", shapes);
  if (!note.empty()) out += fmt::format("              {}\n", dim(note));
  out += fmt::format("  holds       {}\n", contents_of(info));
  std::fputs(out.c_str(), stdout);
  return kOk;
}

}  // namespace

void add_compile(CLI::App& app, Work& work) {
  const auto options = std::make_shared<CompileOptions>();
  CLI::App& command = *app.add_subcommand("compile", "Pack a model's weights into a file that starts at once");
  add_common(command, options->common, kModelOrArchitecture);
  command.add_option("-o,--output", options->output, "The compiled model; ends in .wherry by custom")
      ->required()
      ->type_name("FILE");
  command
      .add_option("--input", options->inputs,
                  "Sizes of an input, as inspect takes them; again and again for several sets of inputs")
      ->allow_extra_args(false)
      ->type_name("SHAPE");
  command
      .add_option("--seq", options->sequences, "Tokens in a sequence, for models of text; again for several lengths")
      ->check(CLI::Range(1, 1 << 20))
      ->allow_extra_args(false)
      ->type_name("N");
  command.add_flag("--portable", options->portable, "Keep the weights unpacked too, for other instruction sets");
  command.footer(kExamples);
  command.callback([options, &work] { work = [options] { return compile(*options); }; });
}

}  // namespace wherry::cli
