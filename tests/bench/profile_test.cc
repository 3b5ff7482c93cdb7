// Kinds by hand; measuring by what must hold of any machine.

#include "bench/profile.h"

#include <gmock/gmock.h>

#include "bench/inputs.h"

namespace wherry::bench {
namespace {

StepInfo step(std::string op, std::string shape, std::int64_t flops, std::int64_t weight_bytes) {
  StepInfo info;
  info.op = std::move(op);
  info.kernel = "kernel";
  info.shape = std::move(shape);
  info.flops = flops;
  info.weight_bytes = weight_bytes;
  return info;
}

TEST(Profile, KindsAreOfOneOpKernelAndShapeSlowestFirst) {
  Profile profile;
  profile.steps = {step("relu", "a", 10, 0), step("matmul", "a", 4'000'000, 3'000'000), step("relu", "b", 0, 0),
                   step("matmul", "a", 4'000'000, 3'000'000), step("relu", "a", 10, 0)};
  profile.steps[4].kernel = "other";
  profile.step_ms = {3, 1.5, 0.5, 2.5, 1};
  EXPECT_DOUBLE_EQ(profile.steps_ms(), 8.5);
  const std::vector<StepKind> kinds = profile.kinds();
  ASSERT_EQ(kinds.size(), 4U);
  EXPECT_EQ(kinds[0].step.op, "matmul");
  EXPECT_EQ(kinds[0].count, 2U);
  EXPECT_DOUBLE_EQ(kinds[0].ms, 4);
  EXPECT_DOUBLE_EQ(kinds[0].gflops_per_second(), 2);       // 8 million in 4 ms
  EXPECT_DOUBLE_EQ(kinds[0].weight_gb_per_second(), 1.5);  // 6 MB in 4 ms
  EXPECT_EQ(kinds[1].step.shape, "a");
  EXPECT_DOUBLE_EQ(kinds[1].ms, 3);
  EXPECT_EQ(kinds[2].step.kernel, "other");
  EXPECT_EQ(kinds[3].step.shape, "b");
  EXPECT_EQ(kinds[3].gflops_per_second(), 0);
}

TEST(Profile, AStepThatTookNoTimeHasNoRate) {
  Profile profile;
  profile.steps = {step("relu", "a", 10, 10)};
  profile.step_ms = {0};
  EXPECT_EQ(profile.kinds()[0].gflops_per_second(), 0);
  EXPECT_EQ(profile.kinds()[0].weight_gb_per_second(), 0);
}

TEST(Profile, TimesEveryStepOfThePlan) {
  const Model model = Model::load(WHERRY_SOURCE_DIR "/tests/engine/data/small_cnn.pt", {});
  const std::vector<Tensor> inputs = random_inputs({{"image", DType::f32, Dims{2, 3, 40, 40}}});
  std::vector<Tick> ticks;
  const Profile found = profile(model, inputs, {7, 0}, [&](const Tick& tick) { ticks.push_back(tick); });
  EXPECT_EQ(found.rounds, 7U);
  ASSERT_EQ(ticks.size(), 7U);
  EXPECT_EQ(ticks[2].iterations, 3U);
  const std::vector<StepInfo> steps = model.inspect(inputs).steps;
  ASSERT_EQ(found.steps.size(), steps.size());
  ASSERT_EQ(found.step_ms.size(), steps.size());
  for (std::size_t i = 0; i < steps.size(); ++i) {
    EXPECT_EQ(found.steps[i].kernel, steps[i].kernel);
    EXPECT_GT(found.step_ms[i], 0) << steps[i].op;
  }
  EXPECT_GT(found.inference_ms, 0);
  EXPECT_LT(found.inference_ms, 1e3 * ticks.back().seconds);
  EXPECT_LT(found.steps_ms(), 1e3 * ticks.back().seconds);
}

}  // namespace
}  // namespace wherry::bench
