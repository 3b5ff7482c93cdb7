// One pass over each line; a quoted field that goes on takes the next line too.

#include "cli/delimited.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>

#include "base/check.h"

namespace wherry::cli {

using base::fail;

DelimitedReader::DelimitedReader(const std::string& path) : lines_(path), tabs_(path.ends_with(".tsv")) {
  if (!tabs_ && !path.ends_with(".csv"))
    fail<InvalidInput>("{}: has no columns by its name; a .csv or .tsv file is expected with --column", path);
  auto names = next();
  if (!names) fail<InvalidInput>("{}: is empty; a first row with the columns' names is expected", path);
  header_ = std::move(*names);
  if (header_.front().starts_with("\xef\xbb\xbf")) header_.front().erase(0, 3);
}

std::size_t DelimitedReader::column(const std::string& name) const {
  const auto found = std::find(header_.begin(), header_.end(), name);
  if (found != header_.end()) return static_cast<std::size_t>(found - header_.begin());
  std::size_t number = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  if (error == std::errc{} && end == name.data() + name.size() && number >= 1 && number <= header_.size())
    return number - 1;
  fail<InvalidInput>("{}: has no column '{}'; its columns are {}", lines_.name(), name, fmt::join(header_, ", "));
}

std::optional<std::vector<std::string>> DelimitedReader::next() {
  std::optional<std::string> line;
  do line = lines_.next();
  while (line && line->empty());
  if (!line) return std::nullopt;
  number_ = lines_.number();
  if (!tabs_) return quoted_row(std::move(*line));
  std::vector<std::string> fields(1);
  for (const char c : *line) {
    if (c == '\t')
      fields.emplace_back();
    else
      fields.back() += c;
  }
  return fields;
}

std::optional<std::vector<std::string>> DelimitedReader::quoted_row(std::string line) {
  std::vector<std::string> fields(1);
  bool quoted = false;
  for (std::size_t i = 0;; ++i) {
    if (i == line.size()) {
      if (!quoted) return fields;
      auto more = lines_.next();
      if (!more)
        fail<InvalidInput>("{}:{}: a quote is not closed; \"…\" around a field is expected", lines_.name(), number_);
      fields.back() += '\n';
      line = std::move(*more);
      i = static_cast<std::size_t>(-1);
    } else if (line[i] == '"' && quoted && i + 1 < line.size() && line[i + 1] == '"') {
      fields.back() += line[++i];
    } else if (line[i] == '"' && (quoted || fields.back().empty())) {
      quoted = !quoted;
    } else if (line[i] == ',' && !quoted) {
      fields.emplace_back();
    } else {
      fields.back() += line[i];
    }
  }
}

}  // namespace wherry::cli
