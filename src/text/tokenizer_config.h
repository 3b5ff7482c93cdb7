#pragma once
// What lies beside a vocabulary: tokenizer_config.json, special_tokens_map.json and added_tokens.json.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace wherry::text {

/// A token that is looked for in the text before anything else is done with it.
struct AddedToken {
  std::string content;
  bool single_word = false;
  bool lstrip = false;  ///< takes the white space before it along
  bool rstrip = false;
  bool normalized = false;
  bool special = true;
};

/// Defaults are those of Hugging Face's BertTokenizer and RobertaTokenizer.
struct TokenizerConfig {
  std::string tokenizer_class;  ///< without "Fast"; empty where no file names it
  std::int64_t model_max_length = 0;
  bool truncate_left = false;

  bool do_lower_case = true;
  std::optional<bool> strip_accents;  ///< as do_lower_case where it is empty
  bool tokenize_chinese_chars = true;

  bool add_prefix_space = false;
  bool trim_offsets = true;

  std::map<std::string, AddedToken> roles;  ///< "mask_token" and its like
  std::vector<AddedToken> added;            ///< tokens that have an id there, by it, whether they have a role or not
  std::vector<AddedToken> extra;            ///< special tokens without a role
};

/// Reads those of the three files that are there. Throws InvalidModel where one is not what it should be.
TokenizerConfig read_tokenizer_config(const std::string& folder);

}  // namespace wherry::text
