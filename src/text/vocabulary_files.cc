// The pipelines that transformers builds for BertTokenizer and RobertaTokenizer, part by part.

#include "text/vocabulary_files.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <initializer_list>
#include <map>
#include <nlohmann/json.hpp>
#include <string_view>
#include <unordered_map>

#include "base/check.h"
#include "base/mapped_file.h"

namespace wherry::text {
namespace {

using base::fail;
using nlohmann::json;

std::string_view text_of(const base::MappedFile& file) {
  return {reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size()};
}

/// Calls `each(line, number from 1)` for the lines of a text; the line break at its end begins no line.
template <typename Each>
void for_lines(std::string_view text, Each each) {
  for (std::size_t number = 1; !text.empty(); ++number) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    each(line, number);
  }
}

std::string quoted(std::string_view token, const std::string& path, std::size_t line) {
  try {
    return json(token).dump();
  } catch (const json::type_error&) {
    fail<InvalidModel>("{}: line {} is no UTF-8; one token a line in UTF-8 is expected", path, line);
  }
}

/// Classes of tokenizers that say nothing about the kind, and those of one kind.
void check_class(const TokenizerConfig& config, const std::string& path, std::initializer_list<const char*> kind) {
  const auto& name = config.tokenizer_class;
  if (name.empty() || name == "AutoTokenizer" || name == "PreTrainedTokenizer" || name == "TokenizersBackend") return;
  if (std::find(kind.begin(), kind.end(), name) == kind.end())
    fail<InvalidModel>("{}: tokenizer_config.json says it is for {}; without a tokenizer.json {} is accepted", path,
                       name, fmt::join(kind, ", "));
}

/// The token with a role: the one configured, else the class's own.
AddedToken role(const TokenizerConfig& config, const char* name, const char* usual) {
  const auto found = config.roles.find(name);
  return found == config.roles.end() ? AddedToken{.content = usual} : found->second;
}

using Ids = std::unordered_map<std::string, std::int64_t>;

std::int64_t id_of(const Ids& ids, const std::string& token, const std::string& path, const char* why) {
  const auto found = ids.find(token);
  if (found == ids.end())
    fail<InvalidModel>("{}: has no token '{}', {}; a vocabulary with it is expected", path, token, why);
  return found->second;
}

/// Tokens to look for in a text, each once: those with an id of their own, those with a role, the others.
json added_tokens(const TokenizerConfig& config, const Ids& ids,
                  std::initializer_list<std::pair<const char*, const char*>> usual) {
  std::vector<AddedToken> tokens = config.added;
  for (const auto& [name, content] : usual) {
    const AddedToken token = role(config, name, content);
    // A class's usual token that the vocabulary lacks is none; one that a file names is added to the vocabulary.
    if (config.roles.contains(name) || ids.contains(token.content)) tokens.push_back(token);
  }
  tokens.insert(tokens.end(), config.extra.begin(), config.extra.end());
  json list = json::array();
  std::vector<std::string> seen;
  for (const auto& token : tokens) {
    if (std::find(seen.begin(), seen.end(), token.content) != seen.end()) continue;
    seen.push_back(token.content);
    list.push_back({{"id", 0},  // the crate takes the vocabulary's id, or the next one
                    {"content", token.content},
                    {"single_word", token.single_word},
                    {"lstrip", token.lstrip},
                    {"rstrip", token.rstrip},
                    {"normalized", token.normalized},
                    {"special", token.special}});
  }
  return list;
}

/// Finds two tokens' ids in a vocab.json without keeping the rest of it.
class VocabularyReader : public nlohmann::json_sax<json> {
 public:
  explicit VocabularyReader(Ids& wanted) : wanted_(wanted) {}
  std::string problem;

  bool number_unsigned(number_unsigned_t value) override {
    if (const auto found = wanted_.find(key_); found != wanted_.end()) found->second = static_cast<std::int64_t>(value);
    return depth_ == 1;
  }
  bool key(string_t& key) override {
    key_ = key;
    return true;
  }
  bool start_object(std::size_t) override { return ++depth_ == 1; }
  bool end_object() override { return true; }
  bool null() override { return false; }
  bool boolean(bool) override { return false; }
  bool number_integer(number_integer_t) override { return false; }
  bool number_float(number_float_t, const string_t&) override { return false; }
  bool string(string_t&) override { return false; }
  bool binary(binary_t&) override { return false; }
  bool start_array(std::size_t) override { return false; }
  bool end_array() override { return false; }
  bool parse_error(std::size_t byte, const std::string&, const nlohmann::detail::exception&) override {
    problem = fmt::format("damaged at byte {}", byte);
    return false;
  }

 private:
  Ids& wanted_;
  std::string key_;
  int depth_ = 0;
};

Ids read_ids(std::string_view text, const std::string& path, std::initializer_list<std::string> tokens) {
  constexpr std::int64_t kAbsent = -1;
  Ids ids;
  for (const auto& token : tokens) ids[token] = kAbsent;
  VocabularyReader reader(ids);
  if (!json::sax_parse(text, &reader))
    fail<InvalidModel>("{}: is no vocabulary: {}; a JSON object of tokens and their ids is expected", path,
                       reader.problem.empty() ? "it holds something else" : reader.problem);
  std::erase_if(ids, [](const auto& entry) { return entry.second == kAbsent; });
  return ids;
}

}  // namespace

std::string word_piece_json(const std::string& vocabulary, const TokenizerConfig& config) {
  check_class(config, vocabulary, {"BertTokenizer", "DistilBertTokenizer", "ElectraTokenizer", "MobileBertTokenizer"});
  const auto file = base::MappedFile::open(vocabulary);
  std::string tokens;
  Ids ids;
  for_lines(text_of(*file), [&](std::string_view token, std::size_t line) {
    tokens += fmt::format("{}{}:{}", tokens.empty() ? "" : ",", quoted(token, vocabulary, line), line - 1);
    ids[std::string(token)] = static_cast<std::int64_t>(line) - 1;
  });
  const std::string unk = role(config, "unk_token", "[UNK]").content;
  const std::string cls = role(config, "cls_token", "[CLS]").content;
  const std::string sep = role(config, "sep_token", "[SEP]").content;
  id_of(ids, unk, vocabulary, "which stands for unknown words");
  const auto cls_id = id_of(ids, cls, vocabulary, "which begins every text");
  const auto sep_id = id_of(ids, sep, vocabulary, "which ends every text");

  const auto special = [](const std::string& token, int type) {
    return json{{"SpecialToken", {{"id", token}, {"type_id", type}}}};
  };
  const auto sequence = [](const char* name, int type) {
    return json{{"Sequence", {{"id", name}, {"type_id", type}}}};
  };
  const auto entry = [](const std::string& token, std::int64_t id) {
    return json{{"id", token}, {"ids", {id}}, {"tokens", {token}}};
  };
  const json parts = {
      {"version", "1.0"},
      {"added_tokens", added_tokens(config, ids,
                                    {{"unk_token", "[UNK]"},
                                     {"sep_token", "[SEP]"},
                                     {"pad_token", "[PAD]"},
                                     {"cls_token", "[CLS]"},
                                     {"mask_token", "[MASK]"}})},
      {"normalizer",
       {{"type", "BertNormalizer"},
        {"clean_text", true},
        {"handle_chinese_chars", config.tokenize_chinese_chars},
        {"strip_accents", config.strip_accents ? json(*config.strip_accents) : json()},
        {"lowercase", config.do_lower_case}}},
      {"pre_tokenizer", {{"type", "BertPreTokenizer"}}},
      {"post_processor",
       {{"type", "TemplateProcessing"},
        {"single", {special(cls, 0), sequence("A", 0), special(sep, 0)}},
        {"pair", {special(cls, 0), sequence("A", 0), special(sep, 0), sequence("B", 1), special(sep, 1)}},
        {"special_tokens", {{cls, entry(cls, cls_id)}, {sep, entry(sep, sep_id)}}}}},
      {"decoder", {{"type", "WordPiece"}, {"prefix", "##"}, {"cleanup", true}}}};
  const std::string rest = parts.dump();
  return fmt::format(R"({{"model":{{"type":"WordPiece","unk_token":{},"continuing_subword_prefix":"##",)"
                     R"("max_input_chars_per_word":100,"vocab":{{{}}}}},{})",
                     json(unk).dump(), tokens, rest.substr(1));
}

std::string byte_level_bpe_json(const std::string& vocabulary, const std::string& merges,
                                const TokenizerConfig& config) {
  check_class(config, vocabulary, {"RobertaTokenizer"});
  const auto vocabulary_file = base::MappedFile::open(vocabulary);
  const auto merges_file = base::MappedFile::open(merges);
  std::string pairs;
  for_lines(text_of(*merges_file), [&](std::string_view pair, std::size_t line) {
    pairs += fmt::format("{}{}", pairs.empty() ? "" : ",", quoted(pair, merges, line));
  });
  const std::string cls = role(config, "cls_token", "<s>").content;
  const std::string sep = role(config, "sep_token", "</s>").content;
  const std::string pad = role(config, "pad_token", "<pad>").content;
  const std::string mask = role(config, "mask_token", "<mask>").content;
  const std::string_view tokens = text_of(*vocabulary_file);
  const Ids ids = read_ids(tokens, vocabulary, {"<s>", "</s>", "<unk>", cls, sep, pad, mask});
  const auto cls_id = id_of(ids, cls, vocabulary, "which begins every text");
  const auto sep_id = id_of(ids, sep, vocabulary, "which ends every text");

  const json parts = {
      {"version", "1.0"},
      {"added_tokens", added_tokens(config, ids,
                                    {{"bos_token", "<s>"},
                                     {"eos_token", "</s>"},
                                     {"unk_token", "<unk>"},
                                     {"sep_token", "</s>"},
                                     {"pad_token", "<pad>"},
                                     {"cls_token", "<s>"},
                                     {"mask_token", "<mask>"}})},
      {"pre_tokenizer",
       {{"type", "ByteLevel"},
        {"add_prefix_space", config.add_prefix_space},
        {"trim_offsets", true},
        {"use_regex", true}}},
      {"post_processor",
       {{"type", "RobertaProcessing"},
        {"sep", {sep, sep_id}},
        {"cls", {cls, cls_id}},
        {"trim_offsets", config.trim_offsets},
        {"add_prefix_space", config.add_prefix_space}}},
      {"decoder", {{"type", "ByteLevel"}, {"add_prefix_space", true}, {"trim_offsets", true}, {"use_regex", true}}}};
  const std::string rest = parts.dump();
  return fmt::format(R"({{"model":{{"type":"BPE","dropout":null,"unk_token":null,"continuing_subword_prefix":"",)"
                     R"("end_of_word_suffix":"","fuse_unk":false,"byte_fallback":false,"ignore_merges":false,)"
                     R"("vocab":{},"merges":[{}]}},{})",
                     tokens, pairs, rest.substr(1));
}

}  // namespace wherry::text
