#pragma once
// config.json of a BERT, DistilBERT or RoBERTa model, parsed and checked: what the layers need, under one set of names.
// What a key means and what it is where it is missing are transformers' (configuration_bert.py and its kin).

#include <cstdint>
#include <string>
#include <string_view>

#include "import/json/json_object.h"

namespace wherry::import::huggingface {

enum class Family : std::uint8_t { bert, distilbert, roberta };

/// What stands on top of the encoder.
enum class Head : std::uint8_t {
  none,
  masked_lm,
  pretraining,  ///< masked LM and next sentence, BERT only
  sequence_classification,
  token_classification,
  question_answering,
};

struct Config {
  Family family = Family::bert;
  Head head = Head::none;
  std::string architecture;  ///< transformers' class: "BertForMaskedLM"
  std::int64_t vocab_size = 0;
  std::int64_t hidden_size = 0;
  std::int64_t layers = 0;
  std::int64_t heads = 0;
  std::int64_t intermediate_size = 0;
  std::int64_t max_positions = 0;  ///< rows of the table of position embeddings
  std::int64_t token_types = 0;    ///< 0 for DistilBERT, which has none
  std::int64_t labels = 0;
  std::int64_t pad_token_id = 0;
  double layer_norm_eps = 0;
  std::string activation;  ///< a name that is_activation() knows
  bool tie_word_embeddings = true;

  /// The position of a text's first token: RoBERTa's come after that of padding.
  std::int64_t first_position() const { return family == Family::roberta ? pad_token_id + 1 : 0; }
  /// Whether the head can be had at some tokens only, and so of several texts in a row.
  bool takes_positions() const { return head == Head::masked_lm || head == Head::sequence_classification; }
  /// Tokens in the longest sequence there are positions for.
  std::int64_t longest_sequence() const;
};

/// "bert", "distilbert", "roberta": config.json's "model_type", and what the encoder's weights begin with.
std::string_view name_of(Family family);

/// `architecture` is the class to read it as, where that is not what "architectures" says; may be empty. Throws
/// InvalidModel and Unsupported naming file and key.
Config parse_config(const JsonObject& json, const std::string& architecture = {});

}  // namespace wherry::import::huggingface
