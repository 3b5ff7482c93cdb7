// AlexNet in the "one weird trick" form (Krizhevsky 2014), as torchvision lays it out.

#include "import/architectures/architecture.h"

namespace wherry::import {

ir::Value* record_alexnet(ModuleRecorder& layers, ir::Value* image) {
  constexpr std::int64_t kHidden = 4096, kImageNetClasses = 1000, kPooled = 6;
  constexpr PoolOptions kPool{.kernel = 3, .stride = 2};
  const auto conv_relu = [&](const std::string& path, ir::Value* x, std::int64_t channels, ConvOptions options) {
    options.bias = true;
    return layers.relu(path, layers.conv(path, x, channels, options));
  };
  ir::Value* x = conv_relu("features.0", image, 64, {.kernel = 11, .stride = 4, .padding = 2});
  x = layers.max_pool("features.2", x, kPool);
  x = conv_relu("features.3", x, 192, {.kernel = 5, .padding = 2});
  x = layers.max_pool("features.5", x, kPool);
  x = conv_relu("features.6", x, 384, {.kernel = 3, .padding = 1});
  x = conv_relu("features.8", x, 256, {.kernel = 3, .padding = 1});
  x = conv_relu("features.10", x, 256, {.kernel = 3, .padding = 1});
  x = layers.max_pool("features.12", x, kPool);
  x = layers.flatten("avgpool", layers.adaptive_average("avgpool", x, kPooled));
  x = layers.relu("classifier.2", layers.linear("classifier.1", x, kHidden));
  x = layers.relu("classifier.5", layers.linear("classifier.4", x, kHidden));
  return layers.linear("classifier.6", x, layers.rows_of("classifier.6.weight", kImageNetClasses));
}

}  // namespace wherry::import
