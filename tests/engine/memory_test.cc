// A server's life: hundreds of input shapes through one model, then nothing to do. Memory stays bounded, and an idle
// model burns no time.

#include <gtest/gtest.h>
#include <time.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "engine/plan_cache.h"
#include "import/model_source.h"
#include "passes/pipeline.h"
#include "wherry/engine.h"

namespace wherry {
namespace {

const std::string kSmallCnn = WHERRY_SOURCE_DIR "/tests/engine/data/small_cnn.pt";

/// Of [N, 3, H, W], all different for i < 6000.
Dims shape(std::int64_t i) { return {1 + i % 3, 3, 5 + i / 3 % 40, 6 + i / 120}; }

std::int64_t resident_bytes() {
  std::ifstream status("/proc/self/status");
  std::string word;
  std::int64_t kilobytes = 0;
  while (status >> word) {
    if (word == "VmRSS:") status >> kilobytes;
  }
  return kilobytes * 1024;
}

constexpr int kShapes = 500;
constexpr int kWarmUp = 100;
#if defined(WHERRY_SANITIZER)
constexpr std::int64_t kMaxGrowth = std::int64_t{1} << 40;  // their own memory grows
#else
constexpr std::int64_t kMaxGrowth = std::int64_t{8} << 20;
#endif

TEST(Memory, FiveHundredShapesStayWithinBounds) {
  const auto source = import::open_model(kSmallCnn, "");
  runtime::PackedWeights weights;
  runtime::PrimitiveCache primitives({.entries = 128, .bytes = 256 << 10});
  runtime::ArenaPool arenas;
  runtime::ThreadTeam team(2);
  engine::PlanCache plans({.entries = 32, .bytes = 8 << 20});
  std::size_t largest_arena = 0;
  std::int64_t packings = 0, packed_bytes = 0, entries = 0, resident = 0;
  for (std::int64_t i = 0; i < kShapes; ++i) {
    const auto plan = plans.get(to_string(shape(i)), [&] {
      ir::Graph graph = source->graph(std::vector<ir::TensorType>{{DType::f32, shape(i), {}}});
      passes::optimize(graph);
      return std::make_shared<const runtime::BatchPlan>(
          std::make_unique<const runtime::Plan>(graph, weights, primitives, team, base::selected_isa()));
    });
    plan->run(std::array{Tensor::zeros(DType::f32, shape(i))}, team, arenas);
    largest_arena = std::max(largest_arena, static_cast<std::size_t>(plan->arena_bytes()));
    ASSERT_LE(arenas.idle_bytes(), largest_arena);
    ASSERT_LE(plans.counts().entries, 32);
    ASSERT_LE(plans.counts().bytes, 8 << 20);
    ASSERT_LE(primitives.info().entries, 128);
    ASSERT_LE(primitives.info().bytes, 256 << 10);
    if (i == 0) {
      packings = weights.totals().packings;
      packed_bytes = weights.totals().bytes;
      entries = weights.totals().entries;
    }
    ASSERT_EQ(weights.totals().packings, packings) << "shape " << i << " packed weights anew";
    ASSERT_EQ(weights.totals().bytes, packed_bytes);
    ASSERT_EQ(weights.totals().entries, entries) << "shape " << i << " made constants of its own";
    if (i == kWarmUp) resident = resident_bytes();
  }
  EXPECT_EQ(plans.counts().misses, kShapes);
  EXPECT_EQ(plans.counts().evictions, kShapes - 32);
  EXPECT_GT(primitives.info().evictions, 0);
  EXPECT_LT(resident_bytes() - resident, kMaxGrowth);
}

TEST(Memory, OfAModelDoesNotGrowWithItsShapes) {
  Options options;
  options.threads = 2;
  options.engine = std::make_shared<Engine>(CacheLimits{.entries = 200});
  const Model model = Model::load(kSmallCnn, options);
  std::int64_t resident = 0;
  for (std::int64_t i = 0; i < kShapes; ++i) {
    model.run(std::array{Tensor::zeros(DType::f32, shape(i))});
    if (i == kWarmUp) resident = resident_bytes();
  }
  EXPECT_LE(model.cache_info().entries, 200);
  EXPECT_GT(model.cache_info().evictions, 0);
  EXPECT_LT(resident_bytes() - resident, kMaxGrowth);
}

TEST(Memory, ConstantsThatNoPlanHoldsAreForgotten) {
  runtime::PackedWeights weights;
  for (int i = 0; i < 5000; ++i) {
    const std::vector<float> contents(16, static_cast<float>(i));
    const auto constant = tensor::LazyTensor::of(Tensor::of<float>({16}, contents));
    EXPECT_EQ(weights.plain(*constant)->values<float>()[3], static_cast<float>(i));
    ASSERT_LE(weights.totals().entries, 1024);
  }
}

double process_seconds() {
  timespec time{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

TEST(Idle, ModelsBurnNoTime) {
  Options options;
  options.threads = 4;
  const Model model = Model::load(kSmallCnn, options);
  for (int i = 0; i < 5; ++i) model.run(std::array{Tensor::zeros(DType::f32, {4, 3, 64, 64})});
  std::this_thread::sleep_for(std::chrono::milliseconds(5));
  const double before = process_seconds();
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  EXPECT_LT(process_seconds() - before, 0.002) << "threads spin between requests";
}

}  // namespace
}  // namespace wherry
