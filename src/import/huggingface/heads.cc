#include "import/huggingface/heads.h"

#include "base/check.h"
#include "import/huggingface/activation.h"

namespace wherry::import::huggingface {
namespace {

/// The hidden states of first tokens, which all of [count, hidden_size] are.
ir::Value* first_tokens(LayerRecorder& layers, const std::string& path, ir::Value* hidden) {
  return hidden->type().sizes.size() == 2 ? hidden : layers.select(path, hidden, 1, 0);
}

/// tanh(dense(the first token's hidden state)): BERT's and RoBERTa's pooler.
ir::Value* pooled(LayerRecorder& layers, const Config& config, ir::Value* hidden) {
  const std::string path = layers.in_encoder("pooler");
  ir::Value* first = first_tokens(layers, path, hidden);
  return layers.record("aten::tanh", {layers.linear(path + ".dense", first, config.hidden_size)}, {}, path);
}

/// Logits over the vocabulary. The matrix is the word embeddings' unless the configuration unties them; the bias stands
/// under one of two names, older files have both.
ir::Value* vocabulary_logits(LayerRecorder& layers, const Config& config, const std::string& decoder,
                             const std::string& bias, ir::Value* x) {
  ir::Value* weight = config.tie_word_embeddings
                          ? word_table(layers, config)
                          : layers.parameter(decoder + ".weight", {config.vocab_size, config.hidden_size});
  const std::string name = layers.has(bias) || !layers.has(decoder + ".bias") ? bias : decoder + ".bias";
  return layers.linear(decoder, x, weight, layers.parameter(name, {config.vocab_size}));
}

ir::Value* masked_lm(LayerRecorder& layers, const Config& config, ir::Value* x) {
  switch (config.family) {
    case Family::bert: {
      const std::string path = "cls.predictions";
      x = layers.linear(path + ".transform.dense", x, config.hidden_size);
      x = record_activation(layers, path + ".transform", config.activation, x);
      x = layers.layer_norm(path + ".transform.LayerNorm", x, config.layer_norm_eps);
      return vocabulary_logits(layers, config, path + ".decoder", path + ".bias", x);
    }
    case Family::distilbert:
      x = layers.linear("vocab_transform", x, config.hidden_size);
      x = record_activation(layers, "vocab_transform", config.activation, x);
      x = layers.layer_norm("vocab_layer_norm", x, config.layer_norm_eps);
      return vocabulary_logits(layers, config, "vocab_projector", "vocab_projector.bias", x);
    case Family::roberta:
      x = layers.linear("lm_head.dense", x, config.hidden_size);
      x = record_activation(layers, "lm_head", "gelu", x);  // whatever "hidden_act" says
      x = layers.layer_norm("lm_head.layer_norm", x, config.layer_norm_eps);
      return vocabulary_logits(layers, config, "lm_head.decoder", "lm_head.bias", x);
  }
  base::fail<InternalError>("a bug in wherry: an unknown family of models");
}

ir::Value* sequence_logits(LayerRecorder& layers, const Config& config, ir::Value* hidden) {
  switch (config.family) {
    case Family::bert: return layers.linear("classifier", pooled(layers, config, hidden), config.labels);
    case Family::distilbert: {
      ir::Value* x = layers.linear("pre_classifier", first_tokens(layers, "", hidden), config.hidden_size);
      return layers.linear("classifier", layers.record("aten::relu", {x}, {}, "pre_classifier"), config.labels);
    }
    case Family::roberta: {
      ir::Value* x = layers.linear("classifier.dense", first_tokens(layers, "classifier", hidden), config.hidden_size);
      return layers.linear("classifier.out_proj", layers.record("aten::tanh", {x}, {}, "classifier"), config.labels);
    }
  }
  base::fail<InternalError>("a bug in wherry: an unknown family of models");
}

}  // namespace

std::vector<NamedValue> record_head(LayerRecorder& layers, const Config& config, ir::Value* hidden) {
  switch (config.head) {
    case Head::none: {
      std::vector<NamedValue> outputs = {{"last_hidden_state", hidden}};
      // Files of models with another head often leave the pooler out.
      if (config.family != Family::distilbert && layers.has(layers.in_encoder("pooler.dense.weight")))
        outputs.push_back({"pooler_output", pooled(layers, config, hidden)});
      return outputs;
    }
    case Head::masked_lm: return {{"logits", masked_lm(layers, config, hidden)}};
    case Head::pretraining: {
      ir::Value* first = pooled(layers, config, hidden);
      return {{"prediction_logits", masked_lm(layers, config, hidden)},
              {"seq_relationship_logits", layers.linear("cls.seq_relationship", first, 2)}};
    }
    case Head::sequence_classification: return {{"logits", sequence_logits(layers, config, hidden)}};
    case Head::token_classification: return {{"logits", layers.linear("classifier", hidden, config.labels)}};
    case Head::question_answering: {
      ir::Value* logits = layers.linear("qa_outputs", hidden, config.labels);
      return {{"start_logits", layers.select("qa_outputs", logits, 2, 0)},
              {"end_logits", layers.select("qa_outputs", logits, 2, 1)}};
    }
  }
  base::fail<InternalError>("a bug in wherry: an unknown head");
}

}  // namespace wherry::import::huggingface
