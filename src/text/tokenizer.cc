// Owns what the C interface hands out, and turns its failures into exceptions.

#include "text/tokenizer.h"

#include <limits>

#include "base/check.h"
#include "text/tokenizer_files.h"
#include "text/tokenizers_c/tokenizers_c.h"
#include "text/utf8.h"

namespace wherry::text {
namespace {

using base::fail;

/// Text that the C interface filled, freed with the object.
class Text {
 public:
  Text() = default;
  explicit Text(wherry_text text) : text_(text) {}
  Text(const Text&) = delete;
  Text& operator=(const Text&) = delete;
  ~Text() { wherry_text_free(text_); }

  wherry_text* fill() { return &text_; }
  bool empty() const { return text_.data == nullptr; }
  std::string string() const { return empty() ? std::string() : std::string(text_.data, text_.size); }

 private:
  wherry_text text_ = {nullptr, 0, 0};
};

/// A message of the crate on one line.
std::string one_line(std::string text) {
  for (char& c : text)
    if (c == '\n') c = ' ';
  return text;
}

void check_utf8(std::string_view text) {
  if (const auto at = invalid_utf8(text))
    fail<InvalidInput>("the text is no UTF-8: found byte 0x{:02x} at offset {}; UTF-8 is expected",
                       static_cast<unsigned char>(text[*at]), *at);
}

}  // namespace

struct Tokenizer::Handle {
  explicit Handle(wherry_tokenizer* made) : tokenizer(made), largest_id(wherry_tokenizer_largest_id(made)) {}
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  ~Handle() { wherry_tokenizer_free(tokenizer); }
  wherry_tokenizer* const tokenizer;
  const std::int64_t largest_id;  // copies the whole vocabulary to find it: once
};

Tokenizer Tokenizer::from_json(std::string_view json, const std::string& name) {
  wherry_tokenizer* read = nullptr;
  Text error;
  const auto status = wherry_tokenizer_read(json.data(), json.size(), &read, error.fill());
  if (status != WHERRY_TOKENIZER_OK)
    fail<InvalidModel>("{}: is no tokenizer: {}; a tokenizer.json of Hugging Face's tokenizers is expected", name,
                       one_line(error.string()));
  Tokenizer tokenizer;
  tokenizer.handle_ = std::make_shared<const Handle>(read);
  tokenizer.name_ = name;
  return tokenizer;
}

Tokenizer Tokenizer::load(const std::string& folder) {
  const TokenizerFiles files = read_tokenizer_files(folder);
  Tokenizer tokenizer = from_json(files.json(), files.name);
  tokenizer.model_max_length_ = files.model_max_length;
  tokenizer.truncate_left_ = files.truncate_left;
  // What no file names is what the families call it, if the vocabulary has it.
  const auto role = [&](const std::string& named, std::initializer_list<const char*> usual) {
    if (!named.empty()) return named;
    for (const char* token : usual)
      if (tokenizer.id_of(token)) return std::string(token);
    return std::string();
  };
  tokenizer.special_ = {.unk = role(files.special.unk, {"[UNK]", "<unk>"}),
                        .sep = role(files.special.sep, {"[SEP]", "</s>"}),
                        .pad = role(files.special.pad, {"[PAD]", "<pad>"}),
                        .cls = role(files.special.cls, {"[CLS]", "<s>"}),
                        .mask = role(files.special.mask, {"[MASK]", "<mask>"})};
  return tokenizer;
}

Encoding Tokenizer::encode(std::string_view text, const EncodeOptions& options) const {
  return encode(text, nullptr, options);
}

Encoding Tokenizer::encode(std::string_view text, std::string_view pair, const EncodeOptions& options) const {
  if (pair.data() == nullptr) pair = "";  // the C interface knows a pair by its address
  return encode(text, &pair, options);
}

Encoding Tokenizer::encode(std::string_view text, const std::string_view* pair, const EncodeOptions& options) const {
  check_utf8(text);
  if (pair != nullptr) check_utf8(*pair);
  const std::int64_t added = options.special_tokens ? special_token_count(pair != nullptr) : 0;
  if (options.max_length != 0 && options.max_length < added)
    fail<InvalidInput>(
        "a limit of {} tokens has no room for the {} special tokens around the text; at least {} is expected",
        options.max_length, added, added);

  wherry_encoding_view view{};
  Text error;
  const wherry_encode_options asked = {.max_tokens = static_cast<std::size_t>(options.max_length),
                                       .truncate_left = truncate_left_,
                                       .special_tokens = options.special_tokens,
                                       .offsets = static_cast<std::uint8_t>(options.offsets)};
  const auto status =
      wherry_tokenizer_encode(handle_->tokenizer, text.data(), text.size(), pair == nullptr ? nullptr : pair->data(),
                              pair == nullptr ? 0 : pair->size(), asked, &view, error.fill());
  if (status != WHERRY_TOKENIZER_OK)
    fail<InvalidModel>("{}: cannot tokenise a text: {}", name_, one_line(error.string()));
  const std::unique_ptr<wherry_encoding, void (*)(wherry_encoding*)> owner(view.owner, wherry_encoding_free);

  Encoding encoding;
  encoding.ids.assign(view.ids, view.ids + view.size);
  encoding.type_ids.assign(view.type_ids, view.type_ids + view.size);
  encoding.special.assign(view.special, view.special + view.size);
  encoding.full_length = static_cast<std::int64_t>(view.full_size);
  if (options.offsets != Offsets::none)
    for (std::size_t i = 0; i < view.size; ++i)
      encoding.offsets.emplace_back(static_cast<std::int64_t>(view.offsets[2 * i]),
                                    static_cast<std::int64_t>(view.offsets[2 * i + 1]));
  return encoding;
}

std::string Tokenizer::decode(std::span<const std::int64_t> ids, bool skip_special_tokens) const {
  std::vector<std::uint32_t> known;
  known.reserve(ids.size());
  for (const std::int64_t id : ids)
    if (id >= 0 && id <= std::numeric_limits<std::uint32_t>::max()) known.push_back(static_cast<std::uint32_t>(id));
  Text text, error;
  if (wherry_tokenizer_decode(handle_->tokenizer, known.data(), known.size(), skip_special_tokens, text.fill(),
                              error.fill()) != WHERRY_TOKENIZER_OK)
    fail<InvalidModel>("{}: cannot decode tokens: {}", name_, one_line(error.string()));
  return text.string();
}

std::optional<std::int64_t> Tokenizer::id_of(std::string_view token) const {
  std::uint32_t id = 0;
  if (wherry_tokenizer_token_to_id(handle_->tokenizer, token.data(), token.size(), &id) == 0) return std::nullopt;
  return id;
}

std::optional<std::string> Tokenizer::token_of(std::int64_t id) const {
  if (id < 0 || id > std::numeric_limits<std::uint32_t>::max()) return std::nullopt;
  const Text token(wherry_tokenizer_id_to_token(handle_->tokenizer, static_cast<std::uint32_t>(id)));
  if (token.empty()) return std::nullopt;
  return token.string();
}

std::int64_t Tokenizer::largest_id() const { return handle_->largest_id; }

std::int64_t Tokenizer::special_token_count(bool pair) const {
  return static_cast<std::int64_t>(wherry_tokenizer_added_tokens(handle_->tokenizer, pair));
}

}  // namespace wherry::text
