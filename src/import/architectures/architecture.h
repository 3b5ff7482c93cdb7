#pragma once
// The architectures whose bare weights can be run by name.

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "import/architectures/module_recorder.h"

namespace wherry::import {

struct Architecture {
  std::string name;  ///< torchvision's: "resnet50"
  /// Records the model for `image` [N, 3, H, W] and returns its logits [N, classes].
  ir::Value* (*record)(ModuleRecorder& layers, const Architecture& self, ir::Value* image);
  /// Of the ResNet family: blocks per stage, channels per group of the 3 × 3 convolutions at 64 planes, groups.
  std::vector<int> blocks;
  bool bottleneck = false;
  std::int64_t groups = 1;
  std::int64_t width_per_group = 64;
};

/// All of them, in the order in which they are listed to people.
std::span<const Architecture> architectures();

/// Null where there is none of this name.
const Architecture* find_architecture(std::string_view name);

/// In which the state dict differs from what the architecture needs; empty where it fits.
std::string differences(const Architecture& architecture, const StateDict& weights);

/// The families, one file each.
ir::Value* record_resnet(ModuleRecorder& layers, const Architecture& self, ir::Value* image);
ir::Value* record_mobilenet_v2(ModuleRecorder& layers, const Architecture& self, ir::Value* image);

}  // namespace wherry::import
