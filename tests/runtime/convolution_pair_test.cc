// A 1 × 1 convolution and the depthwise one after it, as one step, against the same two as two steps: to the last bit.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

#include "interpreter.h"
#include "kernels/matmul/matmul.h"
#include "net.h"
#include "runtime/plan.h"

namespace wherry::runtime {
namespace {

struct Case {
  const char* name;
  std::int64_t batch, in, wide, height, width, kernel, stride;
  const char* first = nullptr;
  const char* second = nullptr;
  bool f32 = false;     ///< the result
  bool padded = false;  ///< the next reader wants zeros around it
  bool fp32 = false;    ///< every image, and what is multiplied
};

void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

/// With `shared` the wide image is an output too, so somebody else sees it.
void build(Net& net, const Case& c, bool shared) {
  using expression::Program;
  const auto attributes = [](std::int64_t stride, std::int64_t padding, std::int64_t groups, const char* epilogue) {
    ir::Attributes all{{"stride", Dims{stride, stride}},
                       {"padding", Dims{padding, padding, padding, padding}},
                       {"dilation", Dims{1, 1}},
                       {"groups", groups}};
    if (epilogue != nullptr) all["epilogue"] = Program::parse(epilogue);
    return all;
  };
  const std::int64_t padding = c.kernel / 2;
  const Dims narrow{c.batch, c.in, c.height, c.width}, wide{c.batch, c.wide, c.height, c.width};
  const Dims result{c.batch, c.wide, (c.height + 2 * padding - c.kernel) / c.stride + 1,
                    (c.width + 2 * padding - c.kernel) / c.stride + 1};
  const DType image = c.fp32 ? DType::f32 : DType::bf16;
  Program same;
  same.inputs = 1;
  ir::Value* x = net.node("elementwise", {net.channels_last(net.input(narrow))}, {{"program", same}}, narrow,
                          image_strides(narrow), image);
  ir::Value* first_weight = net.constant({c.wide, c.in, 1, 1});
  ir::Value* second_weight = net.constant({c.wide, 1, c.kernel, c.kernel});
  ir::Value* third_weight = net.constant({8, c.wide, 3, 3});
  ir::Value* bias = net.constant({c.wide});
  ir::Value* y =
      net.node("convolution", {x, first_weight, bias}, attributes(1, 0, 1, c.first), wide, image_strides(wide), image);
  ir::Value* z = net.node("convolution", {y, second_weight, bias}, attributes(c.stride, padding, c.wide, c.second),
                          result, image_strides(result), c.f32 ? DType::f32 : image);
  if (c.padded) {
    const Dims sizes{c.batch, 8, result[2], result[3]};
    z = net.node("convolution", {z, third_weight}, attributes(1, 1, 1, nullptr), sizes, image_strides(sizes), image);
  }
  net.output(z);
  if (shared) net.output(y);
}

class ConvolutionPairs : public testing::TestWithParam<Case> {};

TEST_P(ConvolutionPairs, GiveWhatTwoStepsGive) {
  bool tested = false;
  Net meaning;
  build(meaning, GetParam(), false);
  const Tensor meant = interpret(meaning.graph(), meaning.inputs()).at(0);
  for (const base::Isa isa : base::runnable_isas()) {
    // In fp32 an instruction set that has bf16 multiplies in parts, where it can.
    const bool parts = GetParam().fp32 && base::has_bf16(isa);
    if (parts ? !kernels::multiplies_parts(isa) : base::has_bf16(isa) == GetParam().fp32) continue;
    for (const int threads : {1, 2, 3}) {
      SCOPED_TRACE(testing::Message() << base::name_of(isa) << ", " << threads << " threads");
      Net together, apart;
      build(together, GetParam(), false);
      build(apart, GetParam(), true);
      PrimitiveCache primitives({.entries = 4096, .bytes = 64 << 20});
      ThreadTeam team(threads);
      PackedWeights weights;
      ArenaPool arenas;
      const Plan one(together.graph(), weights, primitives, team, isa, {}, {.convolution_parts = parts});
      const Plan two(apart.graph(), weights, primitives, team, isa, {}, {.convolution_parts = parts});
      const auto named = [](const Plan& plan, std::string_view part) {
        const auto steps = plan.steps();
        return std::count_if(steps.begin(), steps.end(),
                             [&](const StepInfo& step) { return step.kernel.find(part) != std::string::npos; });
      };
      ASSERT_EQ(named(one, " > "), 1);
      ASSERT_EQ(named(two, " > "), 0);
      ASSERT_EQ(named(one, "f32_parts_"), parts ? 1 : 0);
      for (int round = 0; round < 2; ++round) {
        const Tensor found = one.run(together.inputs(), team, arenas).at(0);
        const Tensor expected = two.run(apart.inputs(), team, arenas).at(0);
        ASSERT_EQ(found.sizes(), expected.sizes());
        const auto bytes = static_cast<std::size_t>(found.numel()) * size_of(found.dtype());
        ASSERT_EQ(std::memcmp(found.data(), expected.data(), bytes), 0);
        // And that is what the graph means, but for the rounding of weights and of the wide image to bf16.
        expect_close(found, meant, GetParam().fp32 ? 1e-4 : 0.04, "interpreted");
      }
      tested = true;
    }
  }
  if (!tested) GTEST_SKIP() << "SKIPPED: this machine multiplies no bf16 numbers";
}

constexpr const char* kClamp = "f32 (x0) { x1 = constant 0; x2 = max x0 x1; x3 = constant 6; x4 = min x2 x3 }";
constexpr const char* kSwish = "f32 (x0) { x1 = sigmoid x0; x2 = mul x0 x1 }";

INSTANTIATE_TEST_SUITE_P(Shapes, ConvolutionPairs,
                         testing::Values(Case{"few_rows", 1, 24, 96, 19, 21, 3, 1, kClamp, kClamp},
                                         Case{"many_parts", 1, 16, 40, 80, 112, 3, 1, kClamp, kClamp},
                                         Case{"strided", 1, 16, 96, 57, 60, 3, 2, kClamp, kClamp},
                                         Case{"batch", 3, 32, 48, 22, 20, 3, 2, kClamp, nullptr},
                                         Case{"batch_of_parts", 2, 24, 200, 45, 64, 3, 1, nullptr, kClamp},
                                         Case{"swish", 1, 24, 72, 40, 40, 5, 2, kSwish, kSwish},
                                         Case{"even_window", 1, 20, 40, 30, 31, 4, 1},
                                         Case{"f32", 1, 24, 80, 26, 26, 3, 1, kClamp, kClamp, true},
                                         Case{"zeros_around", 2, 24, 64, 28, 28, 3, 1, kClamp, kClamp, false, true},
                                         Case{"fp32", 1, 64, 160, 84, 42, 3, 1, kClamp, kClamp, true, false, true},
                                         Case{"fp32_strided", 2, 60, 160, 57, 60, 3, 2, kClamp, kSwish, true, false,
                                              true}),
                         [](const auto& shape) { return shape.param.name; });

TEST(ConvolutionPair, IsNotMadeWhereMuchWouldBeComputedTwice) {
  for (const base::Isa isa : base::runnable_isas()) {
    // Products in fp32 cost more, so that fewer rows are too many.
    const bool fp32 = !base::has_bf16(isa);
    const std::int64_t size = fp32 ? 28 : 8;
    Net net;
    build(net, Case{"", 1, 32, 64, size, size, 3, 1, nullptr, nullptr, fp32, false, fp32}, false);
    PrimitiveCache primitives({.entries = 4096, .bytes = 64 << 20});
    ThreadTeam team(fp32 ? 2 : 4);
    PackedWeights weights;
    const Plan plan(net.graph(), weights, primitives, team, isa);
    for (const StepInfo& step : plan.steps()) EXPECT_EQ(step.kernel.find(" > "), std::string::npos) << step.kernel;
  }
}

}  // namespace
}  // namespace wherry::runtime
