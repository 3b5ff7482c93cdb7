// wherry fill-mask: a model, texts with gaps, and words for them.

#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "cli/terminal.h"
#include "cli/text_command.h"
#include "tasks/mask_filler.h"

namespace wherry::cli {
namespace {

constexpr const char* kExamples = R"(Examples:
  wherry fill-mask roberta-base "Paris is the <mask> of France." --top 5
  wherry fill-mask bert-base-uncased "The [MASK] sat on the [MASK]." --json
  wherry fill-mask roberta-base --file sentences.txt)";

constexpr std::size_t kBarColumns = 12;
constexpr std::size_t kWordColumns = 16;

struct FillMaskOptions {
  TextCommandOptions common;
  std::size_t top = 5;
};

Json to_json(const std::vector<tasks::Filling>& fillings) {
  Json list = Json::array();
  for (const auto& filling : fillings)
    list.push_back({{"score", filling.score},
                    {"token", filling.token},
                    {"token_str", filling.token_str},
                    {"sequence", filling.sequence}});
  return list;
}

std::string readable_one(const Json& fillings) {
  std::string lines;
  for (const Json& one : fillings) {
    const auto score = one["score"].get<double>();
    std::string word = printable(one["token_str"].get<std::string>());
    word.append(kWordColumns - std::min(kWordColumns, columns_of(word)), ' ');
    lines += fmt::format("  {:6.2f}%  {}  {}  {}\n", 100 * score, green(bar(score, kBarColumns)), word,
                         dim(printable(one["sequence"].get<std::string>())));
  }
  return lines;
}

/// As the pipeline: a list of fillings for one mask, a list of such lists for several.
std::string readable(const Json& answer) {
  if (answer.front().is_object()) return readable_one(answer);
  std::string lines;
  for (std::size_t i = 0; i < answer.size(); ++i) lines += fmt::format(" mask {}\n{}", i + 1, readable_one(answer[i]));
  return lines;
}

ExitCode fill(const FillMaskOptions& options) {
  const auto& common = options.common.common;
  Progress progress(common.progress);
  progress.stage("loading " + common.model);
  const tasks::MaskFiller filler(common.model, common.engine, options.common.text);
  print_notes(filler.model().model());
  const TextTask task = {.verb = "filling",
                         .encode = [&](const tasks::TextInput& input) { return filler.encode(input); },
                         .answer =
                             [&](std::span<const text::Encoding* const> texts) {
                               std::vector<Json> answers;
                               for (const tasks::Fillings& masks : filler.fill(texts, options.top)) {
                                 Json& answer = answers.emplace_back(Json::array());
                                 for (const auto& fillings : masks) answer.push_back(to_json(fillings));
                                 if (masks.size() == 1) answer = Json(answer.front());
                               }
                               return answers;
                             },
                         .readable = readable,
                         .packs = filler.model().takes_positions()};
  return run_texts(options.common, progress, filler.model().max_length(), task);
}

}  // namespace

void add_fill_mask(CLI::App& app, Work& work) {
  const auto options = std::make_shared<FillMaskOptions>();
  CLI::App& command = *app.add_subcommand("fill-mask", "Find words for the gaps in texts");
  add_text_options(command, options->common, false);
  command.add_option("--top", options->top, "How many words to show for each gap (default: 5)")
      ->check(CLI::Range(1, 1'000'000))
      ->type_name("K");
  command.footer(kExamples);
  command.callback([options, &work] { work = [options] { return fill(*options); }; });
}

}  // namespace wherry::cli
