// What all three families do: choose positions, embed, then layer upon layer.

#include "import/huggingface/encoder.h"

namespace wherry::import::huggingface {

ir::Value* WantedTokens::queries(LayerRecorder& layers, const std::string& path, ir::Value* x) const {
  return only_first ? layers.slice(path, x, 1, 0, 1) : x;
}

ir::Value* WantedTokens::rows(LayerRecorder& layers, const std::string& path, ir::Value* x) const {
  if (!positions) return x;
  const Dims sizes = x->type().sizes;
  x = layers.reshape(path, x, {sizes[0] * sizes[1], sizes[2]});
  return layers.record("aten::index_select", {x, positions}, {{"dim", std::int64_t{0}}}, path);
}

ir::Value* record_encoder(LayerRecorder& layers, const Config& config, const TokenInputs& inputs,
                          const WantedTokens& wanted) {
  ir::Value* positions = config.family == Family::roberta && !inputs.position_ids
                             ? roberta_positions(layers, config, inputs)
                             : consecutive_positions(layers, config, inputs);
  ir::Value* x = record_embeddings(layers, config, inputs, positions);
  ir::Value* mask = key_mask(layers, config, inputs);
  return record_encoder_layers(layers, config, x, mask, wanted);
}

}  // namespace wherry::import::huggingface
