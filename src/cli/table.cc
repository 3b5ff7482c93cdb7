// Column widths from the widest cell.

#include "cli/table.h"

#include <algorithm>

#include "base/check.h"
#include "cli/terminal.h"

namespace wherry::cli {

void Table::add(std::vector<std::string> cells) {
  WHERRY_CHECK_EQ(cells.size(), columns_.size());
  for (std::size_t i = 0; i < cells.size(); ++i) cells[i] = cut_end(printable(cells[i]), columns_[i].most);
  rows_.push_back(std::move(cells));
}

std::string Table::print(std::size_t width) const {
  constexpr std::size_t kGap = 2, kSmallest = 8;
  std::vector<std::size_t> widths;
  std::size_t used = 0;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    std::size_t widest = columns_[i].title.size();
    for (const auto& row : rows_) widest = std::max(widest, columns_of(row[i]));
    if (i + 1 == columns_.size()) widest = std::min(widest, std::max(width - std::min(width, used), kSmallest));
    widths.push_back(widest);
    used += widest + kGap;
  }
  std::string out;
  const auto add_line = [&](const auto& cell_of, bool heading) {
    std::string line;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      const std::string cell = cut_start(cell_of(i), widths[i]);
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
