#pragma once
// Rows of text in aligned columns.

#include <string>
#include <vector>

namespace wherry::cli {

class Table {
 public:
  struct Column {
    std::string title;
    bool right = false;          ///< numbers stand to the right
    std::size_t most = 1 << 20;  ///< columns at which a cell's end is cut
  };

  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

  /// One cell per column.
  void add(std::vector<std::string> cells);

  /// The heading and the rows, each a line. Where they are wider than `width`, the last column gives way, cut at its
  /// start (which suits file names with lines).
  std::string print(std::size_t width) const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace wherry::cli
