// VGG (Simonyan and Zisserman 2014), with or without batch norm, as torchvision lays it out.

#include <fmt/format.h>

#include "import/architectures/architecture.h"

namespace wherry::import {

ir::Value* record_vgg(ModuleRecorder& layers, ir::Value* image, const VggShape& shape) {
  constexpr std::array<std::int64_t, 5> kChannels = {64, 128, 256, 512, 512};
  constexpr std::int64_t kHidden = 4096, kImageNetClasses = 1000, kPooled = 7;
  ir::Value* x = image;
  int index = 0;  // in the one list that holds every layer, activations and poolings too
  const auto next = [&index] { return fmt::format("features.{}", index++); };
  for (std::size_t stage = 0; stage < kChannels.size(); ++stage) {
    for (int i = 0; i < shape.convolutions[stage]; ++i) {
      x = layers.conv(next(), x, kChannels[stage], {.kernel = 3, .padding = 1, .bias = true});
      if (shape.batch_norm) x = layers.batch_norm(next(), x);
      x = layers.relu(next(), x);
    }
    x = layers.max_pool(next(), x, {.kernel = 2, .stride = 2});
  }
  x = layers.flatten("avgpool", layers.adaptive_average("avgpool", x, kPooled));
  x = layers.relu("classifier.1", layers.linear("classifier.0", x, kHidden));
  x = layers.relu("classifier.4", layers.linear("classifier.3", x, kHidden));
  return layers.linear("classifier.6", x, layers.rows_of("classifier.6.weight", kImageNetClasses));
}

}  // namespace wherry::import
