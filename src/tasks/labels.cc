// Label files come in a handful of shapes; all end as a list of names.

#include "tasks/labels.h"

#include <charconv>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/check.h"
#include "base/mapped_file.h"
#include "base/read_json.h"

namespace wherry::tasks {
namespace {

using base::fail;
using nlohmann::json;

constexpr std::string_view kAccepted =
    "one name a line, a JSON list of names, or a JSON object of index and name is accepted";

constexpr const char* kImagenetLabels[] = {
#include "tasks/imagenet_labels.inc"
};

/// "17" → 17; empty if it is no plain number.
std::optional<std::size_t> index_of(std::string_view text) {
  std::size_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// A class's name: a string, or ["n01440764", "tench"] as Keras writes it.
std::string label_of(const json& value, const std::string& name) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_array() && !value.empty() && value.back().is_string()) return value.back().get<std::string>();
  fail<InvalidInput>("{}: a label is of JSON type {}; a string is expected", name, value.type_name());
}

std::vector<std::string> from_object(const json& object, const std::string& name) {
  if (const auto nested = object.find("id2label"); nested != object.end() && nested->is_object())
    return from_object(*nested, name);
  std::vector<std::optional<std::string>> found(object.size());
  for (const auto& [key, value] : object.items()) {
    const bool by_index = index_of(key).has_value();
    if (!by_index && !value.is_number_unsigned())
      fail<InvalidInput>("{}: the entry '{}' pairs no index with a name; {}", name, key, kAccepted);
    const std::size_t index = by_index ? *index_of(key) : value.get<std::size_t>();
    if (index >= found.size())
      fail<InvalidInput>("{}: class {} of only {} classes; indices must count from 0 without gaps", name, index,
                         found.size());
    if (found[index]) fail<InvalidInput>("{}: class {} is named twice", name, index);
    found[index] = by_index ? label_of(value, name) : key;
  }
  std::vector<std::string> labels;
  for (auto& label : found) labels.push_back(std::move(*label));  // as many distinct indices as entries: all are there
  return labels;
}

std::vector<std::string> from_json(std::string_view text, const std::string& name) {
  const json parsed = base::read_json<InvalidInput>(text, name, kAccepted);
  if (parsed.is_object()) return from_object(parsed, name);
  std::vector<std::string> labels;
  for (const auto& value : parsed) labels.push_back(label_of(value, name));
  return labels;
}

std::vector<std::string> from_lines(std::string_view text, const std::string& name) {
  constexpr std::string_view kSpace = " \t\r\n";
  text = text.substr(0, text.find_last_not_of(kSpace) + 1);
  std::vector<std::string> labels;
  while (!text.empty()) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    line = line.substr(0, line.find_last_not_of(kSpace) + 1);
    if (line.empty())
      fail<InvalidInput>("{}: line {} is empty, so the names after it have no clear index; {}", name, labels.size() + 1,
                         kAccepted);
    labels.emplace_back(line);
  }
  return labels;
}

}  // namespace

std::vector<std::string> imagenet_labels() { return {std::begin(kImagenetLabels), std::end(kImagenetLabels)}; }

std::vector<std::string> parse_labels(std::string_view text, const std::string& name) {
  constexpr std::size_t kLargest = 64 << 20;
  if (text.size() > kLargest)
    fail<InvalidInput>("{}: has {} bytes; a label file has at most {}", name, text.size(), kLargest);
  if (text.find('\0') != text.npos) fail<InvalidInput>("{}: is not text; {}", name, kAccepted);
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  const auto start = text.find_first_not_of(" \t\r\n");
  const bool is_json = start != text.npos && (text[start] == '[' || text[start] == '{');
  auto labels = is_json ? from_json(text, name) : from_lines(text, name);
  if (labels.empty()) fail<InvalidInput>("{}: holds no labels; {}", name, kAccepted);
  return labels;
}

std::vector<std::string> read_labels(const std::string& path) {
  const auto file = base::MappedFile::open(path);
  return parse_labels({reinterpret_cast<const char*>(file->bytes().data()), file->bytes().size()}, path);
}

}  // namespace wherry::tasks
