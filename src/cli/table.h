#pragma once
// Rows of text in aligned columns.

#include <string>
#include <vector>

namespace wherry::cli {

class Table {
 public:
  struct Column {
    std::string title;
    bool right = false;           ///< numbers stand to the right
    std::size_t least = 1 << 20;  ///< where the table is too wide, cells' ends are cut at this width
  };

  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

  /// One cell per column.
  void add(std::vector<std::string> cells);

  /// The heading and the rows, each a line. Where they are wider than `width`, columns with a `least` give way to it,
  /// and then the last one, which is cut at its start (as suits paths).
  std::string print(std::size_t width) const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace wherry::cli
