#pragma once
// Lines of a file or pipe, as they arrive.

#include <cstdint>
#include <optional>
#include <string>

namespace wherry::cli {

class LineReader {
 public:
  /// Opens the file, or standard input for "-". Throws InvalidInput naming path and reason.
  explicit LineReader(const std::string& path);
  LineReader(const LineReader&) = delete;
  LineReader& operator=(const LineReader&) = delete;
  ~LineReader();

  const std::string& name() const { return name_; }
  /// Of the line that next() gave last, from 1.
  std::int64_t number() const { return number_; }

  /// Without its line break (\n or \r\n); empty at the end. Throws InvalidInput where reading fails or a line is longer
  /// than any text.
  std::optional<std::string> next();
  /// True if next() would have to wait.
  bool waits();
  /// Share of the file's bytes that have been given; empty for a pipe.
  std::optional<double> fraction() const;

 private:
  /// Appends what there is to the buffer; false at the end.
  bool read_more();

  std::string name_;
  int descriptor_ = -1;
  std::string buffer_;
  std::size_t begin_ = 0;  ///< of what has not been given yet
  std::int64_t given_ = 0;
  std::int64_t size_ = 0;  ///< 0 for a pipe
  std::int64_t number_ = 0;
  bool ended_ = false;
};

}  // namespace wherry::cli
