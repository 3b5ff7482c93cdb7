// The options that all subcommands share, said once.

#include "cli/command.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>

#include "base/check.h"
#include "cli/terminal.h"

namespace wherry::cli {
namespace {

void print_line(std::string_view kind, std::string_view message) {
  const std::string line = "wherry: " + std::string(kind) + ": " + printable(message) + "\n";
  std::fputs(line.c_str(), stderr);
}

}  // namespace

void add_model(CLI::App& command, CommonOptions& options, const char* accepted) {
  command.add_option("MODEL", options.model, accepted)->required()->type_name("FILE");
  command
      .add_option("--arch", options.engine.arch,
                  "What a state dict (resnet50) or a Hugging Face folder (BertForMaskedLM) is read as")
      ->type_name("NAME");
  command.add_option("--threads", options.engine.threads, "Threads of one inference (default: all usable cores)")
      ->check(CLI::Range(1, 1024))
      ->type_name("N");
  command
      .add_option_function<std::string>(
          "--precision", [&options](const std::string& name) { options.engine.precision = *precision_from_name(name); },
          "bf16: products in bf16, sums in fp32; auto: bf16 if DNNL_DEFAULT_FPMATH_MODE=BF16")
      ->check(CLI::IsMember({"auto", "fp32", "bf16"}))
      ->type_name("NAME");
  command.add_flag("--progress", options.progress, "Report progress even where standard error is no terminal");
}

void add_common(CLI::App& command, CommonOptions& options, const char* accepted) {
  add_model(command, options, accepted);
  command.add_flag("--json", options.json, "Print JSON");
}

Model open_model(const std::string& name, const Options& options) {
  // A name with neither folder nor suffix that is no file here; anything else is meant as a file.
  if (!options.arch.empty() || name.find_first_of("./") != name.npos || std::filesystem::exists(name))
    return Model::load(name, options);
  const std::vector<std::string> known = Model::architectures();
  if (std::find(known.begin(), known.end(), name) == known.end())
    base::fail<InvalidInput>("{}: found no such file and no such built-in architecture; the architectures are {}", name,
                             fmt::join(known, ", "));
  return Model::random(name, options);
}

Model load_model(const CommonOptions& options) {
  Model model = open_model(options.model, options.engine);
  print_notes(model);
  return model;
}

void print_notes(const Model& model) {
  const ModelInfo info = model.describe();
  for (const std::string& note : {info.precision_note, info.tuning_note})
    if (!note.empty()) print_note(note);
}

void print_error(std::string_view message) { print_line("error", message); }
void print_note(std::string_view message) { print_line("note", message); }

}  // namespace wherry::cli
