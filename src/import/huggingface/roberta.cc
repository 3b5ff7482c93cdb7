// In what RoBERTa (Liu et al. 2019) differs from BERT below the heads: positions are counted from the token ids
// themselves. transformers' modeling_roberta.py, create_position_ids_from_input_ids.

#include "import/huggingface/encoder.h"

namespace wherry::import::huggingface {

ir::Value* roberta_positions(LayerRecorder& layers, const Config& config, const TokenInputs& inputs) {
  const std::string path = layers.in_encoder("embeddings.position_embeddings");
  const auto convert = [&](ir::Value* x, DType dtype) {
    return layers.record("aten::to", {x}, {{"dtype", dtype}, {"non_blocking", false}, {"copy", false}}, path);
  };
  ir::Value* real = layers.record("aten::ne", {inputs.ids}, {{"other", config.pad_token_id}}, path);
  real = convert(real, DType::i64);
  ir::Value* count =
      layers.record("aten::cumsum", {real}, {{"dim", std::int64_t{1}}, {"dtype", std::monostate{}}}, path);
  ir::Value* positions = layers.record("aten::mul", {count, real}, {}, path);
  positions =
      layers.record("aten::add", {positions}, {{"other", config.pad_token_id}, {"alpha", std::int64_t{1}}}, path);
  return layers.embedding(path, position_table(layers, config), positions);
}

}  // namespace wherry::import::huggingface
