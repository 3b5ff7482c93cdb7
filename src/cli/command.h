#pragma once
// What every subcommand has: its options, declared on a CLI11 parser, and a function that does the work.

#include <CLI/CLI.hpp>
#include <functional>
#include <string>

#include "wherry/model.h"

namespace wherry::cli {

enum ExitCode : int { kOk = 0, kBadInput = 2, kInternalError = 3 };

/// Options that all subcommands share.
struct CommonOptions {
  std::string model;
  Options engine;
  bool json = false;
  bool progress = false;
};

/// Help for MODEL: of commands whose answers are worth something only with real weights, and of those that open_model
/// serves.
constexpr const char* kModelFile = "TorchScript (.pt), Hugging Face folder, .wherry, or state dict (.pth) with --arch";
constexpr const char* kModelOrArchitecture =
    "File (.pt, .wherry, .pth with --arch), Hugging Face folder, or architecture: resnet50";

/// Adds MODEL, --arch, --threads, --precision and --progress.
void add_model(CLI::App& command, CommonOptions& options, const char* accepted);
/// The same and the flag --json.
void add_common(CLI::App& command, CommonOptions& options, const char* accepted);

/// Set by the parser to the work of the subcommand that was named.
using Work = std::function<ExitCode()>;

/// A note on standard error where precision is not what was asked for, or a tuning file is there and not used.
void print_notes(const Model& model);
/// Reads the file `name`, or makes the built-in architecture of that name with random weights where there is no such
/// file. Throws as Model::load.
Model open_model(const std::string& name, const Options& options);
/// Opens what the options name, with the notes of print_notes.
Model load_model(const CommonOptions& options);

void add_classify_image(CLI::App& app, Work& work);
void add_classify_text(CLI::App& app, Work& work);
void add_fill_mask(CLI::App& app, Work& work);
void add_embed(CLI::App& app, Work& work);
void add_run(CLI::App& app, Work& work);
void add_inspect(CLI::App& app, Work& work);
void add_tune(CLI::App& app, Work& work);
void add_compile(CLI::App& app, Work& work);
void add_bench(CLI::App& app, Work& work);
void add_profile(CLI::App& app, Work& work);
void add_compare_precision(CLI::App& app, Work& work);
void add_cost(CLI::App& app, Work& work);

/// Prints "wherry: error: …" on standard error, on one line whatever the message holds.
void print_error(std::string_view message);
/// "wherry: note: …"
void print_note(std::string_view message);

}  // namespace wherry::cli
