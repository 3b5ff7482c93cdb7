// A window of texts at a time: long enough to find texts of like length, short enough to stream.

#include "cli/text_command.h"

#include <fmt/format.h>

#include <chrono>
#include <optional>

#include "base/check.h"
#include "cli/brackets.h"
#include "cli/terminal.h"
#include "tasks/length_batches.h"
#include "tasks/text_model.h"

namespace wherry::cli {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kBatchesAhead = 64;
constexpr std::size_t kBatch = 8;
constexpr std::int64_t kNotesOfTruncation = 3;

/// One text of the window, and what became of it.
struct Entry {
  TextItem item;
  text::Encoding encoding;
  Json answer;
  std::optional<std::string> error;
};

class TextLoop {
 public:
  TextLoop(const TextCommandOptions& options, Progress& progress, std::int64_t max_length, const TextTask& task)
      : options_(options), progress_(progress), max_length_(max_length), task_(task) {}

  ExitCode run() {
    const auto source = open_text_source(options_.source);
    for (;;) {
      const std::vector<Entry> window = answered(*source);
      if (window.empty()) break;
      progress_.hide();
      for (const Entry& entry : window) print(entry);
      std::fflush(stdout);
    }
    progress_.stage("");  // silent from here on
    progress_.hide();
    if (texts_ == 0) base::fail<InvalidInput>("{}: found no text; one a line is expected", options_.source.file);
    if (truncated_ > kNotesOfTruncation)
      print_note(fmt::format("{} texts were longer than {} tokens and were truncated", truncated_, max_length_));
    if (texts_ > 1 && (options_.common.progress || error_is_terminal())) print_note(summary());
    return failed_ ? kBadInput : kOk;
  }

 private:
  std::vector<Entry> answered(TextSource& source) {
    std::vector<Entry> window;
    const double before = source.fraction().value_or(0);
    while (window.size() < kBatchesAhead * options_.batch.value_or(kBatch) && (window.empty() || !source.waits())) {
      auto item = source.next();
      if (!item) break;
      encode(window.emplace_back(Entry{std::move(*item), {}, {}, {}}));
    }
    std::vector<std::size_t> usable, lengths;
    for (std::size_t i = 0; i < window.size(); ++i) {
      if (window[i].error) continue;
      usable.push_back(i);
      lengths.push_back(window[i].encoding.ids.size());
    }
    std::size_t done = 0;
    for (const auto& batch : task_.packs && !options_.batch
                                 ? tasks::packs_of(lengths, tasks::TextModel::kPackedTokens)
                                 : tasks::batches_by_length(lengths, options_.batch.value_or(kBatch))) {
      std::vector<const text::Encoding*> encodings;
      for (const std::size_t index : batch) encodings.push_back(&window[usable[index]].encoding);
      std::vector<Json> answers = task_.answer(encodings);
      for (std::size_t i = 0; i < batch.size(); ++i) window[usable[batch[i]]].answer = std::move(answers[i]);
      done += batch.size();
      answered_ += static_cast<std::int64_t>(batch.size());
      progress_.stage(fmt::format("{}: {} texts, {:.0f} a second", task_.verb, grouped(answered_), per_second()));
      if (const auto after = source.fraction())
        progress_.fraction(before + (*after - before) * static_cast<double>(done) / static_cast<double>(usable.size()));
    }
    return window;
  }

  void encode(Entry& entry) {
    ++texts_;
    try {
      entry.encoding = task_.encode(entry.item.input);
    } catch (const InvalidInput& error) {
      entry.error = error.what();
      failed_ = true;
      return;
    }
    tokens_ += static_cast<std::int64_t>(entry.encoding.ids.size());
    if (!entry.encoding.truncated() || ++truncated_ > kNotesOfTruncation) return;
    progress_.hide();
    print_note(fmt::format("{}: has {} tokens; only the first {} are read", entry.item.where,
                           entry.encoding.full_length, max_length_));
  }

  void print(const Entry& entry) const {
    const tasks::TextInput& input = entry.item.input;
    if (entry.error) print_error(entry.item.where + ": " + *entry.error);
    if (options_.common.json) {
      Json line = {{"text", input.text}};
      if (input.pair) line["text_pair"] = *input.pair;
      if (entry.error)
        line["error"] = *entry.error;
      else
        line["result"] = entry.answer;
      if (entry.encoding.truncated()) line["truncated"] = true;
      std::fputs((line.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n").c_str(), stdout);
    } else if (!entry.error) {
      const std::string shown = printable(input.text) + (input.pair ? "  |  " + printable(*input.pair) : "");
      std::fputs((bold(shown) + "\n" + task_.readable(entry.answer)).c_str(), stdout);
    }
  }

  double per_second() const {
    return static_cast<double>(answered_) / std::chrono::duration<double>(Clock::now() - start_).count();
  }

  std::string summary() const {
    return fmt::format("{} texts, {} tokens in {:.2f} s: {:.1f} texts a second", grouped(answered_), grouped(tokens_),
                       std::chrono::duration<double>(Clock::now() - start_).count(), per_second());
  }

  const TextCommandOptions& options_;
  Progress& progress_;
  const std::int64_t max_length_;
  const TextTask& task_;
  const Clock::time_point start_ = Clock::now();
  std::int64_t texts_ = 0;
  std::int64_t answered_ = 0;
  std::int64_t tokens_ = 0;
  std::int64_t truncated_ = 0;
  bool failed_ = false;
};

}  // namespace

void add_text_options(CLI::App& command, TextCommandOptions& options, bool pairs) {
  add_common(command, options.common, "Hugging Face folder; or a .pt or .wherry file beside tokenizer and config.json");
  command.add_option("TEXT", options.source.texts, "Texts; '-' reads lines from standard input")->type_name("TEXT");
  command.add_option("--file", options.source.file, "Read texts from a file's lines, or from a column with --column")
      ->type_name("FILE");
  command.add_option("--column", options.source.column, "Column of a .csv or .tsv --file, by name or number")
      ->type_name("NAME");
  if (pairs) {
    command.add_option("--pair-column", options.source.pair_column, "Column of the second text of a pair")
        ->type_name("NAME");
    command.add_flag("--pairs", options.source.pairs, "Texts are pairs: two TEXTs each, or a line with a tab between");
  }
  command
      .add_option("--batch-size", options.batch, "Texts per run, of like length (default: 8, or those that fill a row)")
      ->check(CLI::Range(1, 1024))
      ->type_name("N");
  command
      .add_option("--max-length", options.text.max_length,
                  "Tokens of a text that are read (default: as many as the model takes)")
      ->check(CLI::Range(1, 1 << 20))
      ->type_name("N");
  command.add_flag("!--no-truncate", options.text.truncate, "Refuse longer texts instead of leaving their rest out");
  command
      .add_option("--tokenizer", options.text.folder,
                  "Folder of the tokenizer (default: MODEL, or the folder it is in)")
      ->type_name("DIR");
  command.parse_complete_callback([&options] {
    for (std::string& text : options.source.texts) unguard(text);
    for (std::string* value : {&options.common.model, &options.common.engine.arch, &options.source.file,
                               &options.source.column, &options.source.pair_column, &options.text.folder})
      unguard(*value);
  });
}

ExitCode run_texts(const TextCommandOptions& options, Progress& progress, std::int64_t max_length,
                   const TextTask& task) {
  return TextLoop(options, progress, max_length, task).run();
}

}  // namespace wherry::cli
