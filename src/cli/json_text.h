#pragma once
// JSON as this program prints it: keys in the order of writing, two spaces of indent, and always valid UTF-8.

#include <nlohmann/json.hpp>
#include <string>

namespace wherry::cli {

using Json = nlohmann::ordered_json;

/// Bytes that are no UTF-8 (from a file's names) become U+FFFD, so printing never fails.
inline std::string json_text(const Json& json) { return json.dump(2, ' ', false, Json::error_handler_t::replace); }

}  // namespace wherry::cli
