// wherry classify-text: a model, texts, and the labels they deserve.

#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "cli/terminal.h"
#include "cli/text_command.h"
#include "tasks/text_classifier.h"

namespace wherry::cli {
namespace {

constexpr const char* kExamples = R"(Examples:
  wherry classify-text distilbert-sst2 "A charming and often affecting journey."
  wherry classify-text distilbert-sst2 --file reviews.csv --column text --json
  wherry classify-text mnli-model --pairs "A man sleeps." "Nobody is awake." --top 3
  cat lines.txt | wherry classify-text distilbert-sst2 -)";

constexpr std::size_t kBarColumns = 20;

struct ClassifyTextOptions {
  TextCommandOptions common;
  std::size_t top = 1;
};

ExitCode classify(const ClassifyTextOptions& options) {
  const auto& common = options.common.common;
  Progress progress(common.progress);
  progress.stage("loading " + common.model);
  const tasks::TextClassifier classifier(common.model, common.engine, options.common.text);
  print_notes(classifier.model().model());
  const bool shares = classifier.model().config().problem_type != "regression";
  const TextTask task = {.verb = "classifying",
                         .encode = [&](const tasks::TextInput& input) { return classifier.model().encode(input); },
                         .answer =
                             [&](std::span<const text::Encoding* const> texts) {
                               std::vector<Json> answers;
                               for (const auto& labels : classifier.classify(texts, options.top)) {
                                 Json& answer = answers.emplace_back(Json::array());
                                 for (const auto& [label, score] : labels)
                                   answer.push_back({{"label", label}, {"score", score}});
                               }
                               return answers;
                             },
                         .readable =
                             [&](const Json& answer) {
                               std::string lines;
                               for (const Json& one : answer) {
                                 const auto score = one["score"].get<double>();
                                 const std::string shown =
                                     shares ? fmt::format("{:6.2f}%  {}", 100 * score, green(bar(score, kBarColumns)))
                                            : fmt::format("{:10.4f}", score);
                                 lines += fmt::format("  {}  {}\n", shown, printable(one["label"].get<std::string>()));
                               }
                               return lines;
                             },
                         .packs = classifier.model().takes_positions()};
  return run_texts(options.common, progress, classifier.model().max_length(), task);
}

}  // namespace

void add_classify_text(CLI::App& app, Work& work) {
  const auto options = std::make_shared<ClassifyTextOptions>();
  CLI::App& command = *app.add_subcommand("classify-text", "Label texts: sentiment, topic, entailment");
  add_text_options(command, options->common, true);
  command.add_option("--top", options->top, "How many labels to show; more than there are shows all (default: 1)")
      ->check(CLI::Range(1, 1'000'000))
      ->type_name("K");
  command.footer(kExamples);
  command.callback([options, &work] { work = [options] { return classify(*options); }; });
}

}  // namespace wherry::cli
