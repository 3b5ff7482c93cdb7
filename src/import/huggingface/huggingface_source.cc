#include "import/huggingface/huggingface_source.h"

#include <fmt/format.h>

#include <optional>

#include "base/check.h"
#include "import/huggingface/config.h"
#include "import/huggingface/encoder.h"
#include "import/huggingface/heads.h"
#include "import/huggingface/model_folder.h"
#include "import/huggingface/pickled_weights.h"
#include "import/huggingface/sentence_embedding.h"
#include "import/safetensors/safetensors.h"

namespace wherry::import::huggingface {
namespace {

using base::fail;

class HuggingFaceSource : public ModelSource {
 public:
  HuggingFaceSource(Config config, std::optional<SentenceModules> sentence, StateDict weights, std::string arch)
      : config_(std::move(config)), sentence_(sentence), weights_(std::move(weights)), arch_(std::move(arch)) {}

  /// In which the weights differ from the configuration; empty where they fit.
  std::string differences() const {
    ir::Graph graph;
    LayerRecorder layers(graph, weights_, name_of(config_.family));
    record(graph, layers, shortest());
    return layers.differences();
  }

  ModelInfo describe() const override {
    ModelInfo info;
    info.format = fmt::format("Hugging Face ({}{})", sentence_ ? "sentence embedding, " : "", config_.architecture);
    const auto add = [&](const char* name, std::int64_t values, std::optional<std::int64_t> fallback) {
      info.inputs.push_back({name, DType::i64, Dims{-1, -1}, values, fallback});
    };
    add("input_ids", config_.vocab_size, std::nullopt);
    add("attention_mask", 2, 1);
    if (config_.token_types > 0) add("token_type_ids", config_.token_types, 0);
    const auto add_optional = [&](const char* name, Dims sizes, std::optional<std::int64_t> values) {
      info.inputs.push_back({name, DType::i64, std::move(sizes), values});
      info.inputs.back().optional = true;
    };
    if (takes_positions()) {
      add_optional("positions", {-1}, std::nullopt);
      add_optional("position_ids", {-1, -1}, config_.max_positions);
    }
    // What the graph reads: a file may hold the heads of other tasks too, and shared tensors twice.
    const ir::Graph graph = this->graph(shortest());
    for (const ir::Value* constant : graph.constants()) {
      const tensor::LazyTensorPtr weight = weights_.find(constant->name());
      WHERRY_CHECK(weight != nullptr);
      const std::int64_t count = element_count(weight->sizes());
      info.parameter_count += count;
      info.parameter_bytes += count * static_cast<std::int64_t>(size_of(weight->dtype()));
    }
    return info;
  }

  Origin origin() const override { return {OriginKind::huggingface, arch_, weights_.records}; }

  ir::Graph graph(std::span<const ir::TensorType> inputs) const override {
    check(inputs);
    ir::Graph graph;
    LayerRecorder layers(graph, weights_, name_of(config_.family));
    record(graph, layers, inputs);
    return graph;
  }

 private:
  static std::vector<ir::TensorType> shortest() { return {{DType::i64, {1, 1}, {}}}; }

  void check(std::span<const ir::TensorType> inputs) const {
    const std::size_t most = of_tokens() + (takes_positions() ? 2 : 0);
    if (inputs.empty() || inputs.size() > most)
      fail<InvalidInput>("{} takes 1 to {} inputs; {} were given", config_.architecture, most, inputs.size());
    std::vector<ir::TensorType> of_shape(inputs.begin(), inputs.end());
    if (inputs.size() > of_tokens()) {
      const ir::TensorType& positions = inputs[of_tokens()];
      if (positions.dtype != DType::i64 || positions.sizes.size() != 1 || positions.numel() == 0)
        fail<InvalidInput>("{} takes positions of type int64[count]; {} was given", config_.architecture,
                           ir::to_string(positions));
      of_shape.erase(of_shape.begin() + static_cast<std::ptrdiff_t>(of_tokens()));
    }
    for (const ir::TensorType& input : of_shape) {
      if (input.dtype != DType::i64 || input.sizes.size() != 2 || input.numel() == 0)
        fail<InvalidInput>("{} takes inputs of type int64[batch, sequence]; {} was given", config_.architecture,
                           ir::to_string(input));
      if (input.sizes != inputs[0].sizes)
        fail<InvalidInput>("{} takes inputs of one shape; {} and {} were given", config_.architecture,
                           to_string(inputs[0].sizes), to_string(input.sizes));
    }
    const bool packed = of_shape.size() > of_tokens();
    if (sentence_ && inputs.size() > of_tokens() && !packed)
      fail<InvalidInput>(
          "a sentence embedding takes positions where position_ids say what texts share a row; found "
          "positions alone");
    if (!packed && inputs[0].sizes[1] > config_.longest_sequence())
      fail<InvalidInput>("{} has positions for {} tokens; a sequence of {} was given", config_.architecture,
                         config_.longest_sequence(), inputs[0].sizes[1]);
  }

  /// Whether it can be had of some tokens only, and of several texts in a row.
  bool takes_positions() const { return sentence_ || config_.takes_positions(); }
  /// Inputs of type int64[batch, sequence].
  std::size_t of_tokens() const { return config_.token_types > 0 ? 3 : 2; }

  void record(ir::Graph& graph, LayerRecorder& layers, std::span<const ir::TensorType> types) const {
    TokenInputs inputs;
    inputs.ids = graph.add_input("input_ids", types[0]);
    if (types.size() > 1) inputs.attention_mask = graph.add_input("attention_mask", types[1]);
    if (types.size() > 2 && of_tokens() > 2) inputs.token_types = graph.add_input("token_type_ids", types[2]);
    ir::Value* positions = nullptr;
    if (types.size() > of_tokens()) positions = graph.add_input("positions", types[of_tokens()]);
    if (types.size() > of_tokens() + 1) inputs.position_ids = graph.add_input("position_ids", types.back());
    if (sentence_) {
      WantedTokens wanted;
      if (sentence_->pooling == SentenceModules::Pooling::first_token) wanted = {!positions, positions};
      ir::Value* hidden = record_encoder(layers, config_, inputs, wanted);
      graph.add_output(record_sentence_embedding(layers, config_, *sentence_, inputs, positions, hidden),
                       "sentence_embedding");
      return;
    }
    const bool only_first = config_.head == Head::sequence_classification && !positions;
    ir::Value* hidden = record_encoder(layers, config_, inputs, {only_first, positions});
    for (const NamedValue& output : record_head(layers, config_, hidden)) graph.add_output(output.value, output.name);
  }

  Config config_;
  std::optional<SentenceModules> sentence_;
  StateDict weights_;
  std::string arch_;
};

StateDict read_weights(const std::shared_ptr<const ZipArchive>& records) {
  if (records->find(kTensorList)) return read_safetensors(records);
  return read_pickled_weights(records);
}

std::string file(const ZipArchive& records, std::string_view name) {
  return fmt::format("{}/{}", records.path(), name);
}

std::optional<SentenceModules> sentence_modules(const ZipArchive& records) {
  if (!records.find(kModules)) return std::nullopt;
  const Bytes modules = records.read(kModules), pooling = records.read(kPooling);
  return parse_sentence_modules(modules.text(), file(records, kModules), pooling.text(), file(records, kPooling));
}

}  // namespace

std::unique_ptr<ModelSource> make_huggingface_source(std::shared_ptr<const ZipArchive> records,
                                                     const std::string& arch) {
  // Asked for by class, a folder of sentence-transformers is the transformer in it.
  const auto sentence = arch.empty() ? sentence_modules(*records) : std::nullopt;
  const Bytes text = records->read(kConfig);
  Config config = parse_config(JsonObject::parse(text.text(), file(*records, kConfig)), arch);
  if (sentence) {
    config.head = Head::none;
    if (sentence->width && *sentence->width != config.hidden_size)
      fail<InvalidModel>("{}: pools {} numbers; the encoder has {}", file(*records, kPooling), *sentence->width,
                         config.hidden_size);
  }
  StateDict weights = read_weights(records);
  const std::size_t entries = weights.entries.size();
  const std::string architecture = config.architecture;
  auto source = std::make_unique<HuggingFaceSource>(std::move(config), sentence, std::move(weights), arch);
  const std::string found = source->differences();
  if (!found.empty())
    fail<InvalidModel>("{}: its {} tensors do not fit {}: {}", records->path(), entries, architecture, found);
  return source;
}

}  // namespace wherry::import::huggingface
