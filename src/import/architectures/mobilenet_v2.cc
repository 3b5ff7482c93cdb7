// MobileNetV2 (Sandler et al. 2018) as torchvision lays it out. The width multiplier is not stored in a state dict, so
// each stage's channels follow the weights, and every layer is then held against them.

#include <fmt/format.h>

#include <array>

#include "import/architectures/architecture.h"

namespace wherry::import {
namespace {

/// One row of the paper's table 2: blocks that share their width.
struct Stage {
  std::int64_t expansion;
  std::int64_t channels;  ///< at width 1.0
  int blocks;
  std::int64_t stride;  ///< of the first block
};

constexpr std::array kStages = {Stage{1, 16, 1, 1}, Stage{6, 24, 2, 2},  Stage{6, 32, 3, 2}, Stage{6, 64, 4, 2},
                                Stage{6, 96, 3, 1}, Stage{6, 160, 3, 2}, Stage{6, 320, 1, 1}};

ir::Value* conv_norm_relu6(ModuleRecorder& layers, const std::string& path, ir::Value* x, std::int64_t channels,
                           ConvOptions options) {
  ir::Value* y = layers.batch_norm(path + ".1", layers.conv(path + ".0", x, channels, options));
  return layers.relu6(path + ".2", y);
}

/// The convolution that narrows a block again: the third of the block's list, the second where nothing was widened.
std::string projection(const std::string& path, std::int64_t expansion) {
  return fmt::format("{}.conv.{}", path, expansion == 1 ? 1 : 2);
}

ir::Value* inverted_residual(ModuleRecorder& layers, const std::string& path, ir::Value* x, std::int64_t channels,
                             std::int64_t stride, std::int64_t expansion) {
  const std::int64_t in = x->type().sizes.at(1), hidden = in * expansion;
  ir::Value* y = x;
  int index = 0;
  if (expansion != 1) y = conv_norm_relu6(layers, fmt::format("{}.conv.{}", path, index++), y, hidden, {});
  y = conv_norm_relu6(layers, fmt::format("{}.conv.{}", path, index++), y, hidden,
                      {.kernel = 3, .stride = stride, .padding = 1, .groups = hidden});
  y = layers.conv(projection(path, expansion), y, channels, {});
  y = layers.batch_norm(fmt::format("{}.conv.{}", path, index + 1), y);
  return stride == 1 && in == channels ? layers.add(path, x, y) : y;
}

}  // namespace

ir::Value* record_mobilenet_v2(ModuleRecorder& layers, ir::Value* image) {
  constexpr std::int64_t kFirst = 32, kLast = 1280, kImageNetClasses = 1000;
  ir::Value* x = conv_norm_relu6(layers, "features.0", image, layers.rows_of("features.0.0.weight", kFirst),
                                 {.kernel = 3, .stride = 2, .padding = 1});
  int index = 1;
  for (const Stage& stage : kStages) {
    const std::string first = fmt::format("features.{}", index);
    const std::int64_t channels = layers.rows_of(projection(first, stage.expansion) + ".weight", stage.channels);
    for (int block = 0; block < stage.blocks; ++block, ++index)
      x = inverted_residual(layers, fmt::format("features.{}", index), x, channels, block == 0 ? stage.stride : 1,
                            stage.expansion);
  }
  const std::string last = fmt::format("features.{}", index);
  x = conv_norm_relu6(layers, last, x, layers.rows_of(last + ".0.weight", kLast), {});
  return layers.linear("classifier.1", layers.global_average("features", x),
                       layers.rows_of("classifier.1.weight", kImageNetClasses));
}

}  // namespace wherry::import
