// The layers of BERT (Devlin et al. 2018), which RoBERTa took over: transformers' modeling_bert.py, BertLayer.

#include <fmt/format.h>

#include "import/huggingface/activation.h"
#include "import/huggingface/encoder.h"

namespace wherry::import::huggingface {
namespace {

ir::Value* record_layer(LayerRecorder& layers, const Config& config, const std::string& path, ir::Value* x,
                        ir::Value* mask, const WantedTokens& wanted) {
  const std::string self = path + ".attention.self", output = path + ".attention.output";
  ir::Value* asking = wanted.queries(layers, path, x);
  ir::Value* q = layers.linear(self + ".query", asking, config.hidden_size);
  ir::Value* k = layers.linear(self + ".key", x, config.hidden_size);
  ir::Value* v = layers.linear(self + ".value", x, config.hidden_size);
  ir::Value* y = record_attention(layers, self, config.heads, q, k, v, mask);
  y = wanted.rows(layers, path, y);
  x = wanted.rows(layers, path, asking);
  y = layers.linear(output + ".dense", y, config.hidden_size);
  x = layers.layer_norm(output + ".LayerNorm", layers.add(output, y, x), config.layer_norm_eps);

  y = layers.linear(path + ".intermediate.dense", x, config.intermediate_size);
  y = record_activation(layers, path + ".intermediate", config.activation, y);
  y = layers.linear(path + ".output.dense", y, config.hidden_size);
  return layers.layer_norm(path + ".output.LayerNorm", layers.add(path + ".output", y, x), config.layer_norm_eps);
}

}  // namespace

ir::Value* record_bert_layers(LayerRecorder& layers, const Config& config, ir::Value* x, ir::Value* mask,
                              const WantedTokens& wanted) {
  for (std::int64_t i = 0; i < config.layers; ++i)
    x = record_layer(layers, config, layers.in_encoder(fmt::format("encoder.layer.{}", i)), x, mask,
                     i + 1 == config.layers ? wanted : WantedTokens{});
  return x;
}

}  // namespace wherry::import::huggingface
