// Column widths from the widest cell.

#include "cli/table.h"

#include <algorithm>

#include "base/check.h"
#include "cli/terminal.h"

namespace wherry::cli {

void Table::add(std::vector<std::string> cells) {
  WHERRY_CHECK_EQ(cells.size(), columns_.size());
  for (auto& cell : cells) cell = printable(cell);
  rows_.push_back(std::move(cells));
}

std::string Table::print(std::size_t width) const {
  constexpr std::size_t kGap = 2, kSmallest = 8;
  std::vector<std::size_t> widths;
  std::size_t total = kGap * (columns_.size() - 1);
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    widths.push_back(columns_[i].title.size());
    for (const auto& row : rows_) widths[i] = std::max(widths[i], columns_of(row[i]));
    total += widths[i];
  }
  const auto shrink = [&](std::size_t i, std::size_t least) {
    const std::size_t narrower = std::max(std::min(widths[i], least), widths[i] - std::min(widths[i], total - width));
    total -= widths[i] - narrower;
    widths[i] = narrower;
  };
  for (std::size_t i = 0; i < columns_.size() && total > width; ++i) shrink(i, columns_[i].least);
  if (total > width) shrink(columns_.size() - 1, kSmallest);
  std::string out;
  const auto add_line = [&](const auto& cell_of, bool heading) {
    std::string line;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      const bool last = i + 1 == columns_.size();
      const std::string cell = last ? cut_start(cell_of(i), widths[i]) : cut_end(cell_of(i), widths[i]);
      const std::string padding(widths[i] - columns_of(cell), ' ');
      if (i > 0) line.append(kGap, ' ');
      if (columns_[i].right) line += padding;
      line += cell;
      if (!columns_[i].right) line += padding;
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += heading ? bold(line) : line;
    out += '\n';
  };
  add_line([&](std::size_t i) { return columns_[i].title; }, true);
  for (const auto& row : rows_) add_line([&](std::size_t i) { return row[i]; }, false);
  return out;
}

}  // namespace wherry::cli
