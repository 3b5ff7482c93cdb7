#pragma once
// The encoders of all families. Values are recorded as transformers computes them, so
// that the passes see the same ATen ops that a trace of the model has.

#include <string>

#include "import/huggingface/config.h"
#include "import/huggingface/layer_recorder.h"

namespace wherry::import::huggingface {

/// The graph's inputs, int64[batch, sequence]; null where they were not given. Where position_ids are, a row may hold
/// several texts one after the other, each beginning where a position is the family's first one, and tokens look at
/// those of their own text only. (transformers' "packed sequences", DataCollatorWithFlattening.)
struct TokenInputs {
  ir::Value* ids = nullptr;
  ir::Value* attention_mask = nullptr;
  ir::Value* token_types = nullptr;
  ir::Value* position_ids = nullptr;
};

/// Whose last hidden state is read. The last layer does no more than it takes: all tokens' keys and values, but only
/// the wanted ones' queries and feed-forward network.
struct WantedTokens {
  bool only_first = false;         ///< of each sequence
  ir::Value* positions = nullptr;  ///< int64[count] into [batch × sequence]; null for all

  /// x[:, :1] where only the first are wanted: whose queries to make.
  ir::Value* queries(LayerRecorder& layers, const std::string& path, ir::Value* x) const;
  /// What is wanted of the queries' x: [batch, tokens, features], or [count, features] at positions.
  ir::Value* rows(LayerRecorder& layers, const std::string& path, ir::Value* x) const;
};

/// The last hidden state, [batch, sequence, hidden_size]; [batch, 1, hidden_size] of the first tokens,
/// [count, hidden_size] at positions.
ir::Value* record_encoder(LayerRecorder& layers, const Config& config, const TokenInputs& inputs,
                          const WantedTokens& wanted = {});

/// "embeddings": words plus token types plus positions, normalised. `positions` is [sequence, hidden_size] or
/// [batch, sequence, hidden_size].
ir::Value* record_embeddings(LayerRecorder& layers, const Config& config, const TokenInputs& inputs,
                             ir::Value* positions);
/// The table of word embeddings, [vocab_size, hidden_size], and that of positions.
ir::Value* word_table(LayerRecorder& layers, const Config& config);
ir::Value* position_table(LayerRecorder& layers, const Config& config);
/// Those of position_ids, or rows 0 to sequence - 1 of the position table: what BERT and DistilBERT add.
ir::Value* consecutive_positions(LayerRecorder& layers, const Config& config, const TokenInputs& inputs);
/// RoBERTa's: tokens other than padding count from pad_token_id + 1, padding stays at pad_token_id.
ir::Value* roberta_positions(LayerRecorder& layers, const Config& config, const TokenInputs& inputs);

/// int64[batch, sequence] of position_ids: how many texts have begun in the row, the same for all tokens of one.
ir::Value* text_numbers(LayerRecorder& layers, const Config& config, ir::Value* position_ids);
/// bool[batch, 1, 1, sequence], true where a token may be looked at; null where there is no attention_mask. With
/// position_ids bool[batch, 1, sequence, sequence].
ir::Value* key_mask(LayerRecorder& layers, const Config& config, const TokenInputs& inputs);

/// Attention by heads of q, k, v, each [batch, tokens, hidden_size], to the sizes of q.
ir::Value* record_attention(LayerRecorder& layers, const std::string& path, std::int64_t heads, ir::Value* q,
                            ir::Value* k, ir::Value* v, ir::Value* mask);

/// All layers, between the embeddings and the last hidden state.
ir::Value* record_encoder_layers(LayerRecorder& layers, const Config& config, ir::Value* x, ir::Value* mask,
                                 const WantedTokens& wanted);

}  // namespace wherry::import::huggingface
