// Kinds by hand; measuring by what must hold of any machine.

#include "bench/profile.h"

#include <gmock/gmock.h>

#include "bench/inputs.h"

namespace wherry::bench {
namespace {

StepInfo step(std::string op, std::string shape, std::int64_t flops, std::int64_t weight_bytes,
              std::int64_t input_bytes = 0) {
  StepInfo info;
  info.input_bytes = input_bytes;
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
                   step("matmul", "a", 4'000'000, 3'000'000, 2'000'000), step("relu", "a", 10, 0)};
  profile.steps[4].kernel = "other";
  profile.step_ms = {3, 1.5, 0.5, 2.5, 1};
  EXPECT_DOUBLE_EQ(profile.steps_ms(), 8.5);
  const std::vector<StepKind> kinds = profile.kinds();
  ASSERT_EQ(kinds.size(), 4U);
  EXPECT_EQ(kinds[0].step.op, "matmul");
  EXPECT_EQ(kinds[0].count, 2U);
  EXPECT_DOUBLE_EQ(kinds[0].ms, 4);
  EXPECT_DOUBLE_EQ(kinds[0].gflops_per_second(), 2);  // 8 million in 4 ms
  EXPECT_DOUBLE_EQ(kinds[0].gb_per_second(), 2);      // 6 MB of weights and 2 of inputs in 4 ms
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
  EXPECT_EQ(profile.kinds()[0].gb_per_second(), 0);
}

Span run(std::int64_t begin, std::int64_t end) { return {.kind = Span::Kind::run, .begin_ns = begin, .end_ns = end}; }
Span on(int thread, int step, std::int64_t begin, std::int64_t end, int slice = -1) {
  return {Span::Kind::step, step, thread, slice, begin, end};
}

TEST(Profile, AStepLastsUntilTheCallingThreadBeginsTheNext) {
  const std::vector<Span> spans = {run(0, 10'000'000), on(0, 0, 1'000'000, 2'000'000), on(0, 1, 4'000'000, 5'000'000),
                                   on(0, 2, 6'000'000, 9'000'000), on(1, 0, 1'000'000, 3'900'000)};
  EXPECT_THAT(step_ms(spans, 3), testing::Pointwise(testing::DoubleEq(), {3.0, 2.0, 4.0}));
}

TEST(Profile, OfSlicesTheThreadsShareTheTime) {
  const std::vector<Span> spans = {run(0, 10'000'000), on(0, 0, 0, 1'000'000, 0), on(0, 1, 2'000'000, 5'000'000, 0),
                                   on(1, 0, 0, 3'000'000, 1), on(1, 1, 3'000'000, 4'000'000, 1)};
  EXPECT_THAT(step_ms(spans, 2), testing::Pointwise(testing::DoubleEq(), {2.5, 2.0}));
}

TEST(Profile, TimesEveryStepOfThePlan) {
  for (const int threads : {1, 2}) {
    const auto log = std::make_shared<SpanLog>();
    Options options;
    options.threads = threads;
    options.sink = log;
    const Model model = Model::load(WHERRY_SOURCE_DIR "/tests/engine/data/small_cnn.pt", options);
    const std::vector<Tensor> inputs = random_inputs({{"image", DType::f32, Dims{2, 3, 40, 40}}});
    std::vector<Tick> ticks;
    const Profile found = profile(model, inputs, {.warm_ups = 4, .iterations = 2, .extent = {7, 0}}, log.get(),
                                  [&](const Tick& tick) { ticks.push_back(tick); });
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
    EXPECT_GT(found.profiled_ms, 0);
    EXPECT_GT(found.steps_of_wall, 0);
    EXPECT_LE(found.steps_of_wall, 1);
    EXPECT_LT(found.steps_ms(), 1e3 * ticks.back().seconds);
    ASSERT_EQ(found.iterations.size(), 2U);
    std::vector<std::string> phases;
    for (const Phase& phase : found.phases) {
      EXPECT_LE(phase.begin_ns, phase.end_ns);
      if (phases.empty() || phases.back() != phase.name) phases.push_back(phase.name);
    }
    // A span is told when it ends, so packing comes before the plan that it is part of.
    EXPECT_THAT(phases, testing::ElementsAre("load", "import", "passes", "pack", "plan", "warm-up"));
  }
}

}  // namespace
}  // namespace wherry::bench
