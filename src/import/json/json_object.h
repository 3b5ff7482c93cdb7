#pragma once
// JSON from a file, with typed access that says what is wrong where: the file, the key, what was found, what would be
// accepted. Missing keys and null are the same thing, as they are to transformers.

#include <cstdint>
#include <limits>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace wherry::import {

class JsonObject {
 public:
  /// Throws InvalidModel, beginning with `what` (the file's path), where the text is no JSON object in valid UTF-8.
  static JsonObject parse(std::string_view text, std::string what);
  /// A list of objects, as modules.json is one.
  static std::vector<JsonObject> parse_list(std::string_view text, const std::string& what);

  const std::string& what() const { return what_; }
  bool has(std::string_view key) const;
  std::vector<std::string> keys() const;

  /// Each throws InvalidModel where the value is of another type or out of range. Empty where there is none.
  std::optional<std::int64_t> integer(std::string_view key, std::int64_t least = 0,
                                      std::int64_t most = std::numeric_limits<std::int64_t>::max()) const;
  std::optional<double> number(std::string_view key) const;
  std::optional<bool> flag(std::string_view key) const;
  std::optional<std::string> text(std::string_view key) const;
  std::optional<std::vector<std::string>> texts(std::string_view key) const;
  std::optional<std::vector<std::int64_t>> integers(std::string_view key, std::int64_t least = 0) const;
  std::optional<JsonObject> object(std::string_view key) const;

  /// The value as JSON, cut to what fits a message; "nothing" where there is none.
  std::string found(std::string_view key) const;

 private:
  JsonObject(std::shared_ptr<const nlohmann::json> value, std::string what);
  const nlohmann::json* find(std::string_view key) const;
  [[noreturn]] void refuse(std::string_view key, std::string_view accepted) const;

  std::shared_ptr<const nlohmann::json> value_;
  std::string what_;
};

}  // namespace wherry::import
