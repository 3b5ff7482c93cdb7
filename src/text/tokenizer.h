#pragma once
// Text to token ids and back, exactly as Hugging Face's tokenizers do it: their own crate does the work
// (tokenizers_c/), this is its face in C++ and the part that finds its way in a model's folder.

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace wherry::text {

/// What an offset counts. Code points are what Hugging Face's Python counts.
enum class Offsets : std::uint8_t { none, code_points, bytes };

struct EncodeOptions {
  std::int64_t max_length = 0;  ///< tokens, special ones included; what is longer is truncated. 0: no limit
  bool special_tokens = true;   ///< whether [CLS], [SEP] and their like are put around the text
  Offsets offsets = Offsets::none;
};

/// One text, or one pair of texts, as tokens. All lists have one entry a token; there is no padding.
struct Encoding {
  std::vector<std::int64_t> ids;
  std::vector<std::int64_t> type_ids;  ///< 0 for the first text, 1 for the second, where the model tells them apart
  std::vector<std::uint8_t> special;   ///< 1 for a token that was put around the text
  /// Where in its text each token stands, first and past the last; (0, 0) for special ones. Empty for Offsets::none.
  std::vector<std::pair<std::int64_t, std::int64_t>> offsets;
  std::int64_t full_length = 0;  ///< tokens before truncation

  bool truncated() const { return full_length > static_cast<std::int64_t>(ids.size()); }
};

/// Tokens with a role, as the vocabulary spells them; empty where the tokenizer has none.
struct SpecialTokens {
  std::string unk, sep, pad, cls, mask;
};

class Tokenizer {
 public:
  /// The tokenizer of a model's folder: tokenizer.json; else vocab.txt (WordPiece); else vocab.json and merges.txt
  /// (byte-level BPE); with what tokenizer_config.json and special_tokens_map.json say. Throws InvalidInput where the
  /// folder or the files are missing, InvalidModel naming the file that makes no sense.
  static Tokenizer load(const std::string& folder);

  /// A tokenizer.json's text. `name` appears in messages. Throws InvalidModel.
  static Tokenizer from_json(std::string_view json, const std::string& name);

  /// Throws InvalidInput where a text is not UTF-8 or the special tokens alone are longer than the limit. Safe from
  /// several threads at once.
  Encoding encode(std::string_view text, const EncodeOptions& options = {}) const;
  /// The same of two texts, of which the longer one is truncated first.
  Encoding encode(std::string_view text, std::string_view pair, const EncodeOptions& options = {}) const;

  /// The text of these tokens; ids that the vocabulary lacks are left out.
  std::string decode(std::span<const std::int64_t> ids, bool skip_special_tokens) const;

  std::optional<std::int64_t> id_of(std::string_view token) const;
  std::optional<std::string> token_of(std::int64_t id) const;

  /// The largest id of the vocabulary, added tokens included; -1 for an empty one.
  std::int64_t largest_id() const;
  /// Tokens that are put around one text, or around a pair.
  std::int64_t special_token_count(bool pair) const;

  const SpecialTokens& special_tokens() const { return special_; }
  /// The longest text the model was made for, in tokens, as tokenizer_config.json has it; 0 where it says nothing.
  std::int64_t model_max_length() const { return model_max_length_; }
  /// The file it was read from.
  const std::string& name() const { return name_; }

 private:
  struct Handle;
  Encoding encode(std::string_view text, const std::string_view* pair, const EncodeOptions& options) const;

  std::shared_ptr<const Handle> handle_;
  std::string name_;
  SpecialTokens special_;
  std::int64_t model_max_length_ = 0;
  bool truncate_left_ = false;
};

}  // namespace wherry::text
