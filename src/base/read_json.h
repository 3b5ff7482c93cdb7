#pragma once
// JSON text as a document, with one line that says what is wrong where it is none. In a header, since callers choose
// the error's type and whether keys keep their order.

#include <fmt/format.h>

#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "base/check.h"
#include "base/mapped_file.h"

namespace wherry::base {

/// What reads or writes a document recurses, so that lists within lists without end would take the whole stack.
inline constexpr int kDeepestJson = 256;

/// The document in `text`. Throws Failure, beginning with `name` (the file's path) and ending with `accepted`, where
/// the text is no valid JSON in UTF-8, has a number beyond a double's range, or nests deeper than kDeepestJson.
/// `visit` sees each event of the parser, and may throw.
template <typename Failure, typename Json = nlohmann::json>
Json read_json(std::string_view text, const std::string& name, std::string_view accepted,
               const std::function<void(typename Json::parse_event_t, const Json&)>& visit = nullptr) {
  const auto on_event = [&](int depth, typename Json::parse_event_t event, Json& parsed) {
    if (depth > kDeepestJson) fail<Failure>("{}: nests deeper than {} levels; {}", name, kDeepestJson, accepted);
    if (visit) visit(event, parsed);
    return true;
  };
  try {
    return Json::parse(text.begin(), text.end(), on_event);
  } catch (const typename Json::parse_error& error) {
    fail<Failure>("{}: is no JSON, or damaged at byte {}; {}", name, error.byte, accepted);
  } catch (const typename Json::out_of_range&) {
    fail<Failure>("{}: has a number beyond a double's range; {}", name, accepted);
  }
}

/// The object in a file; empty where there is no such file. Throws Failure where it holds anything else.
template <typename Failure>
std::optional<nlohmann::json> read_json_object(const std::string& path) {
  if (!std::filesystem::exists(path)) return std::nullopt;
  const auto file = MappedFile::open(path);
  const std::string_view text(reinterpret_cast<const char*>(file->bytes().data()), file->bytes().size());
  nlohmann::json object = read_json<Failure>(text, path, "a JSON object is expected");
  if (!object.is_object()) fail<Failure>("{}: holds a JSON {}; an object is expected", path, object.type_name());
  return object;
}

}  // namespace wherry::base
