// MNASNet-B1 (Tan et al. 2018) as torchvision lays it out.

#include <fmt/format.h>

#include <algorithm>

#include "import/architectures/architecture.h"

namespace wherry::import {
namespace {

/// A stack of inverted residuals that share their width.
struct Stack {
  std::int64_t channels;  ///< at width 1.0
  std::int64_t kernel;
  std::int64_t stride;  ///< of the first block
  std::int64_t expansion;
  int blocks;
};

constexpr std::array kStacks = {Stack{24, 3, 2, 3, 3}, Stack{40, 5, 2, 3, 3},  Stack{80, 5, 2, 6, 3},
                                Stack{96, 3, 1, 6, 2}, Stack{192, 5, 2, 6, 4}, Stack{320, 3, 1, 6, 1}};

/// To a multiple of 8, upwards where rounding down would lose more than a tenth.
std::int64_t scaled(std::int64_t channels, double width) {
  constexpr std::int64_t kMultiple = 8;
  const double exact = static_cast<double>(channels) * width;
  const std::int64_t rounded =
      std::max(kMultiple, static_cast<std::int64_t>(exact + kMultiple / 2.0) / kMultiple * kMultiple);
  return static_cast<double>(rounded) >= 0.9 * exact ? rounded : rounded + kMultiple;
}

/// Convolution and batch norm `index` and `index` + 1 of the list `path`.
ir::Value* conv_norm(ModuleRecorder& layers, const std::string& path, int index, ir::Value* x, std::int64_t channels,
                     ConvOptions options) {
  return layers.batch_norm(fmt::format("{}.{}", path, index + 1),
                           layers.conv(fmt::format("{}.{}", path, index), x, channels, options));
}

ir::Value* inverted_residual(ModuleRecorder& layers, const std::string& path, ir::Value* x, std::int64_t channels,
                             const Stack& stack, std::int64_t stride) {
  const std::int64_t in = x->type().sizes.at(1), hidden = in * stack.expansion;
  const std::string list = path + ".layers";
  ir::Value* y = layers.relu(list + ".2", conv_norm(layers, list, 0, x, hidden, {}));
  const ConvOptions depthwise{.kernel = stack.kernel, .stride = stride, .padding = stack.kernel / 2, .groups = hidden};
  y = layers.relu(list + ".5", conv_norm(layers, list, 3, y, hidden, depthwise));
  y = conv_norm(layers, list, 6, y, channels, {});
  return stride == 1 && in == channels ? layers.add(path, y, x) : y;
}

}  // namespace

ir::Value* record_mnasnet(ModuleRecorder& layers, ir::Value* image, double width) {
  constexpr std::int64_t kStem = 32, kSeparable = 16, kLast = 1280, kImageNetClasses = 1000;
  const std::int64_t stem = scaled(kStem, width);
  ir::Value* x = conv_norm(layers, "layers", 0, image, stem, {.kernel = 3, .stride = 2, .padding = 1});
  x = conv_norm(layers, "layers", 3, layers.relu("layers.2", x), stem, {.kernel = 3, .padding = 1, .groups = stem});
  x = conv_norm(layers, "layers", 6, layers.relu("layers.5", x), scaled(kSeparable, width), {});
  int index = 8;
  for (const Stack& stack : kStacks) {
    for (int block = 0; block < stack.blocks; ++block)
      x = inverted_residual(layers, fmt::format("layers.{}.{}", index, block), x, scaled(stack.channels, width), stack,
                            block == 0 ? stack.stride : 1);
    ++index;
  }
  x = layers.relu("layers.16", conv_norm(layers, "layers", index, x, kLast, {}));
  return layers.linear("classifier.1", layers.global_average("layers", x),
                       layers.rows_of("classifier.1.weight", kImageNetClasses));
}

}  // namespace wherry::import
