#pragma once
// Rows of CSV (RFC 4180: fields may be quoted, and then hold delimiters and line breaks) and of TSV (no quoting, as
// data sets of texts are written).

#include <optional>
#include <string>
#include <vector>

#include "cli/line_reader.h"

namespace wherry::cli {

class DelimitedReader {
 public:
  /// A file that ends in .csv or .tsv. Throws InvalidInput for any other, and where it cannot be opened or is empty.
  explicit DelimitedReader(const std::string& path);

  const LineReader& lines() const { return lines_; }
  const std::vector<std::string>& header() const { return header_; }

  /// Index of the column called so, or with this number from 1. Throws InvalidInput naming the columns there are.
  std::size_t column(const std::string& name) const;

  /// The next row's fields; empty at the end, and rows without a byte are skipped. Throws InvalidInput where a quote is
  /// not closed.
  std::optional<std::vector<std::string>> next();
  /// Line on which the row that next() gave last begins, from 1.
  std::int64_t number() const { return number_; }

 private:
  std::optional<std::vector<std::string>> quoted_row(std::string line);

  LineReader lines_;
  bool tabs_ = false;
  std::vector<std::string> header_;
  std::int64_t number_ = 0;
};

}  // namespace wherry::cli
