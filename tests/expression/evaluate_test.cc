// What each opcode means, at ordinary numbers and at the odd ones. Expected numbers are PyTorch's.

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "expression/program.h"
#include "wherry/error.h"

namespace wherry::expression {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
const double kNan = std::nan("");

double run(Compute compute, Opcode opcode, double a, double b = 0, double c = 0) {
  const int arity = info(opcode).arity;
  Program program{
      compute,
      arity,
      {{opcode, 0, static_cast<std::uint8_t>(arity > 1 ? 1 : 0), static_cast<std::uint8_t>(arity > 2 ? 2 : 0)}}};
  const double operands[] = {a, b, c};
  return evaluate(program, std::span<const double>(operands, static_cast<std::size_t>(arity)));
}
double f32(Opcode opcode, double a, double b = 0, double c = 0) { return run(Compute::f32, opcode, a, b, c); }

std::int64_t i64(Opcode opcode, std::int64_t a, std::int64_t b = 0, std::int64_t c = 0) {
  const int arity = info(opcode).arity;
  Program program{
      Compute::i64,
      arity,
      {{opcode, 0, static_cast<std::uint8_t>(arity > 1 ? 1 : 0), static_cast<std::uint8_t>(arity > 2 ? 2 : 0)}}};
  const std::int64_t operands[] = {a, b, c};
  return evaluate(program, std::span<const std::int64_t>(operands, static_cast<std::size_t>(arity)));
}

TEST(Evaluate, RoundsEachStepInF32) {
  EXPECT_EQ(f32(Opcode::add, 16777216, 1), 16777216);
  EXPECT_EQ(run(Compute::f64, Opcode::add, 16777216, 1), 16777217);
  EXPECT_EQ(f32(Opcode::mul, 0.1, 3), static_cast<double>(0.1f * 3.0f));
  EXPECT_EQ(f32(Opcode::exp, 100), kInfinity);
}

TEST(Evaluate, MinMaxAndReluPropagateNan) {
  for (const Opcode opcode : {Opcode::min, Opcode::max}) {
    EXPECT_TRUE(std::isnan(f32(opcode, kNan, 1)));
    EXPECT_TRUE(std::isnan(f32(opcode, 1, kNan)));
  }
  EXPECT_EQ(f32(Opcode::max, -kInfinity, 2), 2);
  EXPECT_TRUE(std::isnan(f32(Opcode::relu, kNan)));
  EXPECT_EQ(f32(Opcode::relu, -2), 0);
  EXPECT_EQ(f32(Opcode::relu, kInfinity), kInfinity);
}

TEST(Evaluate, ComparisonsAndLogicGiveOneOrZero) {
  EXPECT_EQ(f32(Opcode::lt, 1, 2), 1);
  EXPECT_EQ(f32(Opcode::lt, 2, 2), 0);
  for (const Opcode opcode : {Opcode::eq, Opcode::lt, Opcode::le, Opcode::gt, Opcode::ge})
    EXPECT_EQ(f32(opcode, kNan, kNan), 0);
  EXPECT_EQ(f32(Opcode::ne, kNan, kNan), 1);
  EXPECT_EQ(f32(Opcode::logical_and, 0.5, -3), 1);
  EXPECT_EQ(f32(Opcode::logical_or, 0, kNan), 1);
  EXPECT_EQ(f32(Opcode::logical_xor, 0.5, -3), 0);
  EXPECT_EQ(f32(Opcode::logical_not, 0.1), 0);
  EXPECT_EQ(f32(Opcode::logical_not, -0.0), 1);
  EXPECT_EQ(f32(Opcode::isnan, kNan), 1);
  EXPECT_EQ(f32(Opcode::isinf, -kInfinity), 1);
  EXPECT_EQ(f32(Opcode::where, kNan, 1, 2), 1);
  EXPECT_EQ(f32(Opcode::where, 0, kNan, 2), 2);
}

TEST(Evaluate, DivisionAndRemainderFollowPython) {
  EXPECT_EQ(f32(Opcode::remainder, 5, 3), 2);
  EXPECT_EQ(f32(Opcode::remainder, -5, 3), 1);
  EXPECT_EQ(f32(Opcode::remainder, 5, -3), -1);
  EXPECT_EQ(f32(Opcode::fmod, -5, 3), -2);
  EXPECT_EQ(f32(Opcode::floor_div, -5, 3), -2);
  EXPECT_EQ(f32(Opcode::trunc_div, -5, 3), -1);
  EXPECT_EQ(f32(Opcode::div, 1, 0), kInfinity);
  EXPECT_TRUE(std::isnan(f32(Opcode::remainder, 1, 0)));
  EXPECT_EQ(i64(Opcode::remainder, -5, 3), 1);
  EXPECT_EQ(i64(Opcode::remainder, 5, -3), -1);
  EXPECT_EQ(i64(Opcode::fmod, -5, 3), -2);
  EXPECT_EQ(i64(Opcode::floor_div, -5, 3), -2);
  EXPECT_EQ(i64(Opcode::floor_div, -6, 3), -2);
  EXPECT_EQ(i64(Opcode::trunc_div, -5, 3), -1);
}

TEST(Evaluate, RoundsHalfToEven) {
  EXPECT_EQ(f32(Opcode::round, 0.5), 0);
  EXPECT_EQ(f32(Opcode::round, 1.5), 2);
  EXPECT_EQ(f32(Opcode::round, -2.5), -2);
  EXPECT_EQ(f32(Opcode::floor, -0.5), -1);
  EXPECT_EQ(f32(Opcode::ceil, 0.2), 1);
  EXPECT_EQ(f32(Opcode::trunc, -1.9), -1);
}

TEST(Evaluate, Functions) {
  EXPECT_NEAR(f32(Opcode::erf, 0.5), 0.5204998778, 1e-7);
  EXPECT_NEAR(f32(Opcode::gelu, -1), -0.1586552540, 1e-7);
  EXPECT_NEAR(f32(Opcode::gelu_tanh, -1), -0.1588080108, 1e-7);
  EXPECT_NEAR(f32(Opcode::sigmoid, -1.5), 0.1824255238, 1e-7);
  EXPECT_EQ(f32(Opcode::sigmoid, -kInfinity), 0);
  EXPECT_EQ(f32(Opcode::sigmoid, kInfinity), 1);
  EXPECT_NEAR(f32(Opcode::tanh, 0.75), 0.6351489524, 1e-7);
  EXPECT_NEAR(f32(Opcode::log1p, 1e-7), 1e-7, 1e-13);
  EXPECT_NEAR(f32(Opcode::expm1, 1e-7), 1e-7, 1e-13);
  EXPECT_NEAR(f32(Opcode::rsqrt, 4), 0.5, 1e-7);
  EXPECT_NEAR(f32(Opcode::atan2, 1, -1), 2.3561944902, 1e-6);
  EXPECT_EQ(f32(Opcode::pow, 2, -2), 0.25);
  EXPECT_EQ(f32(Opcode::square, -3), 9);
  EXPECT_EQ(f32(Opcode::sign, -7), -1);
  EXPECT_TRUE(std::isnan(f32(Opcode::sqrt, -1)));
}

TEST(Evaluate, IntegersWrapAndNeverTrap) {
  constexpr std::int64_t kMin = std::numeric_limits<std::int64_t>::min(),
                         kMax = std::numeric_limits<std::int64_t>::max();
  EXPECT_EQ(i64(Opcode::add, kMax, 1), kMin);
  EXPECT_EQ(i64(Opcode::sub, kMin, 1), kMax);
  EXPECT_EQ(i64(Opcode::mul, kMax, 2), -2);
  EXPECT_EQ(i64(Opcode::neg, kMin), kMin);
  EXPECT_EQ(i64(Opcode::abs, kMin), kMin);
  EXPECT_EQ(i64(Opcode::square, kMin), 0);
  for (const Opcode opcode : {Opcode::div, Opcode::floor_div, Opcode::trunc_div}) {
    EXPECT_EQ(i64(opcode, kMin, -1), kMin);
    EXPECT_EQ(i64(opcode, 5, 0), 0);
  }
  EXPECT_EQ(i64(Opcode::remainder, kMin, -1), 0);
  EXPECT_EQ(i64(Opcode::fmod, kMin, -1), 0);
  EXPECT_EQ(i64(Opcode::remainder, 5, 0), 0);
  EXPECT_EQ(i64(Opcode::pow, 3, 4), 81);
  EXPECT_EQ(i64(Opcode::pow, -1, -3), -1);
  EXPECT_EQ(i64(Opcode::pow, 2, -1), 0);
  EXPECT_EQ(i64(Opcode::pow, 2, 64), 0);
  EXPECT_EQ(i64(Opcode::bit_and, -1, 6), 6);
  EXPECT_EQ(i64(Opcode::bit_xor, 5, 6), 3);
  for (const double immediate : {kNan, kInfinity, -1e30}) {
    const Program program{Compute::i64, 0, {{Opcode::constant, 0, 0, 0, immediate}}};
    EXPECT_EQ(evaluate(program, std::span<const std::int64_t>()), kMin);
  }
}

TEST(Evaluate, RefusesOpcodesThatHaveNoMeaning) {
  EXPECT_THROW(i64(Opcode::exp, 1), InternalError);
  EXPECT_THROW(f32(Opcode::bit_and, 1, 1), InternalError);
  const double one[] = {1};
  EXPECT_THROW(evaluate(Program::parse("f32 (x0, x1) { x2 = add x0 x1 }"), one), InternalError);
  EXPECT_THROW(evaluate(Program::parse("i64 (x0) { x1 = neg x0 }"), one), InternalError);
}

TEST(Evaluator, CanBeUsedAgain) {
  Evaluator evaluator(Program::parse("f32 (x0, x1) { x2 = mul x0 x1; x3 = add x2 x0 }"));
  for (int i = 0; i < 5; ++i) {
    const double operands[] = {static_cast<double>(i), 3};
    EXPECT_EQ(evaluator(operands), 4 * i);
  }
}

}  // namespace
}  // namespace wherry::expression
