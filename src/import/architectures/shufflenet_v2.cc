// ShuffleNet V2 (Ma et al. 2018) as torchvision lays it out: one half of the channels passes by, the other is worked
// on, and a shuffle mixes the two.

#include <fmt/format.h>

#include "import/architectures/architecture.h"

namespace wherry::import {
namespace {

ir::Value* conv_norm(ModuleRecorder& layers, const std::string& path, int index, ir::Value* x, std::int64_t channels,
                     ConvOptions options) {
  return layers.batch_norm(fmt::format("{}.{}", path, index + 1),
                           layers.conv(fmt::format("{}.{}", path, index), x, channels, options));
}

ir::Value* unit(ModuleRecorder& layers, const std::string& path, ir::Value* x, std::int64_t channels,
                std::int64_t stride) {
  const std::int64_t in = x->type().sizes.at(1), half = channels / 2;
  const std::string branch1 = path + ".branch1", branch2 = path + ".branch2";
  ir::Value* passed = nullptr;
  ir::Value* worked = x;
  if (stride == 1) {
    passed = layers.slice(path, x, 0, half);
    worked = layers.slice(path, x, half, channels);
  } else {
    passed = conv_norm(layers, branch1, 0, x, in, {.kernel = 3, .stride = stride, .padding = 1, .groups = in});
    passed = layers.relu(branch1 + ".4", conv_norm(layers, branch1, 2, passed, half, {}));
  }
  worked = layers.relu(branch2 + ".2", conv_norm(layers, branch2, 0, worked, half, {}));
  worked = conv_norm(layers, branch2, 3, worked, half, {.kernel = 3, .stride = stride, .padding = 1, .groups = half});
  worked = layers.relu(branch2 + ".7", conv_norm(layers, branch2, 5, worked, half, {}));
  return layers.shuffle(path, layers.concat(path, {passed, worked}), 2);
}

}  // namespace

ir::Value* record_shufflenet_v2(ModuleRecorder& layers, ir::Value* image, const std::array<std::int64_t, 4>& channels) {
  constexpr std::int64_t kStem = 24, kImageNetClasses = 1000;
  constexpr std::array kUnits = {4, 8, 4};
  ir::Value* x = conv_norm(layers, "conv1", 0, image, kStem, {.kernel = 3, .stride = 2, .padding = 1});
  x = layers.max_pool("maxpool", layers.relu("conv1.2", x), {.kernel = 3, .stride = 2, .padding = 1});
  for (std::size_t stage = 0; stage < kUnits.size(); ++stage) {
    for (int i = 0; i < kUnits[stage]; ++i)
      x = unit(layers, fmt::format("stage{}.{}", stage + 2, i), x, channels[stage], i == 0 ? 2 : 1);
  }
  x = layers.relu("conv5.2", conv_norm(layers, "conv5", 0, x, channels.back(), {}));
  return layers.linear("fc", layers.global_average("conv5", x), layers.rows_of("fc.weight", kImageNetClasses));
}

}  // namespace wherry::import
