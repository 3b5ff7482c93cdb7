#pragma once
// What sentence-transformers puts behind an encoder: pooling over the tokens and, where modules.json lists it,
// normalisation to length 1.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "import/huggingface/encoder.h"

namespace wherry::import::huggingface {

struct SentenceModules {
  enum class Pooling : std::uint8_t { mean, first_token };
  Pooling pooling = Pooling::mean;
  bool normalise = false;
  std::optional<std::int64_t> width;  ///< that the pooling was written for
};

/// Where modules.json says the parts are, relative to it; "" is its own folder.
struct SentenceFolders {
  std::string transformer;
  std::string pooling;
};

/// `what` stands for modules.json in messages. Throws InvalidModel, and Unsupported for modules other than a
/// transformer, a pooling, and a normalisation, in this order.
SentenceFolders sentence_folders(std::string_view modules, const std::string& what);
SentenceModules parse_sentence_modules(std::string_view modules, const std::string& modules_what,
                                       std::string_view pooling, const std::string& pooling_what);

/// [batch, hidden_size] of the encoder's last hidden state; [count, hidden_size] of the texts that begin at
/// `positions`, int64[count], where that is not null. By the first token, `hidden` need be no more than those.
ir::Value* record_sentence_embedding(LayerRecorder& layers, const Config& config, const SentenceModules& modules,
                                     const TokenInputs& inputs, ir::Value* positions, ir::Value* hidden);

}  // namespace wherry::import::huggingface
