// ResNet, ResNeXt and Wide ResNet as torchvision lays them out: He et al. 2015 with the stride on the 3 x 3 convolution
// of a bottleneck ("v1.5"), Xie et al. 2016 for the groups, Zagoruyko and Komodakis 2016 for the width.

#include <fmt/format.h>

#include "import/architectures/architecture.h"

namespace wherry::import {
namespace {

ir::Value* conv_norm(ModuleRecorder& layers, const std::string& conv, const std::string& norm, ir::Value* x,
                     std::int64_t channels, ConvOptions options) {
  return layers.batch_norm(norm, layers.conv(conv, x, channels, options));
}

/// `planes` is the block's nominal width: 64, 128, 256, 512.
ir::Value* residual_block(ModuleRecorder& layers, const ResNetShape& shape, const std::string& path, ir::Value* x,
                          std::int64_t planes, std::int64_t stride) {
  constexpr std::int64_t kExpansion = 4;
  const std::int64_t out_channels = shape.bottleneck ? planes * kExpansion : planes;
  ir::Value* y = nullptr;
  if (shape.bottleneck) {
    const std::int64_t width = planes * shape.width_per_group / 64 * shape.groups;
    y = layers.relu(path + ".relu", conv_norm(layers, path + ".conv1", path + ".bn1", x, width, {}));
    y = layers.relu(path + ".relu", conv_norm(layers, path + ".conv2", path + ".bn2", y, width,
                                              {.kernel = 3, .stride = stride, .padding = 1, .groups = shape.groups}));
    y = conv_norm(layers, path + ".conv3", path + ".bn3", y, out_channels, {});
  } else {
    y = layers.relu(path + ".relu", conv_norm(layers, path + ".conv1", path + ".bn1", x, planes,
                                              {.kernel = 3, .stride = stride, .padding = 1}));
    y = conv_norm(layers, path + ".conv2", path + ".bn2", y, planes, {.kernel = 3, .padding = 1});
  }
  ir::Value* identity = x;
  if (stride != 1 || x->type().sizes.at(1) != out_channels)
    identity = conv_norm(layers, path + ".downsample.0", path + ".downsample.1", x, out_channels, {.stride = stride});
  return layers.relu(path + ".relu", layers.add(path, y, identity));
}

}  // namespace

ir::Value* record_resnet(ModuleRecorder& layers, ir::Value* image, const ResNetShape& shape) {
  constexpr std::int64_t kStem = 64;
  constexpr std::int64_t kImageNetClasses = 1000;
  ir::Value* x = conv_norm(layers, "conv1", "bn1", image, kStem, {.kernel = 7, .stride = 2, .padding = 3});
  x = layers.max_pool("maxpool", layers.relu("relu", x), {.kernel = 3, .stride = 2, .padding = 1});
  std::int64_t planes = kStem;
  for (std::size_t stage = 0; stage < shape.blocks.size(); ++stage, planes *= 2) {
    for (int block = 0; block < shape.blocks[stage]; ++block) {
      const std::int64_t stride = stage > 0 && block == 0 ? 2 : 1;
      x = residual_block(layers, shape, fmt::format("layer{}.{}", stage + 1, block), x, planes, stride);
    }
  }
  return layers.linear("fc", layers.global_average("avgpool", x), layers.rows_of("fc.weight", kImageNetClasses));
}

}  // namespace wherry::import
