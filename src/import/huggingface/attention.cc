// Multi-head attention as transformers' "sdpa" writes it.

#include "import/huggingface/encoder.h"

namespace wherry::import::huggingface {

namespace {

/// bool[batch, 1, sequence, sequence], true for tokens of one text.
ir::Value* same_text(LayerRecorder& layers, const Config& config, ir::Value* position_ids) {
  const Dims sizes = position_ids->type().sizes;
  ir::Value* text = text_numbers(layers, config, position_ids);
  return layers.record(
      "aten::eq",
      {layers.reshape("", text, {sizes[0], 1, sizes[1], 1}), layers.reshape("", text, {sizes[0], 1, 1, sizes[1]})}, {},
      "");
}

}  // namespace

ir::Value* text_numbers(LayerRecorder& layers, const Config& config, ir::Value* position_ids) {
  ir::Value* begins = layers.record("aten::le", {position_ids}, {{"other", config.first_position()}}, "");
  begins = layers.record("aten::to", {begins}, {{"dtype", DType::i64}, {"non_blocking", false}, {"copy", false}}, "");
  return layers.record("aten::cumsum", {begins}, {{"dim", std::int64_t{1}}, {"dtype", std::monostate{}}}, "");
}

ir::Value* key_mask(LayerRecorder& layers, const Config& config, const TokenInputs& inputs) {
  ir::Value* mask = inputs.position_ids ? same_text(layers, config, inputs.position_ids) : nullptr;
  if (!inputs.attention_mask) return mask;
  const Dims sizes = inputs.attention_mask->type().sizes;
  ir::Value* looks = layers.record("aten::ne", {inputs.attention_mask}, {{"other", std::int64_t{0}}}, "");
  looks = layers.reshape("", looks, {sizes[0], 1, 1, sizes[1]});
  return mask ? layers.record("aten::logical_and", {mask, looks}, {}, "") : looks;
}

ir::Value* record_attention(LayerRecorder& layers, const std::string& path, std::int64_t heads, ir::Value* q,
                            ir::Value* k, ir::Value* v, ir::Value* mask) {
  const auto by_heads = [&](ir::Value* x) {
    const Dims sizes = x->type().sizes;
    return layers.transpose(path, layers.reshape(path, x, {sizes[0], sizes[1], heads, sizes[2] / heads}), 1, 2);
  };
  ir::Value* y = layers.record(
      "aten::scaled_dot_product_attention", {by_heads(q), by_heads(k), by_heads(v), mask},
      {{"dropout_p", 0.0}, {"is_causal", false}, {"scale", std::monostate{}}, {"enable_gqa", false}}, path);
  return layers.reshape(path, layers.transpose(path, y, 1, 2), q->type().sizes);
}

}  // namespace wherry::import::huggingface
