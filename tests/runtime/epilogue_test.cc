// Which part of an epilogue runs in registers and which over the tile; the two together must mean the whole program.

#include "runtime/steps/epilogue.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace wherry::runtime {
namespace {

using expression::Program;

struct Case {
  const char* program;
  int residual;
  float low, high;
  bool rest;
};

class Epilogues : public testing::TestWithParam<Case> {};

constexpr float kInf = __builtin_inff();

TEST_P(Epilogues, SplitAndMeanTheSame) {
  const Case& c = GetParam();
  const Program program = Program::parse(c.program);
  const EpilogueParts parts = split_epilogue(program, [](int) { return true; });
  EXPECT_EQ(parts.residual, c.residual);
  EXPECT_EQ(parts.low, c.low);
  EXPECT_EQ(parts.high, c.high);
  EXPECT_EQ(parts.rest.has_value(), c.rest);

  for (const double acc : {-8.0, -1.0, -0.25, 0.0, 0.25, 1.0, 3.0, 9.0}) {
    std::vector<double> operands{acc};
    for (int i = 1; i < program.inputs; ++i) operands.push_back(0.75 * i - 1.0);
    double y = acc + (parts.residual > 0 ? operands[static_cast<std::size_t>(parts.residual)] : 0.0);
    y = std::min(std::max(y, double{parts.low}), double{parts.high});
    if (parts.rest) {
      std::vector<double> rest{y};
      for (const int i : parts.operands) rest.push_back(operands[static_cast<std::size_t>(i)]);
      y = expression::evaluate(*parts.rest, rest);
    }
    EXPECT_FLOAT_EQ(static_cast<float>(y), static_cast<float>(expression::evaluate(program, operands)))
        << "acc " << acc;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Programs, Epilogues,
    testing::Values(
        Case{"f32 (x0) {}", 0, -kInf, kInf, false}, Case{"f32 (x0) { x1 = relu x0 }", 0, 0, kInf, false},
        Case{"f32 (x0, x1) { x2 = add x1 x0; x3 = relu x2 }", 1, 0, kInf, false},
        Case{"f32 (x0, x1) { x2 = constant 0; x3 = max x2 x0; x4 = constant 6; x5 = min x3 x4 }", 0, 0, 6, false},
        Case{"f32 (x0) { x1 = constant 2; x2 = min x0 x1; x3 = constant 4; x4 = max x2 x3 }", 0, 4, 4, false},
        Case{"f32 (x0, x1, x2) { x3 = add x0 x2; x4 = mul x3 x1 }", 2, -kInf, kInf, true},
        Case{"f32 (x0, x1) { x2 = relu x0; x3 = add x2 x1 }", 0, 0, kInf, true},
        Case{"f32 (x0) { x1 = sigmoid x0; x2 = mul x0 x1 }", 0, -kInf, kInf, true},
        Case{"f32 (x0) { x1 = add x0 x0 }", 0, -kInf, kInf, true},
        Case{"f32 (x0, x1) { x2 = add x0 x1; x3 = sigmoid x2; x4 = mul x2 x3; x5 = add x4 x1 }", 1, -kInf, kInf, true},
        Case{"f64 (x0, x1) { x2 = add x0 x1 }", 0, -kInf, kInf, true}));

TEST(Epilogue, LeavesABroadcastOperandToTheTile) {
  const Program program = Program::parse("f32 (x0, x1) { x2 = add x0 x1; x3 = relu x2 }");
  const EpilogueParts parts = split_epilogue(program, [](int) { return false; });
  EXPECT_EQ(parts.residual, 0);
  ASSERT_TRUE(parts.rest.has_value());
  EXPECT_EQ(*parts.rest, program);
}

}  // namespace
}  // namespace wherry::runtime
