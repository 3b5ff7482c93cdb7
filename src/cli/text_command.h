#pragma once
// What the commands on text share: their options, and the loop from texts to answers. Texts are read a few batches
// ahead, run in batches of like length, and answered in their order.

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "cli/command.h"
#include "cli/json_text.h"
#include "cli/progress.h"
#include "cli/text_source.h"

namespace wherry::cli {

struct TextCommandOptions {
  CommonOptions common;
  TextSourceOptions source;
  tasks::TextOptions text;
  std::optional<std::size_t> batch;  ///< as suits the task where it is not given
};

/// Adds MODEL, TEXT and everything else but what only one command has. Their values are ready when the command's
/// callback runs.
void add_text_options(CLI::App& command, TextCommandOptions& options, bool pairs);

/// What a command does with its texts.
struct TextTask {
  std::string verb;  ///< "classifying"
  std::function<text::Encoding(const tasks::TextInput&)> encode;
  /// Of each text, what Hugging Face's pipeline of this task returns for it.
  std::function<std::vector<Json>(std::span<const text::Encoding* const>)> answer;
  /// The same answer for people, under the text itself.
  std::function<std::string(const Json& answer)> readable;
  bool packs = false;  ///< texts of any length run together in one row, as many as fill it
};

/// Answers all texts on standard output: JSON lines {"text", "result"} with --json. A text that cannot be used is
/// reported and does not keep the others from their answers.
ExitCode run_texts(const TextCommandOptions& options, Progress& progress, std::int64_t max_length,
                   const TextTask& task);

}  // namespace wherry::cli
