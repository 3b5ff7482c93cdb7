// Built-in architectures with random weights: the same each time, and signals of ordinary size at every depth.

#include <gmock/gmock.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "wherry/error.h"
#include "wherry/model.h"

namespace wherry {
namespace {

using testing::HasSubstr;

/// Noise in [-2, 2), much the same on average as a normalised picture.
Tensor noise(Dims sizes) {
  Tensor tensor = Tensor::empty(DType::f32, std::move(sizes));
  std::uint32_t state = 1;
  for (float& value : tensor.mutable_values<float>()) {
    state = state * 1664525 + 1013904223;
    value = static_cast<float>(state >> 8) * 0x1p-22f - 2;
  }
  return tensor;
}

std::vector<float> logits(const Model& model, const Tensor& image) {
  const Tensor output = model.run(std::array{image})[0];
  return {output.values<float>().begin(), output.values<float>().end()};
}

std::vector<std::string> affordable() {
#if defined(WHERRY_SANITIZER)
  return {"resnet18", "mobilenet_v3_small", "squeezenet1_1", "shufflenet_v2_x0_5", "mnasnet0_5"};
#else
  std::vector<std::string> names = Model::architectures();
  // Hundreds of megabytes each, and nothing that vgg11 does not have.
  std::erase_if(names, [](const std::string& name) { return name.starts_with("vgg1") && name != "vgg11"; });
  return names;
#endif
}

class RandomModel : public testing::TestWithParam<std::string> {};

TEST_P(RandomModel, NeitherExplodesNorVanishes) {
  const std::vector<float> values = logits(Model::random(GetParam()), noise({1, 3, 128, 128}));
  ASSERT_EQ(values.size(), 1000U);
  double sum = 0, squares = 0;
  for (const float value : values) {
    ASSERT_TRUE(std::isfinite(value));
    sum += value;
    squares += double{value} * value;
  }
  const double deviation = std::sqrt(squares / 1000 - sum * sum / 1e6);
  std::cout << GetParam() << ": standard deviation of the logits " << deviation << "\n";
  EXPECT_GT(deviation, 0.02);
  EXPECT_LT(deviation, 50);
}

INSTANTIATE_TEST_SUITE_P(Architectures, RandomModel, testing::ValuesIn(affordable()),
                         [](const auto& parameter) { return parameter.param; });

TEST(RandomModels, AreTheSameForTheSameSeed) {
  const Tensor image = noise({1, 3, 64, 64});
  const std::vector<float> once = logits(Model::random("squeezenet1_1"), image);
  EXPECT_EQ(logits(Model::random("squeezenet1_1"), image), once);
  EXPECT_NE(logits(Model::random("squeezenet1_1", {}, 7), image), once);
}

TEST(RandomModels, DescribeThemselves) {
  const ModelInfo info = Model::random("mnasnet0_5").describe();
  EXPECT_EQ(info.format, "random weights (mnasnet0_5)");
  EXPECT_EQ(info.parameter_count, 2218512);
}

TEST(RandomModels, HaveNamesThatAreKnown) {
  EXPECT_THAT(Model::architectures(), testing::Contains("resnet50"));
  try {
    Model::random("resnet51");
    FAIL() << "nothing was thrown";
  } catch (const InvalidInput& error) {
    EXPECT_THAT(error.what(), HasSubstr("no architecture 'resnet51' is built in; known are resnet18"));
  }
}

}  // namespace
}  // namespace wherry
