// Three sources behind one face.

#include "cli/text_source.h"

#include <fmt/format.h>

#include "base/check.h"
#include "cli/delimited.h"
#include "cli/line_reader.h"

namespace wherry::cli {
namespace {

using base::fail;

class ArgumentSource : public TextSource {
 public:
  ArgumentSource(std::vector<std::string> texts, bool pairs) : texts_(std::move(texts)), step_(pairs ? 2 : 1) {
    if (texts_.size() % step_ != 0)
      fail<InvalidInput>("--pairs: found {} texts; two for each pair are expected", texts_.size());
  }

  std::optional<TextItem> next() override {
    if (at_ == texts_.size()) return std::nullopt;
    TextItem item{texts_.size() == step_ ? "text" : fmt::format("text {}", at_ / step_ + 1), {texts_[at_], {}}};
    if (step_ == 2) item.input.pair = texts_[at_ + 1];
    at_ += step_;
    return item;
  }
  std::optional<double> fraction() const override {
    return static_cast<double>(at_) / static_cast<double>(texts_.size());
  }

 private:
  std::vector<std::string> texts_;
  std::size_t step_;
  std::size_t at_ = 0;
};

class LineSource : public TextSource {
 public:
  LineSource(const std::string& path, bool pairs) : lines_(path), pairs_(pairs) {}

  std::optional<TextItem> next() override {
    auto line = lines_.next();
    if (!line) return std::nullopt;
    TextItem item{fmt::format("{}:{}", lines_.name(), lines_.number()), {std::move(*line), {}}};
    if (!pairs_) return item;
    const auto tab = item.input.text.find('\t');
    if (tab == std::string::npos)
      fail<InvalidInput>("{}: found one text; two with a tab between them are expected with --pairs", item.where);
    item.input.pair = item.input.text.substr(tab + 1);
    item.input.text.resize(tab);
    return item;
  }
  bool waits() override { return lines_.waits(); }
  std::optional<double> fraction() const override { return lines_.fraction(); }

 private:
  LineReader lines_;
  bool pairs_;
};

class ColumnSource : public TextSource {
 public:
  ColumnSource(const std::string& path, const std::string& column, const std::string& pair_column)
      : table_(path), column_(table_.column(column)) {
    if (!pair_column.empty()) pair_column_ = table_.column(pair_column);
  }

  std::optional<TextItem> next() override {
    auto row = table_.next();
    if (!row) return std::nullopt;
    TextItem item{fmt::format("{}:{}", table_.lines().name(), table_.number()), {}};
    item.input.text = field(*row, column_, item.where);
    if (pair_column_) item.input.pair = field(*row, *pair_column_, item.where);
    return item;
  }
  std::optional<double> fraction() const override { return table_.lines().fraction(); }

 private:
  std::string field(std::vector<std::string>& row, std::size_t column, const std::string& where) const {
    if (column >= row.size())
      fail<InvalidInput>("{}: found {} columns, as many as the first row's {} are expected", where, row.size(),
                         table_.header().size());
    return row[column];
  }

  DelimitedReader table_;
  std::size_t column_;
  std::optional<std::size_t> pair_column_;
};

}  // namespace

std::unique_ptr<TextSource> open_text_source(const TextSourceOptions& options) {
  if (options.texts.empty() == options.file.empty())
    fail<InvalidInput>("{}; texts, '-' for standard input, or --file FILE is expected",
                       options.file.empty() ? "found no text" : "found both texts and --file");
  if (!options.pair_column.empty() && options.column.empty())
    fail<InvalidInput>("--pair-column: --column is expected with it, for the first text of a pair");
  if (!options.column.empty()) {
    if (options.file.empty()) fail<InvalidInput>("--column: --file FILE is expected with it");
    if (options.pairs) fail<InvalidInput>("--pairs: --pair-column names the second text of a row");
    return std::make_unique<ColumnSource>(options.file, options.column, options.pair_column);
  }
  const bool input = options.texts.size() == 1 && options.texts.front() == "-";
  if (input || !options.file.empty()) return std::make_unique<LineSource>(input ? "-" : options.file, options.pairs);
  return std::make_unique<ArgumentSource>(options.texts, options.pairs);
}

}  // namespace wherry::cli
