#include "import/json/json_object.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <unordered_set>

#include "base/check.h"
#include "base/read_json.h"
#include "import/printable.h"

namespace wherry::import {
namespace {

using base::fail;
using nlohmann::json;

/// The document. A key that stands twice in one object is refused: readers disagree about which one counts.
json parse_document(std::string_view text, const std::string& what) {
  std::vector<std::unordered_set<std::string>> keys;
  const auto no_duplicates = [&](json::parse_event_t event, const json& parsed) {
    if (event == json::parse_event_t::object_start) {
      keys.emplace_back();
    } else if (event == json::parse_event_t::object_end) {
      keys.pop_back();
    } else if (event == json::parse_event_t::key && !keys.back().insert(parsed.get<std::string>()).second) {
      fail<InvalidModel>("{}: the key '{}' stands twice in one object", what, printable(parsed.get<std::string>()));
    }
  };
  return base::read_json<InvalidModel, json>(text, what, "a JSON document in UTF-8 is expected", no_duplicates);
}

}  // namespace

JsonObject::JsonObject(std::shared_ptr<const json> value, std::string what)
    : value_(std::move(value)), what_(std::move(what)) {}

JsonObject JsonObject::parse(std::string_view text, std::string what) {
  auto document = std::make_shared<const json>(parse_document(text, what));
  if (!document->is_object())
    fail<InvalidModel>("{}: found a JSON {}; an object is expected", what, document->type_name());
  return {std::move(document), std::move(what)};
}

std::vector<JsonObject> JsonObject::parse_list(std::string_view text, const std::string& what) {
  const json document = parse_document(text, what);
  std::vector<JsonObject> list;
  if (!document.is_array())
    fail<InvalidModel>("{}: found a JSON {}; a list of objects is expected", what, document.type_name());
  for (const json& item : document) {
    if (!item.is_object())
      fail<InvalidModel>("{}: found a JSON {} in the list; objects are expected", what, item.type_name());
    list.push_back({std::make_shared<const json>(item), what});
  }
  return list;
}

const json* JsonObject::find(std::string_view key) const {
  const auto found = value_->find(key);
  return found == value_->end() || found->is_null() ? nullptr : &*found;
}

bool JsonObject::has(std::string_view key) const { return find(key) != nullptr; }

std::vector<std::string> JsonObject::keys() const {
  std::vector<std::string> keys;
  for (const auto& [key, value] : value_->items()) keys.push_back(key);
  return keys;
}

std::string JsonObject::found(std::string_view key) const {
  const json* value = find(key);
  return value ? printable(value->dump(-1, ' ', false, json::error_handler_t::replace), 60) : "nothing";
}

void JsonObject::refuse(std::string_view key, std::string_view accepted) const {
  fail<InvalidModel>("{}: \"{}\": found {}, {} is expected", what_, printable(key), found(key), accepted);
}

std::optional<std::int64_t> JsonObject::integer(std::string_view key, std::int64_t least, std::int64_t most) const {
  const json* value = find(key);
  if (!value) return std::nullopt;
  const auto accepted = [&] {
    return most == std::numeric_limits<std::int64_t>::max() ? fmt::format("an integer of at least {}", least)
                                                            : fmt::format("an integer from {} to {}", least, most);
  };
  // Written as an unsigned number past int64's range, it would come back negative.
  if (!value->is_number_integer() ||
      (value->is_number_unsigned() && value->get<std::uint64_t>() > std::numeric_limits<std::int64_t>::max()))
    refuse(key, accepted());
  const auto number = value->get<std::int64_t>();
  if (number < least || number > most) refuse(key, accepted());
  return number;
}

std::optional<double> JsonObject::number(std::string_view key) const {
  const json* value = find(key);
  if (!value) return std::nullopt;
  if (!value->is_number()) refuse(key, "a number");
  return value->get<double>();
}

std::optional<bool> JsonObject::flag(std::string_view key) const {
  const json* value = find(key);
  if (!value) return std::nullopt;
  if (!value->is_boolean()) refuse(key, "true or false");
  return value->get<bool>();
}

std::optional<std::string> JsonObject::text(std::string_view key) const {
  const json* value = find(key);
  if (!value) return std::nullopt;
  if (!value->is_string()) refuse(key, "a string");
  return value->get<std::string>();
}

std::optional<std::vector<std::string>> JsonObject::texts(std::string_view key) const {
  const json* value = find(key);
  if (!value) return std::nullopt;
  if (!value->is_array()) refuse(key, "a list of strings");
  std::vector<std::string> list;
  for (const json& item : *value) {
    if (!item.is_string()) refuse(key, "a list of strings");
    list.push_back(item.get<std::string>());
  }
  return list;
}

std::optional<std::vector<std::int64_t>> JsonObject::integers(std::string_view key, std::int64_t least) const {
  const json* value = find(key);
  if (!value) return std::nullopt;
  const std::string accepted = fmt::format("a list of integers of at least {}", least);
  if (!value->is_array()) refuse(key, accepted);
  std::vector<std::int64_t> list;
  for (const json& item : *value) {
    const bool fits = item.is_number_unsigned() ? item.get<std::uint64_t>() <= std::numeric_limits<std::int64_t>::max()
                                                : item.is_number_integer();
    if (!fits || item.get<std::int64_t>() < least) refuse(key, accepted);
    list.push_back(item.get<std::int64_t>());
  }
  return list;
}

std::optional<JsonObject> JsonObject::object(std::string_view key) const {
  const json* value = find(key);
  if (!value) return std::nullopt;
  if (!value->is_object()) refuse(key, "an object");
  return JsonObject(std::make_shared<const json>(*value), fmt::format("{}: \"{}\"", what_, printable(key)));
}

}  // namespace wherry::import
