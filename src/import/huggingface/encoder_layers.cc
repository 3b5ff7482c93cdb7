// The layers of BERT (Devlin et al. 2018), which RoBERTa took over, and DistilBERT (Sanh et al. 2019), which has the
// same under other names: transformers' modeling_bert.py, BertLayer, and modeling_distilbert.py, TransformerBlock.

#include <fmt/format.h>

#include "import/huggingface/activation.h"
#include "import/huggingface/encoder.h"

namespace wherry::import::huggingface {
namespace {

/// Where a family has what, below its layer.
struct LayerNames {
  const char* layer;  ///< below the encoder, before its number
  const char* attention;
  const char *query, *key, *value, *attention_output;
  const char *attention_sum, *attention_norm;
  const char *wide, *activation, *narrow;  ///< of the feed-forward network
  const char *sum, *norm;
};

constexpr LayerNames kBert{.layer = "encoder.layer.",
                           .attention = ".attention.self",
                           .query = ".attention.self.query",
                           .key = ".attention.self.key",
                           .value = ".attention.self.value",
                           .attention_output = ".attention.output.dense",
                           .attention_sum = ".attention.output",
                           .attention_norm = ".attention.output.LayerNorm",
                           .wide = ".intermediate.dense",
                           .activation = ".intermediate",
                           .narrow = ".output.dense",
                           .sum = ".output",
                           .norm = ".output.LayerNorm"};
constexpr LayerNames kDistilbert{.layer = "transformer.layer.",
                                 .attention = ".attention",
                                 .query = ".attention.q_lin",
                                 .key = ".attention.k_lin",
                                 .value = ".attention.v_lin",
                                 .attention_output = ".attention.out_lin",
                                 .attention_sum = "",
                                 .attention_norm = ".sa_layer_norm",
                                 .wide = ".ffn.lin1",
                                 .activation = ".ffn",
                                 .narrow = ".ffn.lin2",
                                 .sum = "",
                                 .norm = ".output_layer_norm"};

ir::Value* record_layer(LayerRecorder& layers, const Config& config, const LayerNames& names, const std::string& path,
                        ir::Value* x, ir::Value* mask, const WantedTokens& wanted) {
  const auto linear = [&](const char* name, ir::Value* of, std::int64_t features) {
    return layers.linear(path + name, of, features);
  };
  const auto normalized_sum = [&](const char* sum, const char* norm, ir::Value* y) {
    return layers.layer_norm(path + norm, layers.add(path + sum, y, x), config.layer_norm_eps);
  };
  ir::Value* asking = wanted.queries(layers, path, x);
  ir::Value* q = linear(names.query, asking, config.hidden_size);
  ir::Value* k = linear(names.key, x, config.hidden_size);
  ir::Value* v = linear(names.value, x, config.hidden_size);
  ir::Value* y = record_attention(layers, path + names.attention, config.heads, q, k, v, mask);
  y = wanted.rows(layers, path, y);
  x = wanted.rows(layers, path, asking);
  y = linear(names.attention_output, y, config.hidden_size);
  x = normalized_sum(names.attention_sum, names.attention_norm, y);

  y = linear(names.wide, x, config.intermediate_size);
  y = record_activation(layers, path + names.activation, config.activation, y);
  y = linear(names.narrow, y, config.hidden_size);
  return normalized_sum(names.sum, names.norm, y);
}

}  // namespace

ir::Value* record_encoder_layers(LayerRecorder& layers, const Config& config, ir::Value* x, ir::Value* mask,
                                 const WantedTokens& wanted) {
  const LayerNames& names = config.family == Family::distilbert ? kDistilbert : kBert;
  for (std::int64_t i = 0; i < config.layers; ++i)
    x = record_layer(layers, config, names, layers.in_encoder(fmt::format("{}{}", names.layer, i)), x, mask,
                     i + 1 == config.layers ? wanted : WantedTokens{});
  return x;
}

}  // namespace wherry::import::huggingface
