// Lines of text, so that people can read, diff and edit it: a heading, the bound, then a module a line.

#include "engine/precision_record.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/check.h"
#include "base/new_file.h"

namespace wherry::engine {
namespace {

constexpr std::string_view kHeading = "wherry precision 1";
constexpr std::string_view kBound = "max-error ";
constexpr std::string_view kKept = "fp32 ";
constexpr std::size_t kMostBytes = std::size_t{1} << 20;

}  // namespace

std::string PrecisionRecord::note() const {
  return fmt::format("bf16, but {} module{} in fp32, as {} says for errors up to {}", keep_fp32.size(),
                     keep_fp32.size() == 1 ? "" : "s", path, max_error);
}

std::string precision_record_path(std::string_view model) {
  while (model.size() > 1 && model.ends_with('/')) model.remove_suffix(1);
  return std::string(model) + ".precision";
}

PrecisionRecord parse_precision_record(std::string_view text, std::string path) {
  PrecisionRecord record;
  record.path = std::move(path);
  const auto wrong = [&](int line, std::string_view found, std::string_view accepted) {
    base::fail<InvalidInput>("{}: line {}: found '{}'; {} is accepted", record.path, line, found.substr(0, 60),
                             accepted);
  };
  bool bounded = false;
  for (int number = 1; !text.empty(); ++number) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    if (number == 1) {
      if (line != kHeading) wrong(number, line, fmt::format("'{}'", kHeading));
    } else if (line.empty() || line.starts_with('#')) {
      continue;
    } else if (line.starts_with(kBound) && !bounded) {
      const std::string_view value = line.substr(kBound.size());
      const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), record.max_error);
      if (error != std::errc() || end != value.data() + value.size() || !std::isfinite(record.max_error) ||
          record.max_error < 0)
        wrong(number, line, "'max-error NUMBER', of 0 or more,");
      bounded = true;
    } else if (line.starts_with(kKept)) {
      record.keep_fp32.emplace_back(line.substr(kKept.size()));
    } else {
      wrong(number, line, "'fp32 MODULE'");
    }
  }
  if (!bounded) base::fail<InvalidInput>("{}: found no line 'max-error NUMBER'", record.path);
  return record;
}

std::string print_precision_record(const PrecisionRecord& record) {
  std::string text = fmt::format("{}\n{}{}\n", kHeading, kBound, record.max_error);
  for (const std::string& module : record.keep_fp32) text += fmt::format("{}{}\n", kKept, module);
  return text;
}

std::optional<PrecisionRecord> read_precision_record(const std::string& path) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) return std::nullopt;
  if (std::filesystem::file_size(path, error) > kMostBytes)
    base::fail<InvalidInput>("{}: is larger than any record of precision", path);
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  if (!file) base::fail<InvalidInput>("{}: cannot read this file", path);
  return parse_precision_record(text.str(), path);
}

void write_precision_record(const PrecisionRecord& record) {
  base::write_file(record.path, print_precision_record(record));
}

}  // namespace wherry::engine
