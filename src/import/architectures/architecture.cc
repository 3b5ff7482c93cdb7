#include "import/architectures/architecture.h"

#include <algorithm>

namespace wherry::import {
namespace {

Architecture resnet(std::string name, const ResNetShape& shape) {
  return {std::move(name),
          [shape](ModuleRecorder& layers, ir::Value* image) { return record_resnet(layers, image, shape); }};
}

Architecture mobilenet_v3(std::string name, MobileNetV3Size size) {
  return {std::move(name),
          [size](ModuleRecorder& layers, ir::Value* image) { return record_mobilenet_v3(layers, image, size); }};
}

Architecture vgg(std::string name, const VggShape& shape) {
  return {std::move(name),
          [shape](ModuleRecorder& layers, ir::Value* image) { return record_vgg(layers, image, shape); }};
}

Architecture squeezenet(std::string name, SqueezeNetVersion version) {
  return {std::move(name),
          [version](ModuleRecorder& layers, ir::Value* image) { return record_squeezenet(layers, image, version); }};
}

Architecture densenet(std::string name, const DenseNetShape& shape) {
  return {std::move(name),
          [shape](ModuleRecorder& layers, ir::Value* image) { return record_densenet(layers, image, shape); }};
}

Architecture mnasnet(std::string name, double width) {
  return {std::move(name),
          [width](ModuleRecorder& layers, ir::Value* image) { return record_mnasnet(layers, image, width); }};
}

Architecture shufflenet_v2(std::string name, const std::array<std::int64_t, 4>& channels) {
  return {std::move(name), [channels](ModuleRecorder& layers, ir::Value* image) {
            return record_shufflenet_v2(layers, image, channels);
          }};
}

}  // namespace

std::span<const Architecture> architectures() {
  static const std::vector<Architecture> all = {
      resnet("resnet18", {{2, 2, 2, 2}}),
      resnet("resnet34", {{3, 4, 6, 3}}),
      resnet("resnet50", {{3, 4, 6, 3}, true}),
      resnet("resnet101", {{3, 4, 23, 3}, true}),
      resnet("resnet152", {{3, 8, 36, 3}, true}),
      resnet("resnext50_32x4d", {{3, 4, 6, 3}, true, 32, 4}),
      resnet("resnext101_32x8d", {{3, 4, 23, 3}, true, 32, 8}),
      resnet("resnext101_64x4d", {{3, 4, 23, 3}, true, 64, 4}),
      resnet("wide_resnet50_2", {{3, 4, 6, 3}, true, 1, 128}),
      resnet("wide_resnet101_2", {{3, 4, 23, 3}, true, 1, 128}),
      {"mobilenet_v2", record_mobilenet_v2},
      mobilenet_v3("mobilenet_v3_small", MobileNetV3Size::small),
      mobilenet_v3("mobilenet_v3_large", MobileNetV3Size::large),
      {"alexnet", record_alexnet},
      vgg("vgg11", {{1, 1, 2, 2, 2}}),
      vgg("vgg11_bn", {{1, 1, 2, 2, 2}, true}),
      vgg("vgg16", {{2, 2, 3, 3, 3}}),
      vgg("vgg16_bn", {{2, 2, 3, 3, 3}, true}),
      vgg("vgg19", {{2, 2, 4, 4, 4}}),
      squeezenet("squeezenet1_0", SqueezeNetVersion::v1_0),
      squeezenet("squeezenet1_1", SqueezeNetVersion::v1_1),
      densenet("densenet121", {{6, 12, 24, 16}}),
      densenet("densenet161", {{6, 12, 36, 24}, 48, 96}),
      densenet("densenet169", {{6, 12, 32, 32}}),
      densenet("densenet201", {{6, 12, 48, 32}}),
      mnasnet("mnasnet0_5", 0.5),
      mnasnet("mnasnet1_0", 1.0),
      shufflenet_v2("shufflenet_v2_x0_5", {48, 96, 192, 1024}),
      shufflenet_v2("shufflenet_v2_x1_0", {116, 232, 464, 1024}),
      shufflenet_v2("shufflenet_v2_x2_0", {244, 488, 976, 2048}),
  };
  return all;
}

const Architecture* find_architecture(std::string_view name) {
  const auto all = architectures();
  const auto found = std::find_if(all.begin(), all.end(), [&](const Architecture& a) { return a.name == name; });
  return found == all.end() ? nullptr : &*found;
}

std::string architecture_names() {
  std::string names;
  for (const Architecture& known : architectures()) names += (names.empty() ? "" : ", ") + known.name;
  return names;
}

std::string differences(const Architecture& architecture, const StateDict& weights) {
  ir::Graph graph;
  ModuleRecorder layers(graph, weights);
  // Any image that survives five halvings will do: no parameter depends on its size.
  ir::Value* image = graph.add_input("image", {DType::f32, {1, 3, 64, 64}, {}});
  architecture.record(layers, image);
  return layers.differences();
}

}  // namespace wherry::import
