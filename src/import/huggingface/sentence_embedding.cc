#include "import/huggingface/sentence_embedding.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <vector>

#include "base/check.h"
#include "import/json/json_object.h"
#include "import/printable.h"

namespace wherry::import::huggingface {
namespace {

using base::fail;

struct Module {
  std::string type;  ///< "Pooling"
  std::string path;
};

/// The list, with each type's last word: the package around it has moved more than once.
std::vector<Module> modules_of(std::string_view text, const std::string& what) {
  std::vector<Module> modules;
  for (const JsonObject& each : JsonObject::parse_list(text, what)) {
    const auto type = each.text("type");
    if (!type) fail<InvalidModel>("{}: a module without \"type\"; each has one", what);
    Module module{type->substr(type->rfind('.') + 1), each.text("path").value_or("")};
    // Beside modules.json or one folder down.
    if (module.path.find_first_of("/\\") != module.path.npos || module.path == ".." ||
        module.path.find('\0') != module.path.npos)
      fail<InvalidModel>("{}: \"path\": found '{}'; a folder beside this file is expected", what,
                         printable(module.path));
    modules.push_back(std::move(module));
  }
  const auto is = [&](std::size_t i, std::string_view type) { return i < modules.size() && modules[i].type == type; };
  if (!is(0, "Transformer") || !is(1, "Pooling") || modules.size() > 3 ||
      (modules.size() == 3 && !is(2, "Normalize"))) {
    std::string names;
    for (const Module& module : modules) names += (names.empty() ? "" : ", ") + printable(module.type, 40);
    fail<Unsupported>("{}: found the modules {}; Transformer, Pooling and, after them, Normalize are accepted", what,
                      names.empty() ? "(none)" : names);
  }
  return modules;
}

struct PoolingFlag {
  const char* key;
  std::optional<SentenceModules::Pooling> mode;
};

constexpr std::array kPoolings = {
    PoolingFlag{"pooling_mode_cls_token", SentenceModules::Pooling::first_token},
    PoolingFlag{"pooling_mode_mean_tokens", SentenceModules::Pooling::mean},
    PoolingFlag{"pooling_mode_max_tokens", std::nullopt},
    PoolingFlag{"pooling_mode_mean_sqrt_len_tokens", std::nullopt},
    PoolingFlag{"pooling_mode_weightedmean_tokens", std::nullopt},
    PoolingFlag{"pooling_mode_lasttoken", std::nullopt},
};

/// Newer files have one word, older ones a flag for each mode.
SentenceModules::Pooling pooling_of(const JsonObject& json) {
  constexpr std::string_view kAccepted = "mean or cls is accepted";
  if (json.has("pooling_mode")) {
    const auto mode = json.text("pooling_mode");
    if (mode == "mean") return SentenceModules::Pooling::mean;
    if (mode == "cls") return SentenceModules::Pooling::first_token;
    fail<Unsupported>("{}: \"pooling_mode\": found {}; {}", json.what(), json.found("pooling_mode"), kAccepted);
  }
  std::vector<const PoolingFlag*> chosen;
  std::string names;
  for (const PoolingFlag& each : kPoolings) {
    if (!json.flag(each.key).value_or(false)) continue;
    chosen.push_back(&each);
    names += fmt::format("{}{}", names.empty() ? "" : " and ", each.key);
  }
  if (chosen.size() != 1 || !chosen[0]->mode)
    fail<Unsupported>("{}: found {}; pooling_mode_mean_tokens or pooling_mode_cls_token is accepted", json.what(),
                      names.empty() ? "no pooling mode" : names);
  return *chosen[0]->mode;
}

constexpr const char* kPath = "pooling";

ir::Value* sum(LayerRecorder& layers, ir::Value* x, bool keep_dimension) {
  return layers.record("aten::sum", {x}, {{"dim", Dims{1}}, {"keepdim", keep_dimension}, {"dtype", std::monostate{}}},
                       kPath);
}

/// 0 and 1 of hidden's type.
ir::Value* as_numbers(LayerRecorder& layers, ir::Value* x, ir::Value* hidden) {
  return layers.record("aten::to", {x}, {{"dtype", hidden->type().dtype}, {"non_blocking", false}, {"copy", false}},
                       kPath);
}

ir::Value* divided(LayerRecorder& layers, ir::Value* total, ir::Value* count) {
  count = layers.record("aten::clamp", {count}, {{"min", 1e-9}, {"max", std::monostate{}}}, kPath);
  return layers.record("aten::div", {total, count}, {}, kPath);
}

/// The mean of the tokens that the mask lets through; sentence_transformers' Pooling, bounds included.
ir::Value* mean(LayerRecorder& layers, ir::Value* mask, ir::Value* hidden) {
  if (!mask)
    return layers.record("aten::mean", {hidden}, {{"dim", Dims{1}}, {"keepdim", false}, {"dtype", std::monostate{}}},
                         kPath);
  const Dims sizes = mask->type().sizes;
  ir::Value* weights = as_numbers(layers, layers.reshape(kPath, mask, {sizes[0], sizes[1], 1}), hidden);
  ir::Value* total = sum(layers, layers.record("aten::mul", {hidden, weights}, {}, kPath), false);
  return divided(layers, total, sum(layers, weights, false));
}

/// The same of each text that begins at `positions`, of all that share rows: one row of a matrix picks its tokens.
ir::Value* means(LayerRecorder& layers, const Config& config, const TokenInputs& inputs, ir::Value* positions,
                 ir::Value* hidden) {
  const Dims sizes = hidden->type().sizes;
  const std::int64_t tokens = sizes[0] * sizes[1];
  ir::Value* texts = text_numbers(layers, config, layers.reshape(kPath, inputs.position_ids, {1, tokens}));
  ir::Value* wanted = layers.record("aten::index_select", {texts, positions}, {{"dim", std::int64_t{1}}}, kPath);
  wanted = layers.reshape(kPath, wanted, {positions->type().sizes[0], 1});
  ir::Value* picked = layers.record("aten::eq", {wanted, texts}, {}, kPath);
  if (inputs.attention_mask) {
    ir::Value* mask = layers.reshape(kPath, inputs.attention_mask, {1, tokens});
    picked = layers.record("aten::logical_and", {picked, mask}, {}, kPath);
  }
  ir::Value* weights = as_numbers(layers, picked, hidden);
  ir::Value* total =
      layers.record("aten::matmul", {weights, layers.reshape(kPath, hidden, {tokens, sizes[2]})}, {}, kPath);
  return divided(layers, total, sum(layers, weights, true));
}

/// x / max(|x|, 1e-12): torch.nn.functional.normalize.
ir::Value* normalised(LayerRecorder& layers, ir::Value* x) {
  constexpr const char* kModule = "normalize";
  ir::Value* length = layers.record(
      "aten::linalg_vector_norm", {x},
      {{"ord", std::int64_t{2}}, {"dim", Dims{1}}, {"keepdim", true}, {"dtype", std::monostate{}}}, kModule);
  length = layers.record("aten::clamp_min", {length}, {{"min", 1e-12}}, kModule);
  return layers.record("aten::div", {x, length}, {}, kModule);
}

}  // namespace

SentenceFolders sentence_folders(std::string_view modules, const std::string& what) {
  const std::vector<Module> list = modules_of(modules, what);
  return {list[0].path, list[1].path};
}

SentenceModules parse_sentence_modules(std::string_view modules, const std::string& modules_what,
                                       std::string_view pooling, const std::string& pooling_what) {
  SentenceModules parsed;
  parsed.normalise = modules_of(modules, modules_what).size() > 2;
  const JsonObject json = JsonObject::parse(pooling, pooling_what);
  parsed.pooling = pooling_of(json);
  parsed.width = json.integer(json.has("embedding_dimension") ? "embedding_dimension" : "word_embedding_dimension", 1);
  return parsed;
}

ir::Value* record_sentence_embedding(LayerRecorder& layers, const Config& config, const SentenceModules& modules,
                                     const TokenInputs& inputs, ir::Value* positions, ir::Value* hidden) {
  ir::Value* x = hidden;
  if (modules.pooling == SentenceModules::Pooling::mean)
    x = positions ? means(layers, config, inputs, positions, hidden) : mean(layers, inputs.attention_mask, hidden);
  else if (!positions)
    x = layers.select(kPath, hidden, 1, 0);
  return modules.normalise ? normalised(layers, x) : x;
}

}  // namespace wherry::import::huggingface
