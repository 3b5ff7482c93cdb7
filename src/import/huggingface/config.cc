#include "import/huggingface/config.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/check.h"
#include "import/huggingface/activation.h"
#include "import/printable.h"

namespace wherry::import::huggingface {
namespace {

using base::fail;

// Far beyond every model of these families; they keep a hostile file from asking for the impossible.
constexpr std::int64_t kMostWidth = std::int64_t{1} << 16;
constexpr std::int64_t kMostRows = std::int64_t{1} << 24;
constexpr std::int64_t kMostLayers = 512;

struct Architecture {
  std::string_view name;
  Family family;
  Head head;
};

constexpr std::array kArchitectures = {
    Architecture{"BertModel", Family::bert, Head::none},
    Architecture{"BertForMaskedLM", Family::bert, Head::masked_lm},
    Architecture{"BertForPreTraining", Family::bert, Head::pretraining},
    Architecture{"BertForSequenceClassification", Family::bert, Head::sequence_classification},
    Architecture{"BertForTokenClassification", Family::bert, Head::token_classification},
    Architecture{"BertForQuestionAnswering", Family::bert, Head::question_answering},
    Architecture{"DistilBertModel", Family::distilbert, Head::none},
    Architecture{"DistilBertForMaskedLM", Family::distilbert, Head::masked_lm},
    Architecture{"DistilBertForSequenceClassification", Family::distilbert, Head::sequence_classification},
    Architecture{"DistilBertForTokenClassification", Family::distilbert, Head::token_classification},
    Architecture{"DistilBertForQuestionAnswering", Family::distilbert, Head::question_answering},
    Architecture{"RobertaModel", Family::roberta, Head::none},
    Architecture{"RobertaForMaskedLM", Family::roberta, Head::masked_lm},
    Architecture{"RobertaForSequenceClassification", Family::roberta, Head::sequence_classification},
    Architecture{"RobertaForTokenClassification", Family::roberta, Head::token_classification},
    Architecture{"RobertaForQuestionAnswering", Family::roberta, Head::question_answering},
};

std::string names_of(Family family) {
  std::string names;
  for (const Architecture& each : kArchitectures)
    if (each.family == family) names += fmt::format("{}{}", names.empty() ? "" : ", ", each.name);
  return names;
}

Family family_of(const JsonObject& json) {
  const auto type = json.text("model_type");
  for (const Family family : {Family::bert, Family::distilbert, Family::roberta})
    if (type == name_of(family)) return family;
  fail<Unsupported>("{}: \"model_type\": found {}; bert, distilbert and roberta are accepted", json.what(),
                    json.found("model_type"));
}

const Architecture& architecture_of(const JsonObject& json, Family family, std::string name) {
  const bool asked = !name.empty();
  if (!asked) {
    const auto listed = json.texts("architectures").value_or(std::vector<std::string>{});
    if (listed.size() > 1)
      fail<Unsupported>("{}: \"architectures\": found {}; one is accepted", json.what(), json.found("architectures"));
    // A configuration saved by itself names none; AutoModel reads the encoder then.
    if (!listed.empty()) name = listed[0];
  }
  for (const Architecture& each : kArchitectures) {
    if (each.family != family) continue;
    if (each.name == name || (name.empty() && each.head == Head::none)) return each;
  }
  if (asked)
    fail<InvalidInput>("{}: --arch {}: no {} architecture of that name; {} are accepted", json.what(), printable(name),
                       name_of(family), names_of(family));
  fail<Unsupported>("{}: \"architectures\": found {}; {} are accepted, and --arch NAME reads the model as one of them",
                    json.what(), json.found("architectures"), names_of(family));
}

/// Values that would change the answers and that nothing here computes.
void refuse_variants(const JsonObject& json) {
  const auto need = [&](std::string_view key, bool fits, std::string_view accepted) {
    if (!fits) fail<Unsupported>("{}: \"{}\": found {}; {} is accepted", json.what(), key, json.found(key), accepted);
  };
  need("position_embedding_type", json.text("position_embedding_type").value_or("absolute") == "absolute",
       "\"absolute\"");
  for (const char* key : {"is_decoder", "is_encoder_decoder", "add_cross_attention"})
    need(key, !json.flag(key).value_or(false), "false");
  const auto pruned = json.object("pruned_heads");
  need("pruned_heads", !pruned || pruned->keys().empty(), "{}");
  need("quantization_config", !json.has("quantization_config"), "null (float weights)");
}

std::int64_t label_count(const JsonObject& json) {
  constexpr std::int64_t kDefaultLabels = 2;
  if (const auto labels = json.object("id2label")) {
    const auto count = static_cast<std::int64_t>(labels->keys().size());
    if (count == 0) fail<InvalidModel>("{}: \"id2label\": found no label, one at least is expected", json.what());
    return count;
  }
  return json.integer("num_labels", 1, kMostRows).value_or(kDefaultLabels);
}

/// What DistilBERT calls by other names; files written by hand have the common ones too.
struct Keys {
  const char* hidden_size = "hidden_size";
  const char* layers = "num_hidden_layers";
  const char* heads = "num_attention_heads";
  const char* intermediate_size = "intermediate_size";
  const char* activation = "hidden_act";
};

Keys keys_of(Family family, const JsonObject& json) {
  if (family != Family::distilbert) return {};
  const auto either = [&](const char* own, const char* common) { return json.has(own) ? own : common; };
  return {either("dim", "hidden_size"), either("n_layers", "num_hidden_layers"),
          either("n_heads", "num_attention_heads"), either("hidden_dim", "intermediate_size"),
          either("activation", "hidden_act")};
}

void read_activation(const JsonObject& json, const char* key, Config& config) {
  config.activation = json.text(key).value_or("gelu");
  if (!is_activation(config.activation))
    fail<Unsupported>("{}: \"{}\": found {}; {} are accepted", json.what(), key, json.found(key), activation_names());
}

}  // namespace

std::int64_t Config::longest_sequence() const {
  // RoBERTa counts positions from pad_token_id + 1.
  return family == Family::roberta ? max_positions - pad_token_id - 1 : max_positions;
}

std::string_view name_of(Family family) {
  switch (family) {
    case Family::bert: return "bert";
    case Family::distilbert: return "distilbert";
    case Family::roberta: return "roberta";
  }
  fail<InternalError>("a bug in wherry: an unknown family of models");
}

Config parse_config(const JsonObject& json, const std::string& architecture) {
  Config config;
  config.family = family_of(json);
  const Architecture& found = architecture_of(json, config.family, architecture);
  config.architecture = found.name;
  config.head = found.head;
  refuse_variants(json);

  const bool roberta = config.family == Family::roberta, distilbert = config.family == Family::distilbert;
  const Keys keys = keys_of(config.family, json);
  config.vocab_size = json.integer("vocab_size", 1, kMostRows).value_or(roberta ? 50265 : 30522);
  config.hidden_size = json.integer(keys.hidden_size, 1, kMostWidth).value_or(768);
  config.layers = json.integer(keys.layers, 1, kMostLayers).value_or(distilbert ? 6 : 12);
  config.heads = json.integer(keys.heads, 1, kMostWidth).value_or(12);
  config.intermediate_size = json.integer(keys.intermediate_size, 1, kMostWidth).value_or(3072);
  config.max_positions = json.integer("max_position_embeddings", 1, kMostRows).value_or(512);
  config.token_types = distilbert ? 0 : json.integer("type_vocab_size", 1, kMostRows).value_or(2);
  config.pad_token_id = json.integer("pad_token_id", 0, kMostRows).value_or(roberta ? 1 : 0);
  config.layer_norm_eps = distilbert ? 1e-12 : json.number("layer_norm_eps").value_or(1e-12);
  config.tie_word_embeddings = json.flag("tie_word_embeddings").value_or(true);
  config.labels = label_count(json);
  read_activation(json, keys.activation, config);

  if (config.hidden_size % config.heads != 0)
    fail<InvalidModel>("{}: \"{}\": found {}, which {} heads do not divide evenly; a multiple is expected", json.what(),
                       keys.hidden_size, config.hidden_size, config.heads);
  if (!(config.layer_norm_eps > 0 && config.layer_norm_eps < 1))
    fail<InvalidModel>("{}: \"layer_norm_eps\": found {}, a number between 0 and 1 is expected", json.what(),
                       json.found("layer_norm_eps"));
  if (config.head == Head::question_answering && config.labels != 2)
    fail<InvalidModel>("{}: found {} labels; question answering has 2, start and end", json.what(), config.labels);
  if (config.longest_sequence() < 1)
    fail<InvalidModel>("{}: \"max_position_embeddings\": found {}, more than \"pad_token_id\" + 1 = {} is expected",
                       json.what(), config.max_positions, config.pad_token_id + 1);
  return config;
}

}  // namespace wherry::import::huggingface
