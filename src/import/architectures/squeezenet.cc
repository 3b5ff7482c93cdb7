// SqueezeNet 1.0 and 1.1 (Iandola et al. 2016) as torchvision lays it out: fire modules with poolings between them.

#include <fmt/format.h>

#include "import/architectures/architecture.h"

namespace wherry::import {
namespace {

/// A 1 × 1 convolution that narrows to `squeeze` channels, then a 1 × 1 and a 3 × 3 one side by side.
ir::Value* fire(ModuleRecorder& layers, const std::string& path, ir::Value* x, std::int64_t squeeze) {
  constexpr std::int64_t kExpansion = 4;
  x = layers.relu(path + ".squeeze_activation", layers.conv(path + ".squeeze", x, squeeze, {.bias = true}));
  ir::Value* one = layers.conv(path + ".expand1x1", x, squeeze * kExpansion, {.bias = true});
  ir::Value* three =
      layers.conv(path + ".expand3x3", x, squeeze * kExpansion, {.kernel = 3, .padding = 1, .bias = true});
  return layers.concat(
      path, {layers.relu(path + ".expand1x1_activation", one), layers.relu(path + ".expand3x3_activation", three)});
}

}  // namespace

ir::Value* record_squeezenet(ModuleRecorder& layers, ir::Value* image, SqueezeNetVersion version) {
  constexpr std::int64_t kImageNetClasses = 1000;
  constexpr PoolOptions kPool{.kernel = 3, .stride = 2, .ceil_mode = true};
  // Squeezed channels of the fire modules in order; 0 is a pooling.
  constexpr std::array kVersion0 = {0, 16, 16, 32, 0, 32, 48, 48, 64, 0, 64};
  constexpr std::array kVersion1 = {0, 16, 16, 0, 32, 32, 0, 48, 48, 64, 64};
  const bool first = version == SqueezeNetVersion::v1_0;
  ir::Value* x =
      layers.conv("features.0", image, first ? 96 : 64, {.kernel = first ? 7 : 3, .stride = 2, .bias = true});
  x = layers.relu("features.1", x);
  int index = 2;
  for (const int squeeze : first ? kVersion0 : kVersion1) {
    const std::string path = fmt::format("features.{}", index++);
    x = squeeze == 0 ? layers.max_pool(path, x, kPool) : fire(layers, path, x, squeeze);
  }
  x = layers.conv("classifier.1", x, layers.rows_of("classifier.1.weight", kImageNetClasses), {.bias = true});
  return layers.global_average("classifier.3", layers.relu("classifier.2", x));
}

}  // namespace wherry::import
