// The layers of DistilBERT (Sanh et al. 2019): BERT's under other names. transformers' modeling_distilbert.py.

#include <fmt/format.h>

#include "import/huggingface/activation.h"
#include "import/huggingface/encoder.h"

namespace wherry::import::huggingface {
namespace {

ir::Value* record_layer(LayerRecorder& layers, const Config& config, const std::string& path, ir::Value* x,
                        ir::Value* mask, const WantedTokens& wanted) {
  const std::string attention = path + ".attention", ffn = path + ".ffn";
  ir::Value* asking = wanted.queries(layers, path, x);
  ir::Value* q = layers.linear(attention + ".q_lin", asking, config.hidden_size);
  ir::Value* k = layers.linear(attention + ".k_lin", x, config.hidden_size);
  ir::Value* v = layers.linear(attention + ".v_lin", x, config.hidden_size);
  ir::Value* y = record_attention(layers, attention, config.heads, q, k, v, mask);
  y = wanted.rows(layers, path, y);
  x = wanted.rows(layers, path, asking);
  y = layers.linear(attention + ".out_lin", y, config.hidden_size);
  x = layers.layer_norm(path + ".sa_layer_norm", layers.add(path, y, x), config.layer_norm_eps);

  y = layers.linear(ffn + ".lin1", x, config.intermediate_size);
  y = record_activation(layers, ffn, config.activation, y);
  y = layers.linear(ffn + ".lin2", y, config.hidden_size);
  return layers.layer_norm(path + ".output_layer_norm", layers.add(path, y, x), config.layer_norm_eps);
}

}  // namespace

ir::Value* record_distilbert_layers(LayerRecorder& layers, const Config& config, ir::Value* x, ir::Value* mask,
                                    const WantedTokens& wanted) {
  for (std::int64_t i = 0; i < config.layers; ++i)
    x = record_layer(layers, config, layers.in_encoder(fmt::format("transformer.layer.{}", i)), x, mask,
                     i + 1 == config.layers ? wanted : WantedTokens{});
  return x;
}

}  // namespace wherry::import::huggingface
