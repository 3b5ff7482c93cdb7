#include "import/architectures/architecture.h"

#include <algorithm>

namespace wherry::import {

std::span<const Architecture> architectures() {
  static const std::vector<Architecture> all = {
      {"resnet18", record_resnet, {2, 2, 2, 2}, false, 1, 64},
      {"resnet34", record_resnet, {3, 4, 6, 3}, false, 1, 64},
      {"resnet50", record_resnet, {3, 4, 6, 3}, true, 1, 64},
      {"resnet101", record_resnet, {3, 4, 23, 3}, true, 1, 64},
      {"resnet152", record_resnet, {3, 8, 36, 3}, true, 1, 64},
      {"resnext50_32x4d", record_resnet, {3, 4, 6, 3}, true, 32, 4},
      {"resnext101_32x8d", record_resnet, {3, 4, 23, 3}, true, 32, 8},
      {"resnext101_64x4d", record_resnet, {3, 4, 23, 3}, true, 64, 4},
      {"wide_resnet50_2", record_resnet, {3, 4, 6, 3}, true, 1, 128},
      {"wide_resnet101_2", record_resnet, {3, 4, 23, 3}, true, 1, 128},
      {"mobilenet_v2", record_mobilenet_v2, {}, false, 1, 64},
  };
  return all;
}

const Architecture* find_architecture(std::string_view name) {
  const auto all = architectures();
  const auto found = std::find_if(all.begin(), all.end(), [&](const Architecture& a) { return a.name == name; });
  return found == all.end() ? nullptr : &*found;
}

std::string differences(const Architecture& architecture, const StateDict& weights) {
  ir::Graph graph;
  ModuleRecorder layers(graph, weights);
  // Any image that survives five halvings will do: no parameter depends on its size.
  ir::Value* image = graph.add_input("image", {DType::f32, {1, 3, 64, 64}, {}});
  architecture.record(layers, architecture, image);
  return layers.differences();
}

}  // namespace wherry::import
