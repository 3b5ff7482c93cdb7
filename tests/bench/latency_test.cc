// Percentiles by hand; measuring by what must hold of any machine.

#include "bench/latency.h"

#include <gmock/gmock.h>

#include <thread>

#include "bench/inputs.h"

namespace wherry::bench {
namespace {

Model load(const Options& options) { return Model::load(WHERRY_SOURCE_DIR "/tests/engine/data/small_cnn.pt", options); }

std::vector<Tensor> image(const Model&) { return random_inputs({{"image", DType::f32, Dims{1, 3, 12, 12}}}); }

TEST(Latency, PercentilesAreNumPys) {
  const Latency latency{{4, 1, 3, 2}, {}};
  EXPECT_DOUBLE_EQ(latency.percentile(50), 2.5);
  EXPECT_DOUBLE_EQ(latency.percentile(90), 3.7);
  EXPECT_DOUBLE_EQ(latency.percentile(0), 1);
  EXPECT_DOUBLE_EQ(latency.percentile(100), 4);
  EXPECT_DOUBLE_EQ(latency.least(), 1);
  EXPECT_DOUBLE_EQ(latency.total_seconds(), 0.010);
  EXPECT_DOUBLE_EQ((Latency{{7}, {}}.percentile(99)), 7);
}

TEST(Latency, ColdStartCountsLoadingButNotTheChoiceOfInputs) {
  using namespace std::chrono_literals;
  const auto slowly = [](const Options& options) {
    std::this_thread::sleep_for(50ms);
    return load(options);
  };
  const auto choosy = [](const Model& model) {
    std::this_thread::sleep_for(2s);
    return image(model);
  };
  const Started started = start(slowly, {}, choosy);
  EXPECT_GE(started.cold_start_ms, 50);
  EXPECT_LT(started.cold_start_ms, 2000);
  ASSERT_EQ(started.outputs.size(), 1U);
  EXPECT_EQ(started.outputs[0].sizes(), (Dims{1, 5}));
}

TEST(Latency, GoesOnUntilBothAreReached) {
  const Started started = start(load, {}, image);
  std::vector<Tick> ticks;
  const auto listen = [&](const Tick& tick) { ticks.push_back(tick); };
  const Latency many = measure(started.model, started.inputs, {25, 0}, listen);
  EXPECT_EQ(many.samples_ms.size(), 25U);
  ASSERT_EQ(ticks.size(), 25U);
  EXPECT_EQ(ticks[6].iterations, 7U);
  EXPECT_GT(many.least(), 0);
  EXPECT_LE(many.total_seconds(), ticks.back().seconds);
  EXPECT_EQ(many.outputs[0].sizes(), (Dims{1, 5}));

  ticks.clear();
  const Latency longer = measure(started.model, started.inputs, {1, 0.05}, listen);
  EXPECT_GE(ticks.back().seconds, 0.05);
  EXPECT_LT(ticks[ticks.size() - 2].seconds, 0.05);
  EXPECT_EQ(longer.samples_ms.size(), ticks.size());
}

TEST(Latency, TellsHowMuchIsDone) {
  EXPECT_DOUBLE_EQ(done({5, 9}, {10, 1}), 0.5);
  EXPECT_DOUBLE_EQ(done({50, 0.25}, {10, 1}), 0.25);
  EXPECT_DOUBLE_EQ(done({50, 2}, {10, 1}), 1);
  EXPECT_DOUBLE_EQ(done({1, 0.1}, {1, 0}), 1);
}

}  // namespace
}  // namespace wherry::bench
