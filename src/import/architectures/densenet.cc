// DenseNet-BC (Huang et al. 2016) as torchvision lays it out: every layer reads all the earlier ones of its block.

#include <fmt/format.h>

#include "import/architectures/architecture.h"

namespace wherry::import {
namespace {

/// "<path>.norm1", or "<path>.norm.1" as the published checkpoints, older than that name, have it.
std::string numbered(const ModuleRecorder& layers, const std::string& path, std::string_view kind, int number) {
  const std::string old = fmt::format("{}.{}.{}", path, kind, number);
  return layers.sizes_of(old + ".weight") ? old : fmt::format("{}.{}{}", path, kind, number);
}

ir::Value* norm_relu(ModuleRecorder& layers, const std::string& path, ir::Value* x) {
  return layers.relu(path, layers.batch_norm(path, x));
}

}  // namespace

ir::Value* record_densenet(ModuleRecorder& layers, ir::Value* image, const DenseNetShape& shape) {
  constexpr std::int64_t kBottleneck = 4, kImageNetClasses = 1000;
  ir::Value* x = layers.conv("features.conv0", image, shape.stem, {.kernel = 7, .stride = 2, .padding = 3});
  x = norm_relu(layers, "features.norm0", x);
  x = layers.max_pool("features.pool0", x, {.kernel = 3, .stride = 2, .padding = 1});
  std::int64_t channels = shape.stem;
  for (std::size_t block = 0; block < shape.layers.size(); ++block) {
    std::vector<ir::Value*> features = {x};
    const std::string block_path = fmt::format("features.denseblock{}", block + 1);
    for (int layer = 0; layer < shape.layers[block]; ++layer) {
      const std::string path = fmt::format("{}.denselayer{}", block_path, layer + 1);
      ir::Value* y = norm_relu(layers, numbered(layers, path, "norm", 1), layers.concat(path, features));
      y = layers.conv(numbered(layers, path, "conv", 1), y, kBottleneck * shape.growth, {});
      y = norm_relu(layers, numbered(layers, path, "norm", 2), y);
      features.push_back(layers.conv(numbered(layers, path, "conv", 2), y, shape.growth, {.kernel = 3, .padding = 1}));
      channels += shape.growth;
    }
    x = layers.concat(block_path, features);
    if (block + 1 == shape.layers.size()) break;
    const std::string path = fmt::format("features.transition{}", block + 1);
    channels /= 2;
    x = layers.conv(path + ".conv", norm_relu(layers, path + ".norm", x), channels, {});
    x = layers.avg_pool(path + ".pool", x, 2);
  }
  x = norm_relu(layers, "features.norm5", x);
  return layers.linear("classifier", layers.global_average("features", x),
                       layers.rows_of("classifier.weight", kImageNetClasses));
}

}  // namespace wherry::import
