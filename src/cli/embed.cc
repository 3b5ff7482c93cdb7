// wherry embed: a model, texts, and a vector for each.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <memory>

#include "cli/text_command.h"
#include "tasks/text_embedder.h"

namespace wherry::cli {
namespace {

constexpr const char* kExamples = R"(Examples:
  wherry embed all-MiniLM-L6-v2 "How do I reset my password?" --json
  wherry embed all-MiniLM-L6-v2 --file questions.csv --column question --json > vectors.jsonl
  wherry embed bert-base-uncased "A text." --normalize)";

constexpr std::size_t kShown = 6;

struct EmbedOptions {
  TextCommandOptions common;
  bool normalize = false;
};

/// The double whose shortest decimal form is the float's: a third of the digits, and the same float when read back.
double shortest(float value) { return std::strtod(fmt::format("{}", value).c_str(), nullptr); }

std::string readable(const Json& answer) {
  double square = 0;
  std::string first;
  for (std::size_t i = 0; i < answer.size(); ++i) {
    const auto value = answer[i].get<double>();
    square += value * value;
    if (i < kShown) first += fmt::format(" {:.4f}", value);
  }
  return fmt::format("  {} numbers of length {:.4f}:{}{}\n", answer.size(), std::sqrt(square), first,
                     answer.size() > kShown ? " …" : "");
}

ExitCode embed(const EmbedOptions& options) {
  const auto& common = options.common.common;
  Progress progress(common.progress);
  progress.stage("loading " + common.model);
  const tasks::TextEmbedder embedder(common.model, common.engine, options.common.text, options.normalize);
  print_notes(embedder.model().model());
  const TextTask task = {.verb = "embedding",
                         .encode = [&](const tasks::TextInput& input) { return embedder.model().encode(input); },
                         .answer =
                             [&](std::span<const text::Encoding* const> texts) {
                               std::vector<Json> answers;
                               for (const auto& vector : embedder.embed(texts)) {
                                 Json& answer = answers.emplace_back(Json::array());
                                 for (const float value : vector) answer.push_back(shortest(value));
                               }
                               return answers;
                             },
                         .readable = readable,
                         .packs = embedder.model().takes_positions()};
  return run_texts(options.common, progress, embedder.model().max_length(), task);
}

}  // namespace

void add_embed(CLI::App& app, Work& work) {
  const auto options = std::make_shared<EmbedOptions>();
  CLI::App& command = *app.add_subcommand("embed", "Turn texts into vectors");
  add_text_options(command, options->common, false);
  command.add_flag("--normalize", options->normalize, "Make each vector's length 1, if the model does not");
  command.footer(kExamples);
  command.callback([options, &work] { work = [options] { return embed(*options); }; });
}

}  // namespace wherry::cli
