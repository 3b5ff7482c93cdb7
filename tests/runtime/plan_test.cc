// What plans promise beyond arithmetic: weights packed once for all shapes, runs at the same time, one refusal naming
// everything, little memory.

#include "runtime/plan.h"

#include <gmock/gmock.h>

#include <array>
#include <atomic>
#include <thread>

#include "interpreter.h"
#include "kernels/matmul/matmul.h"
#include "net.h"
#include "wherry/error.h"

namespace wherry::runtime {
namespace {

using testing::HasSubstr;

TEST(Plan, ShapesShareTheirPackedWeights) {
  PackedWeights weights;
  PrimitiveCache primitives({.entries = 64, .bytes = 1 << 20});
  ThreadTeam team(2);
  ArenaPool arenas;
  std::vector<std::unique_ptr<Plan>> plans;
  std::int64_t bytes = 0;
  for (int i = 0; i < 6; ++i) {
    Net net(3);
    build_small_resnet(net, 1 + i % 3, 6 + i);
    plans.push_back(std::make_unique<Plan>(net.graph(), weights, primitives, team, base::selected_isa()));
    const std::vector<Tensor> found = plans.back()->run(net.inputs(), team, arenas);
    expect_close(found[0], interpret(net.graph(), net.inputs())[0], 1e-5, "shape " + std::to_string(i));
    EXPECT_EQ(weights.totals().packings, 4) << "three convolutions and a linear layer";
    EXPECT_EQ(weights.totals().reuses, 4 * i);
    if (i == 0) bytes = weights.totals().bytes;
    EXPECT_EQ(weights.totals().bytes, bytes);
  }
  plans.clear();
  EXPECT_EQ(weights.totals().bytes, 0) << "weights live as long as the plans that use them";
}

TEST(Plan, RunsOnSeveralThreadsAtOnce) {
  for (const int threads : {1, 2}) {
    SCOPED_TRACE(threads);
    Net net(5);
    build_small_resnet(net, 2, 12);
    const Tensor expected = interpret(net.graph(), net.inputs())[0];
    PackedWeights weights;
    PrimitiveCache primitives({.entries = 64, .bytes = 1 << 20});
    ThreadTeam team(threads);
    ArenaPool arenas;
    const Plan plan(net.graph(), weights, primitives, team, base::selected_isa());
    std::array<std::vector<Tensor>, 4> results;
    std::vector<std::thread> callers;
    for (std::vector<Tensor>& result : results) {
      callers.emplace_back([&] {
        for (int i = 0; i < 20; ++i) result = plan.run(net.inputs(), team, arenas);
      });
    }
    for (std::thread& caller : callers) caller.join();
    for (const std::vector<Tensor>& result : results) expect_close(result[0], expected, 1e-5, "a caller's result");
  }
}

TEST(Plan, KeepsOneArenaForAllShapes) {
  PackedWeights weights;
  PrimitiveCache primitives({.entries = 64, .bytes = 1 << 20});
  ThreadTeam team(1);
  ArenaPool arenas;
  std::size_t largest = 0;
  for (int i = 0; i < 100; ++i) {
    Net net(3);
    build_small_resnet(net, 1 + i % 5, 4 + i % 20);
    const Plan plan(net.graph(), weights, primitives, team, base::selected_isa());
    plan.run(net.inputs(), team, arenas);
    largest = std::max(largest, static_cast<std::size_t>(plan.arena_bytes()));
    EXPECT_LE(arenas.idle_bytes(), largest);
  }
}

TEST(Plan, ResidualTakesOverItsOperand) {
  // y lives until the last convolution, which writes its sum over it: input copy, y and z are all that is ever alive.
  Net net(3);
  build_small_resnet(net, 1, 32);
  PackedWeights weights;
  PrimitiveCache primitives({.entries = 64, .bytes = 1 << 20});
  ThreadTeam team(1);
  const Plan plan(net.graph(), weights, primitives, team, base::selected_isa());
  const std::int64_t activation = 16 * 32 * 32 * 4;
  std::int64_t scratch = 0;
  for (const StepInfo& step : plan.steps()) scratch = std::max(scratch, step.workspace_bytes);
  EXPECT_LE(plan.arena_bytes(), 2 * activation + scratch + 4096);
}

TEST(Plan, RefusesAllItCannotRunAtOnce) {
  Net net;
  ir::Value* x = net.input({4, 8}, DType::f64);
  ir::Value* w = net.constant({8, 4}, DType::f64);
  ir::Value* y = net.node("matmul", {x, w}, {}, {4, 4}, {}, DType::f64);
  ir::Source& source = y->producer()->source();
  source.module = "head";
  source.file = "model.py";
  source.line = 12;
  net.output(net.node("softmax", {y}, {{"dim", std::int64_t{1}}, {"log", false}}, {4, 4}, {}, DType::f64));
  PackedWeights weights;
  PrimitiveCache primitives({.entries = 64, .bytes = 1 << 20});
  ThreadTeam team(1);
  try {
    const Plan plan(net.graph(), weights, primitives, team, base::selected_isa());
    FAIL() << "planned";
  } catch (const Unsupported& error) {
    ASSERT_EQ(error.items().size(), 2u);
    EXPECT_THAT(error.items()[0].op, HasSubstr("matmul(float64[4, 8]"));
    EXPECT_THAT(error.items()[0].where, HasSubstr("model.py:12"));
    EXPECT_THAT(error.items()[1].op, HasSubstr("softmax"));
    EXPECT_THAT(error.what(), HasSubstr("2 operations"));
    EXPECT_THAT(error.what(), HasSubstr("float32"));
  }
}

TEST(Plan, RefusesIndicesOutsideOfTheTable) {
  Net net;
  net.output(net.node("gather", {net.constant({5, 8}), net.input({300}, DType::i64, 0, 4)}, {{"dim", std::int64_t{0}}},
                      {300, 8}));
  PackedWeights weights;
  PrimitiveCache primitives({.entries = 64, .bytes = 1 << 20});
  ThreadTeam team(2);
  ArenaPool arenas;
  const Plan plan(net.graph(), weights, primitives, team, base::selected_isa());
  plan.run(net.inputs(), team, arenas);
  for (const std::int64_t bad : {std::int64_t{5}, std::int64_t{-6}, INT64_MIN}) {
    Tensor indices = net.inputs()[0];
    static_cast<std::int64_t*>(indices.mutable_data())[123] = bad;
    EXPECT_THROW(plan.run(std::vector<Tensor>{indices}, team, arenas), InvalidInput);
  }
}

TEST(Plan, StepsSayWhatTheyAre) {
  Net net(3);
  build_small_resnet(net, 1, 8);
  PackedWeights weights;
  PrimitiveCache primitives({.entries = 64, .bytes = 1 << 20});
  ThreadTeam team(1);
  const Plan plan(net.graph(), weights, primitives, team, base::Isa::scalar);
  const std::vector<StepInfo> steps = plan.steps();
  ASSERT_EQ(steps.size(), 6u);  // copy, three convolutions, pool, matmul
  EXPECT_EQ(steps[1].op, "convolution");
  EXPECT_EQ(steps[1].precision, "fp32");
  EXPECT_EQ(steps[1].shape, "[1, 8, 8, 8] x [16, 8, 3, 3] -> [1, 16, 8, 8]");
  EXPECT_EQ(steps[1].flops, 2 * 64 * 16 * 8 * 9);
  EXPECT_EQ(steps[1].output_bytes, 4 * 64 * 16);
  EXPECT_GE(steps[1].weight_bytes, 4 * 16 * 8 * 9);
  EXPECT_THAT(steps[1].kernel, HasSubstr("relu"));
  EXPECT_THAT(steps[3].kernel, HasSubstr("residual"));
}

TEST(Plan, IndependentStepsShareABarrier) {
  Net net;
  ir::Value* x = net.input({64, 64, 16});
  for (int i = 0; i < 4; ++i) net.output(net.elementwise("f32 (x0) { x1 = exp x0 }", {x}, {64, 64, 16}));
  PackedWeights weights;
  PrimitiveCache primitives({.entries = 64, .bytes = 1 << 20});
  ThreadTeam team(2);
  const Plan plan(net.graph(), weights, primitives, team, base::selected_isa());
  EXPECT_EQ(plan.steps().size(), 4u);
  EXPECT_EQ(plan.barriers(), 0);
}

PackedWeights::Packing packing(const char* name, std::function<void(std::byte*)> pack) {
  return {name, 64, 1,
          [pack = std::move(pack)](const Tensor&, std::byte* packed, std::int64_t, std::int64_t) { pack(packed); }};
}

TEST(PackedWeights, AFailedPackingIsTriedAgain) {
  PackedWeights weights;
  const auto constant = tensor::LazyTensor::of(Tensor::zeros(DType::f32, {4}));
  EXPECT_THROW(weights.get(*constant, packing("p", [](std::byte*) { throw std::bad_alloc(); })), std::bad_alloc);
  int packed = 0;
  const auto count = [&](std::byte*) { ++packed; };
  const PackedWeight first = weights.get(*constant, packing("p", count));
  const PackedWeight second = weights.get(*constant, packing("p", count));
  EXPECT_EQ(packed, 1);
  EXPECT_EQ(first, second);
  EXPECT_NE(weights.get(*constant, packing("q", count)), first);
  EXPECT_EQ(packed, 2);
}

TEST(PackedWeights, ManyThreadsPackOnce) {
  PackedWeights weights;
  const auto constant = tensor::LazyTensor::of(Tensor::zeros(DType::f32, {4}));
  std::atomic<int> packed{0};
  std::array<PackedWeight, 4> results;
  std::vector<std::thread> threads;
  for (PackedWeight& result : results) {
    threads.emplace_back([&] {
      result = weights.get(*constant, packing("p", [&](std::byte* bytes) {
        ++packed;
        std::fill_n(bytes, 64, std::byte{7});
      }));
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(packed.load(), 1);
  for (const PackedWeight& result : results) EXPECT_EQ(result->data()[63], std::byte{7});
}

TEST(PackedWeights, LargeOnesGoInPartsAndLetGoOfTheirOrigin) {
  // A weight that knows how much of it was read since it was last let go.
  std::int64_t held = 0;
  std::int64_t most = 0;
  const tensor::LazyTensor weight(
      "w", DType::f32, {4}, [] { return Tensor::zeros(DType::f32, {4}); }, [&] { held = 0; });
  PackedWeights weights;
  constexpr std::size_t kBytes = std::size_t{64} << 20;
  constexpr std::int64_t kItems = 1000;
  std::vector<int> packed(kItems, 0);
  weights.get(weight, {"p", kBytes, kItems, [&](const Tensor&, std::byte*, std::int64_t begin, std::int64_t end) {
                         for (std::int64_t i = begin; i < end; ++i) ++packed[static_cast<std::size_t>(i)];
                         held += (end - begin) * static_cast<std::int64_t>(kBytes) / kItems;
                         most = std::max(most, held);
                       }});
  for (const int count : packed) EXPECT_EQ(count, 1);
  EXPECT_LE(most, std::int64_t{9} << 20);
  EXPECT_EQ(held, 0);
}

TEST(PlanTest, WinogradRunsWhereItIsAllowed) {
  Net net(5);
  ir::Value* x = net.channels_last(net.input({1, 64, 30, 30}));
  const Dims sizes{1, 64, 30, 30};
  net.output(net.node("convolution", {x, net.constant({64, 64, 3, 3})}, padded_convolution("f32 (x0) { x1 = relu x0 }"),
                      sizes, image_strides(sizes)));
  std::vector<Tensor> outputs[2];
  for (const bool winograd : {false, true}) {
    PackedWeights weights;
    PrimitiveCache primitives({.entries = 100, .bytes = 1 << 20});
    ThreadTeam team(2);
    ArenaPool arenas;
    const Plan plan(net.graph(), weights, primitives, team, base::runnable_fp32_isas().back(), {},
                    {.winograd = winograd});
    EXPECT_EQ(plan.steps()[1].kernel.find("winograd") != std::string::npos, winograd) << plan.steps()[1].kernel;
    outputs[winograd] = plan.run(net.inputs(), team, arenas);
  }
  expect_close(outputs[1][0], outputs[0][0], 1e-5, "with Winograd's algorithm");
}

TEST(PlanTest, StrassenRunsWhereItIsAllowed) {
  Net net(7);
  const Dims image{1, 256, 12, 12}, rows{2, 95, 256}, few{3, 256};
  ir::Attributes pointwise = padded_convolution("f32 (x0) { x1 = relu x0 }");
  pointwise["padding"] = Dims{0, 0, 0, 0};
  net.output(net.node("convolution", {net.channels_last(net.input({1, 256, 12, 12})), net.constant({256, 256, 1, 1})},
                      pointwise, image, image_strides(image)));
  net.output(net.node("matmul", {net.input({2, 95, 260}), net.constant({260, 256})}, {}, rows));
  net.output(net.node("matmul", {net.input({3, 260}), net.constant({260, 256})}, {}, few));       // too few rows
  net.output(net.node("matmul", {net.input({2, 95, 260}), net.input({2, 260, 256})}, {}, rows));  // no constant
  std::vector<Tensor> outputs[2];
  for (const bool strassen : {false, true}) {
    PackedWeights weights;
    PrimitiveCache primitives({.entries = 100, .bytes = 1 << 20});
    ThreadTeam team(2);
    ArenaPool arenas;
    const Plan plan(net.graph(), weights, primitives, team, base::runnable_fp32_isas().back(), {},
                    {.strassen = strassen});
    const auto steps = plan.steps();
    EXPECT_EQ(std::count_if(steps.begin(), steps.end(),
                            [](const StepInfo& step) { return step.kernel.starts_with("f32_strassen_"); }),
              strassen ? 2 : 0);
    outputs[strassen] = plan.run(net.inputs(), team, arenas);
  }
  for (std::size_t i = 0; i < outputs[0].size(); ++i)
    expect_close(outputs[1][i], outputs[0][i], 1e-5, "by Strassen's algorithm");
}

/// A product of so many rows and a convolution of side × side pixels, by the constants of `other` where there is one.
struct Products {
  Products(std::int64_t rows, std::int64_t side, const Products* other = nullptr) {
    const Dims image{1, 64, side, side};
    net.output(net.node("matmul", {net.input({rows, 260}), weight({260, 256}, other)}, {}, {rows, 256}));
    net.output(net.node("convolution", {net.channels_last(net.input(image)), weight({64, 64, 3, 3}, other)},
                        padded_convolution("f32 (x0) { x1 = relu x0 }"), image, image_strides(image)));
  }

  ir::Value* weight(const Dims& sizes, const Products* other) {
    ir::Value* value = nullptr;
    if (other == nullptr) {
      value = net.constant(sizes);
    } else {
      value = net.graph().add_constant(other->weights[weights.size()]);
      value->type().strides = contiguous_strides(sizes);
    }
    weights.push_back(value->constant());
    return value;
  }

  Net net{8};
  std::vector<tensor::LazyTensorPtr> weights;
};

TEST(PlanTest, WeightsHeldInOneFormAreReadInThatForm) {
  PrimitiveCache primitives({.entries = 100, .bytes = 1 << 20});
  ThreadTeam team(2);
  ArenaPool arenas;
  const auto plan_of = [&](Products& products, PackedWeights& weights, const Algorithms& algorithms = {}) {
    return Plan(products.net.graph(), weights, primitives, team, base::runnable_fp32_isas().back(), {}, algorithms);
  };
  const auto kernels_of = [](const Plan& plan) {
    std::vector<std::string> kernels;
    for (const StepInfo& step : plan.steps())
      if (step.op == "matmul" || step.op == "convolution")
        kernels.push_back(step.kernel.substr(0, step.kernel.find_first_of("0123456789", 3)));
    return kernels;
  };
  const std::vector<std::string> plain{"f32_", "f32_conv_"}, clever{"f32_strassen_", "f32_winograd"};
  Products large(190, 30), small(3, 2, &large);
  PackedWeights of_large, of_small;
  const Plan large_plan = plan_of(large, of_large), small_plan = plan_of(small, of_small);
  ASSERT_EQ(kernels_of(large_plan), clever);
  ASSERT_EQ(kernels_of(small_plan), plain);

  for (const bool held_large : {false, true}) {
    SCOPED_TRACE(testing::Message() << "held for large inputs: " << held_large);
    Products& products = held_large ? small : large;
    PackedWeights& holder = held_large ? of_large : of_small;
    const auto supply = [&](const std::string& name) {
      std::optional<PackedWeights::Held> found;
      for (PackedWeights::Held& each : holder.held())
        if (each.name == name) found = std::move(each);
      return found;
    };
    PackedWeights weights(supply, {}, PackedWeights::Unsupplied::absent), beside(supply);
    EXPECT_EQ(kernels_of(plan_of(products, beside)), held_large ? plain : clever) << "others can be packed";
    const Plan plan = plan_of(products, weights);
    EXPECT_EQ(kernels_of(plan), held_large ? clever : plain);
    EXPECT_EQ(weights.totals().packings, 0);
    const std::vector<Tensor> outputs = plan.run(products.net.inputs(), team, arenas);
    const std::vector<Tensor> expected =
        (held_large ? small_plan : large_plan).run(products.net.inputs(), team, arenas);
    for (std::size_t i = 0; i < outputs.size(); ++i) expect_close(outputs[i], expected[i], 1e-5, "held otherwise");
    // What is not allowed does not run, held or not.
    if (held_large) {
      EXPECT_EQ(kernels_of(plan_of(small, weights, {.winograd = false, .strassen = false})), plain);
    }
  }
}

TEST(PlanTest, Fp32IsTakenApartWhereThatIsAllowedAndCanBe) {
  Net net(6);
  const Dims image{1, 96, 12, 12}, rows{2, 95, 200}, few{3, 200};
  net.output(net.node("convolution", {net.channels_last(net.input({1, 64, 12, 12})), net.constant({96, 64, 3, 3})},
                      padded_convolution("f32 (x0) { x1 = relu x0 }"), image, image_strides(image)));
  net.output(net.node("matmul", {net.input({2, 95, 260}), net.constant({260, 200})}, {}, rows));
  net.output(net.node("matmul", {net.input({3, 260}), net.constant({260, 200})}, {}, few));       // too few rows
  net.output(net.node("matmul", {net.input({2, 95, 260}), net.input({2, 260, 200})}, {}, rows));  // no constant
  for (const base::Isa isa : base::runnable_isas()) {
    std::vector<Tensor> whole;
    for (const int apart : {0, 1, 2}) {
      SCOPED_TRACE(testing::Message() << base::name_of(isa) << ", in parts " << apart);
      PackedWeights weights;
      PrimitiveCache primitives({.entries = 100, .bytes = 1 << 20});
      ThreadTeam team(2);
      ArenaPool arenas;
      const Plan plan(net.graph(), weights, primitives, team, isa, {},
                      {.winograd = false, .linear_parts = apart >= 1, .convolution_parts = apart == 2});
      const auto steps = plan.steps();
      EXPECT_EQ(std::count_if(steps.begin(), steps.end(),
                              [](const StepInfo& step) { return step.kernel.starts_with("f32_parts_"); }),
                kernels::multiplies_parts(isa) ? apart : 0);
      const std::vector<Tensor> outputs = plan.run(net.inputs(), team, arenas);
      if (apart == 0) whole = outputs;
      for (std::size_t i = 0; i < outputs.size(); ++i) expect_close(outputs[i], whole[i], 1e-5, "multiplied in parts");
    }
  }
}

}  // namespace
}  // namespace wherry::runtime
