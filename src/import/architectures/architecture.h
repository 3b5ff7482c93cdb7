#pragma once
// The architectures whose bare weights can be run by name.

#include <array>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "import/architectures/module_recorder.h"

namespace wherry::import {

struct Architecture {
  std::string name;  ///< torchvision's: "resnet50"
  /// Records the model for `image` [N, 3, H, W] and returns its logits [N, classes].
  std::function<ir::Value*(ModuleRecorder& layers, ir::Value* image)> record;
};

/// All of them, in the order in which they are listed to people.
std::span<const Architecture> architectures();

/// Null where there is none of this name.
const Architecture* find_architecture(std::string_view name);

/// "resnet18, resnet34, …": for messages.
std::string architecture_names();

/// In which the state dict differs from what the architecture needs; empty where it fits.
std::string differences(const Architecture& architecture, const StateDict& weights);

// The families, one file each, and what tells their members apart.

struct ResNetShape {
  std::array<int, 4> blocks{};  ///< per stage
  bool bottleneck = false;
  std::int64_t groups = 1;            ///< of the 3 × 3 convolutions
  std::int64_t width_per_group = 64;  ///< channels of a group at 64 planes
};
ir::Value* record_resnet(ModuleRecorder& layers, ir::Value* image, const ResNetShape& shape);

ir::Value* record_mobilenet_v2(ModuleRecorder& layers, ir::Value* image);

enum class MobileNetV3Size { small, large };
ir::Value* record_mobilenet_v3(ModuleRecorder& layers, ir::Value* image, MobileNetV3Size size);

ir::Value* record_alexnet(ModuleRecorder& layers, ir::Value* image);

struct VggShape {
  std::array<int, 5> convolutions{};  ///< per stage; a pooling follows each
  bool batch_norm = false;
};
ir::Value* record_vgg(ModuleRecorder& layers, ir::Value* image, const VggShape& shape);

enum class SqueezeNetVersion { v1_0, v1_1 };
ir::Value* record_squeezenet(ModuleRecorder& layers, ir::Value* image, SqueezeNetVersion version);

struct DenseNetShape {
  std::array<int, 4> layers{};  ///< per block
  std::int64_t growth = 32;     ///< channels that a layer adds
  std::int64_t stem = 64;       ///< channels of the first convolution
};
ir::Value* record_densenet(ModuleRecorder& layers, ir::Value* image, const DenseNetShape& shape);

/// `width` multiplies the stages' channels.
ir::Value* record_mnasnet(ModuleRecorder& layers, ir::Value* image, double width);

/// `channels` of the three stages and of the last convolution.
ir::Value* record_shufflenet_v2(ModuleRecorder& layers, ir::Value* image, const std::array<std::int64_t, 4>& channels);

}  // namespace wherry::import
