// MobileNetV3 (Howard et al. 2019) as torchvision lays it out.

#include <fmt/format.h>

#include <algorithm>

#include "import/architectures/architecture.h"

namespace wherry::import {
namespace {

constexpr double kEps = 0.001;  // torchvision's batch norms of this family

enum class Activation { none, relu, hardswish };

/// One row of the paper's tables 1 and 2.
struct Block {
  std::int64_t kernel;
  std::int64_t hidden;
  std::int64_t channels;
  bool squeeze;  ///< squeeze-and-excitation after the depthwise convolution
  Activation activation;
  std::int64_t stride;
};

constexpr auto kRelu = Activation::relu, kHardswish = Activation::hardswish;

constexpr std::array kLarge = {
    Block{3, 16, 16, false, kRelu, 1},       Block{3, 64, 24, false, kRelu, 2},
    Block{3, 72, 24, false, kRelu, 1},       Block{5, 72, 40, true, kRelu, 2},
    Block{5, 120, 40, true, kRelu, 1},       Block{5, 120, 40, true, kRelu, 1},
    Block{3, 240, 80, false, kHardswish, 2}, Block{3, 200, 80, false, kHardswish, 1},
    Block{3, 184, 80, false, kHardswish, 1}, Block{3, 184, 80, false, kHardswish, 1},
    Block{3, 480, 112, true, kHardswish, 1}, Block{3, 672, 112, true, kHardswish, 1},
    Block{5, 672, 160, true, kHardswish, 2}, Block{5, 960, 160, true, kHardswish, 1},
    Block{5, 960, 160, true, kHardswish, 1},
};

constexpr std::array kSmall = {
    Block{3, 16, 16, true, kRelu, 2},       Block{3, 72, 24, false, kRelu, 2},
    Block{3, 88, 24, false, kRelu, 1},      Block{5, 96, 40, true, kHardswish, 2},
    Block{5, 240, 40, true, kHardswish, 1}, Block{5, 240, 40, true, kHardswish, 1},
    Block{5, 120, 48, true, kHardswish, 1}, Block{5, 144, 48, true, kHardswish, 1},
    Block{5, 288, 96, true, kHardswish, 2}, Block{5, 576, 96, true, kHardswish, 1},
    Block{5, 576, 96, true, kHardswish, 1},
};

ir::Value* activate(ModuleRecorder& layers, const std::string& path, ir::Value* x, Activation activation) {
  switch (activation) {
    case Activation::relu: return layers.relu(path, x);
    case Activation::hardswish: return layers.hardswish(path, x);
    case Activation::none: break;
  }
  return x;
}

ir::Value* conv_norm(ModuleRecorder& layers, const std::string& path, ir::Value* x, std::int64_t channels,
                     Activation activation, ConvOptions options) {
  ir::Value* y = layers.batch_norm(path + ".1", layers.conv(path + ".0", x, channels, options), kEps);
  return activate(layers, path + ".2", y, activation);
}

/// A fourth of the channels, to a multiple of 8, upwards where rounding down would lose more than a tenth.
std::int64_t squeezed(std::int64_t channels) {
  constexpr std::int64_t kMultiple = 8;
  const std::int64_t exact = channels / 4;
  const std::int64_t rounded = std::max(kMultiple, (exact + kMultiple / 2) / kMultiple * kMultiple);
  return 10 * rounded < 9 * exact ? rounded + kMultiple : rounded;
}

ir::Value* squeeze_and_excite(ModuleRecorder& layers, const std::string& path, ir::Value* x) {
  const std::int64_t channels = x->type().sizes.at(1);
  ir::Value* scale = layers.adaptive_average(path + ".avgpool", x, 1);
  scale = layers.relu(path + ".activation", layers.conv(path + ".fc1", scale, squeezed(channels), {.bias = true}));
  scale = layers.conv(path + ".fc2", scale, channels, {.bias = true});
  return layers.mul(path, layers.hardsigmoid(path + ".scale_activation", scale), x);
}

ir::Value* inverted_residual(ModuleRecorder& layers, const std::string& path, ir::Value* x, const Block& block) {
  const std::int64_t in = x->type().sizes.at(1);
  int index = 0;
  const auto next = [&] { return fmt::format("{}.block.{}", path, index++); };
  ir::Value* y = x;
  if (block.hidden != in) y = conv_norm(layers, next(), y, block.hidden, block.activation, {});
  y = conv_norm(layers, next(), y, block.hidden, block.activation,
                {.kernel = block.kernel, .stride = block.stride, .padding = block.kernel / 2, .groups = block.hidden});
  if (block.squeeze) y = squeeze_and_excite(layers, next(), y);
  y = conv_norm(layers, next(), y, block.channels, Activation::none, {});
  return block.stride == 1 && in == block.channels ? layers.add(path, y, x) : y;
}

}  // namespace

ir::Value* record_mobilenet_v3(ModuleRecorder& layers, ir::Value* image, MobileNetV3Size size) {
  constexpr std::int64_t kStem = 16, kImageNetClasses = 1000, kLastExpansion = 6;
  const bool large = size == MobileNetV3Size::large;
  ir::Value* x = conv_norm(layers, "features.0", image, kStem, kHardswish, {.kernel = 3, .stride = 2, .padding = 1});
  int index = 1;
  for (const Block& block : large ? std::span<const Block>(kLarge) : std::span<const Block>(kSmall))
    x = inverted_residual(layers, fmt::format("features.{}", index++), x, block);
  x = conv_norm(layers, fmt::format("features.{}", index), x, kLastExpansion * x->type().sizes.at(1), kHardswish, {});
  x = layers.linear("classifier.0", layers.global_average("avgpool", x), large ? 1280 : 1024);
  return layers.linear("classifier.3", layers.hardswish("classifier.1", x),
                       layers.rows_of("classifier.3.weight", kImageNetClasses));
}

}  // namespace wherry::import
