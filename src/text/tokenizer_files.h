#pragma once
// From a model's folder to the one text that the tokenizers crate reads.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "text/tokenizer.h"

namespace wherry::base {
class MappedFile;
}

namespace wherry::text {

struct TokenizerFiles {
  std::string name;                              ///< of the file with the vocabulary, for messages
  std::shared_ptr<const base::MappedFile> file;  ///< tokenizer.json, where there is one
  std::string made;                              ///< else one made from the vocabulary
  SpecialTokens special;                         ///< as far as the folder's files name them
  std::int64_t model_max_length = 0;
  bool truncate_left = false;

  /// A tokenizer.json's text.
  std::string_view json() const;
};

/// Throws as Tokenizer::load.
TokenizerFiles read_tokenizer_files(const std::string& folder);

}  // namespace wherry::text
