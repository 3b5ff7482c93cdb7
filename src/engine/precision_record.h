#pragma once
// The file MODEL.precision beside a model: which of its modules stay in fp32 so that bf16 keeps a bound.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace wherry::engine {

struct PrecisionRecord {
  std::string path;
  double max_error = 0;                ///< the bound: the output's largest error by its largest value
  std::vector<std::string> keep_fp32;  ///< paths of modules

  /// What runs, in a sentence.
  std::string note() const;
};

/// "models/resnet50.pt.precision"; of a folder its name with the ending, beside it.
std::string precision_record_path(std::string_view model);

/// Throws InvalidInput with the line that is wrong; `path` begins the message.
PrecisionRecord parse_precision_record(std::string_view text, std::string path);
std::string print_precision_record(const PrecisionRecord& record);

/// Empty where there is no such file. Throws InvalidInput where it cannot be read or is something else.
std::optional<PrecisionRecord> read_precision_record(const std::string& path);
/// To record.path, in place of one that is there.
void write_precision_record(const PrecisionRecord& record);

}  // namespace wherry::engine
