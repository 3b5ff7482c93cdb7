// The options that all subcommands share, said once.

#include "cli/command.h"

#include <cstdio>

#include "cli/terminal.h"

namespace wherry::cli {
namespace {

void print_line(std::string_view kind, std::string_view message) {
  const std::string line = "wherry: " + std::string(kind) + ": " + printable(message) + "\n";
  std::fputs(line.c_str(), stderr);
}

}  // namespace

void add_common(CLI::App& command, CommonOptions& options) {
  command
      .add_option("MODEL", options.model,
                  "TorchScript archive (.pt), compiled model (.wherry), or state dict (.pth) with --arch")
      ->required()
      ->type_name("FILE");
  command
      .add_option("--arch", options.engine.arch,
                  "Architecture of a state dict, by torchvision's name: resnet50, mobilenet_v2, ...")
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
  command.add_flag("--json", options.json, "Print JSON");
  command.add_flag("--progress", options.progress, "Report progress even where standard error is no terminal");
}

Model load_model(const CommonOptions& options) {
  Model model = Model::load(options.model, options.engine);
  note_tuning(model);
  return model;
}

void note_tuning(const Model& model) {
  if (const std::string note = model.describe().tuning_note; !note.empty()) print_note(note);
}

void print_error(std::string_view message) { print_line("error", message); }
void print_note(std::string_view message) { print_line("note", message); }

}  // namespace wherry::cli
