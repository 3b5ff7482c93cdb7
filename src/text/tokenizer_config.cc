// The several ways to write down a special token, read as transformers reads them.

#include "text/tokenizer_config.h"

#include <charconv>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string_view>

#include "base/check.h"
#include "base/read_json.h"

namespace wherry::text {
namespace {

using base::fail;
using nlohmann::json;

/// One file's object, and its name for messages.
struct Source {
  const json& object;
  std::string path;

  const json* find(const char* key) const {
    const auto found = object.find(key);
    return found == object.end() || found->is_null() ? nullptr : &*found;
  }

  bool flag(const char* key, bool otherwise) const {
    const json* value = find(key);
    if (value == nullptr) return otherwise;
    if (!value->is_boolean())
      fail<InvalidModel>("{}: '{}' is a JSON {}; true or false is expected", path, key, value->type_name());
    return value->get<bool>();
  }

  std::string word(const char* key) const {
    const json* value = find(key);
    if (value == nullptr) return "";
    if (!value->is_string())
      fail<InvalidModel>("{}: '{}' is a JSON {}; a string is expected", path, key, value->type_name());
    return value->get<std::string>();
  }
};

/// A token as a string, or as an object with its "content" and how it matches.
AddedToken token_of(const json& value, const std::string& path, const std::string& key, bool special) {
  if (value.is_string()) return {.content = value.get<std::string>(), .normalized = !special, .special = special};
  if (!value.is_object() || !value.contains("content") || !value["content"].is_string())
    fail<InvalidModel>("{}: '{}' is no token; a string or an object with \"content\" is expected", path, key);
  const Source token{value, path};
  const bool own_special = token.flag("special", false);
  return {.content = value["content"].get<std::string>(),
          .single_word = token.flag("single_word", false),
          .lstrip = token.flag("lstrip", false),
          .rstrip = token.flag("rstrip", false),
          .normalized = token.flag("normalized", !own_special),
          .special = special || own_special};
}

constexpr const char* kRoles[] = {"bos_token", "eos_token", "unk_token", "sep_token",
                                  "pad_token", "cls_token", "mask_token"};

void add_roles(TokenizerConfig& config, const Source& source) {
  for (const char* role : kRoles)
    if (const json* value = source.find(role)) config.roles[role] = token_of(*value, source.path, role, true);
  for (const char* key : {"additional_special_tokens", "extra_special_tokens"}) {
    const json* list = source.find(key);
    if (list == nullptr) continue;
    if (!list->is_array() && !list->is_object())
      fail<InvalidModel>("{}: '{}' is a JSON {}; a list of tokens is expected", source.path, key, list->type_name());
    for (const auto& value : *list) config.extra.push_back(token_of(value, source.path, key, true));
  }
}

std::int64_t id_from(const std::string& text, const std::string& path) {
  std::int64_t id = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
  if (error != std::errc{} || end != text.data() + text.size() || id < 0)
    fail<InvalidModel>("{}: 'added_tokens_decoder' has a token under '{}'; a token's id is expected", path, text);
  return id;
}

/// {"50264": {"content": "<mask>", …}, …}
void add_tokens_by_id(TokenizerConfig& config, const json& object, const std::string& path) {
  if (!object.is_object())
    fail<InvalidModel>("{}: 'added_tokens_decoder' is a JSON {}; an object of ids and tokens is expected", path,
                       object.type_name());
  std::map<std::int64_t, AddedToken> by_id;
  for (const auto& [id, value] : object.items())
    by_id[id_from(id, path)] = token_of(value, path, "added_tokens_decoder", false);
  for (const auto& [id, token] : by_id) config.added.push_back(token);
}

/// added_tokens.json, older: {"<ent>": 50265, …}
void add_tokens_by_name(TokenizerConfig& config, const json& object, const std::string& path) {
  std::map<std::int64_t, AddedToken> by_id;
  for (const auto& [content, id] : object.items()) {
    if (!id.is_number_unsigned())
      fail<InvalidModel>("{}: the token '{}' has a JSON {}; its id is expected", path, content, id.type_name());
    by_id[id.get<std::int64_t>()] = {.content = content, .normalized = true, .special = false};
  }
  for (const auto& [id, token] : by_id) config.added.push_back(token);
}

/// Numbers past any text stand for "no limit": transformers writes 1e30.
std::int64_t max_length_of(const Source& source) {
  constexpr double kLargest = 1e9;
  const json* value = source.find("model_max_length");
  if (value == nullptr) return 0;
  if (!value->is_number() || value->get<double>() < 1)
    fail<InvalidModel>("{}: 'model_max_length' is {}; a positive number is expected", source.path, value->dump());
  return value->get<double>() > kLargest ? 0 : static_cast<std::int64_t>(value->get<double>());
}

}  // namespace

TokenizerConfig read_tokenizer_config(const std::string& folder) {
  TokenizerConfig config;
  const auto path = [&](const char* name) { return (std::filesystem::path(folder) / name).string(); };
  bool by_id = false;
  if (const auto object = base::read_json_object<InvalidModel>(path("tokenizer_config.json"))) {
    const Source source{*object, path("tokenizer_config.json")};
    config.tokenizer_class = source.word("tokenizer_class");
    if (config.tokenizer_class.ends_with("Fast")) config.tokenizer_class.resize(config.tokenizer_class.size() - 4);
    config.model_max_length = max_length_of(source);
    config.truncate_left = source.word("truncation_side") == "left";
    config.do_lower_case = source.flag("do_lower_case", config.do_lower_case);
    if (source.find("strip_accents") != nullptr) config.strip_accents = source.flag("strip_accents", false);
    config.tokenize_chinese_chars = source.flag("tokenize_chinese_chars", config.tokenize_chinese_chars);
    config.add_prefix_space = source.flag("add_prefix_space", config.add_prefix_space);
    config.trim_offsets = source.flag("trim_offsets", config.trim_offsets);
    if (const json* decoder = source.find("added_tokens_decoder")) {
      add_tokens_by_id(config, *decoder, source.path);
      by_id = true;
    }
    add_roles(config, source);
  }
  // Where tokenizer_config.json has added_tokens_decoder, the older files are leftovers.
  if (by_id) return config;
  if (const auto object = base::read_json_object<InvalidModel>(path("special_tokens_map.json")))
    add_roles(config, {*object, path("special_tokens_map.json")});
  if (const auto object = base::read_json_object<InvalidModel>(path("added_tokens.json")))
    add_tokens_by_name(config, *object, path("added_tokens.json"));
  return config;
}

}  // namespace wherry::text
