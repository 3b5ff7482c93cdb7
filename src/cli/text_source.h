#pragma once
// Where texts come from: the command line, lines of a file or of standard input, or a column of a CSV or TSV file.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tasks/text_model.h"

namespace wherry::cli {

struct TextItem {
  std::string where;  ///< "text 2", "reviews.csv:17"
  tasks::TextInput input;
};

class TextSource {
 public:
  virtual ~TextSource() = default;
  /// The next text; empty at the end. Throws InvalidInput where a file cannot be read or a row lacks the column.
  virtual std::optional<TextItem> next() = 0;
  /// True if next() would wait for somebody who has not written yet.
  virtual bool waits() { return false; }
  /// How much of the source has been read, 0 to 1; empty where nobody knows.
  virtual std::optional<double> fraction() const = 0;
};

struct TextSourceOptions {
  std::vector<std::string> texts = {};  ///< from the command line; the single one "-" means standard input
  std::string file = {};                ///< "-" means standard input
  std::string column = {};              ///< name or number (from 1) of a column
  std::string pair_column = {};         ///< the second text's
  bool pairs = false;                   ///< two arguments a text, or two texts a line with a tab between them
};

/// Throws InvalidInput where the options contradict each other, the file cannot be opened or it has no such column.
std::unique_ptr<TextSource> open_text_source(const TextSourceOptions& options);

}  // namespace wherry::cli
