#include "import/state_dict/state_dict_source.h"

#include <cstring>

#include "base/check.h"
#include "import/architectures/architecture.h"
#include "import/architectures/random_weights.h"
#include "import/compiled/layout.h"
#include "import/printable.h"

namespace wherry::import {
namespace {

using base::fail;

class StateDictSource : public ModelSource {
 public:
  StateDictSource(StateDict weights, const Architecture& architecture, OriginKind kind, std::string format)
      : weights_(std::move(weights)), architecture_(architecture), kind_(kind), format_(std::move(format)) {}

  ModelInfo describe() const override {
    ModelInfo info;
    info.format = format_;
    info.inputs.push_back({"image", DType::f32, std::nullopt});
    for (const auto& [name, tensor] : weights_.entries) {
      if (is_statistic(name)) continue;
      const std::int64_t count = element_count(tensor->sizes());
      info.parameter_count += count;
      info.parameter_bytes += count * static_cast<std::int64_t>(size_of(tensor->dtype()));
    }
    return info;
  }

  Origin origin() const override { return {kind_, architecture_.name, weights_.records}; }

  ir::Graph graph(std::span<const ir::TensorType> inputs) const override {
    if (inputs.size() != 1)
      fail<InvalidInput>("{} takes one input, an image; {} were given", architecture_.name, inputs.size());
    const ir::TensorType& image = inputs[0];
    if (image.dtype != DType::f32 || image.sizes.size() != 4 || image.sizes[1] != 3 || image.numel() == 0)
      fail<InvalidInput>("{} takes an image of type float32[N, 3, H, W]; {}{} was given", architecture_.name,
                         name_of(image.dtype), to_string(image.sizes));
    ir::Graph graph;
    ModuleRecorder layers(graph, weights_);
    graph.add_output(architecture_.record(layers, graph.add_input("image", image)), "output");
    return graph;
  }

 private:
  /// What PyTorch calls a buffer: saved with the parameters, but not trained.
  static bool is_statistic(std::string_view name) {
    return name.ends_with(".running_mean") || name.ends_with(".running_var") || name.ends_with(".num_batches_tracked");
  }

  StateDict weights_;
  const Architecture& architecture_;
  OriginKind kind_;
  std::string format_;
};

/// "; its entries fit resnet50", or nothing.
std::string fitting(const StateDict& weights, std::string_view except) {
  std::string names;
  for (const Architecture& known : architectures()) {
    if (known.name != except && differences(known, weights).empty())
      names += fmt::format("{}{}", names.empty() ? "" : " and ", known.name);
  }
  return names.empty() ? "" : "; its entries fit --arch " + names;
}

std::shared_ptr<const ZipArchive> record_of(const std::string& name, std::uint64_t seed) {
  const auto owner = std::make_shared<const std::uint64_t>(seed);
  const auto bytes = std::as_bytes(std::span(owner.get(), 1));
  std::vector<ZipRecord> records(1);
  records[0].name = kSeed;
  records[0].size = records[0].stored_size = static_cast<std::int64_t>(bytes.size());
  records[0].crc = compiled::crc_of(bytes);
  return ZipArchive::of(name, {bytes, owner}, nullptr, std::move(records));
}

}  // namespace

std::unique_ptr<ModelSource> make_state_dict_source(StateDict weights, const std::string& arch) {
  if (arch.empty())
    fail<InvalidInput>(
        "{}: a state dict has weights but no code, so its "
        "architecture must be named{}; known are {}",
        weights.path, fitting(weights, {}), architecture_names());
  const Architecture* architecture = find_architecture(arch);
  if (!architecture)
    fail<InvalidInput>("{}: no architecture '{}' is built in{}; known are {}", weights.path, printable(arch),
                       fitting(weights, {}), architecture_names());
  const std::string found = differences(*architecture, weights);
  if (!found.empty())
    fail<InvalidModel>("{}: its {} entries do not fit {}: {}{}", weights.path, weights.entries.size(), arch, found,
                       fitting(weights, arch));
  const OriginKind kind = weights.legacy ? OriginKind::legacy_state_dict : OriginKind::state_dict;
  return std::make_unique<StateDictSource>(std::move(weights), *architecture, kind,
                                           fmt::format("state dict ({})", arch));
}

std::unique_ptr<ModelSource> make_random_source(const std::string& arch, std::uint64_t seed) {
  const Architecture* architecture = find_architecture(arch);
  if (!architecture)
    fail<InvalidInput>("no architecture '{}' is built in; known are {}", printable(arch), architecture_names());
  StateDict weights = random_weights(*architecture, seed);
  weights.records = record_of(weights.path, seed);
  return std::make_unique<StateDictSource>(std::move(weights), *architecture, OriginKind::random_weights,
                                           fmt::format("random weights ({})", arch));
}

std::unique_ptr<ModelSource> make_random_source(const ZipArchive& records, const std::string& arch) {
  const Bytes bytes = records.read(kSeed);
  std::uint64_t seed = 0;
  if (bytes.data.size() != sizeof(seed))
    fail<InvalidModel>("{}: the seed of its random weights has {} bytes; {} are expected", records.path(),
                       bytes.data.size(), sizeof(seed));
  if (!find_architecture(arch))
    fail<InvalidModel>("{}: no architecture '{}' is built in; known are {}", records.path(), printable(arch),
                       architecture_names());
  std::memcpy(&seed, bytes.data.data(), sizeof(seed));
  return make_random_source(arch, seed);
}

}  // namespace wherry::import
