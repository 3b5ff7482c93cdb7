// The sum of embeddings that enters the first layer.

#include "import/huggingface/encoder.h"

namespace wherry::import::huggingface {

ir::Value* word_table(LayerRecorder& layers, const Config& config) {
  return layers.parameter(layers.in_encoder("embeddings.word_embeddings.weight"),
                          {config.vocab_size, config.hidden_size});
}

ir::Value* position_table(LayerRecorder& layers, const Config& config) {
  return layers.parameter(layers.in_encoder("embeddings.position_embeddings.weight"),
                          {config.max_positions, config.hidden_size});
}

ir::Value* consecutive_positions(LayerRecorder& layers, const Config& config, const TokenInputs& inputs) {
  const std::string path = layers.in_encoder("embeddings.position_embeddings");
  if (inputs.position_ids) return layers.embedding(path, position_table(layers, config), inputs.position_ids);
  return layers.slice(path, position_table(layers, config), 0, 0, inputs.ids->type().sizes[1]);
}

ir::Value* record_embeddings(LayerRecorder& layers, const Config& config, const TokenInputs& inputs,
                             ir::Value* positions) {
  const std::string path = layers.in_encoder("embeddings");
  ir::Value* x = layers.embedding(path + ".word_embeddings", word_table(layers, config), inputs.ids);
  if (config.token_types > 0) {
    const std::string types_path = path + ".token_type_embeddings";
    ir::Value* table = layers.parameter(types_path + ".weight", {config.token_types, config.hidden_size});
    // All tokens are of type 0 where nothing else is said.
    ir::Value* types = inputs.token_types ? layers.embedding(types_path, table, inputs.token_types)
                                          : layers.select(types_path, table, 0, 0);
    x = layers.add(path, x, types);
  }
  x = layers.add(path, x, positions);
  return layers.layer_norm(path + ".LayerNorm", x, config.layer_norm_eps);
}

}  // namespace wherry::import::huggingface
