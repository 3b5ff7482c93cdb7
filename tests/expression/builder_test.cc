// The builder emits equal instructions once, folds constants, drops what is unused, and never changes the meaning.

#include <gtest/gtest.h>

#include <random>

#include "expression/program.h"
#include "wherry/error.h"

namespace wherry::expression {
namespace {

TEST(Builder, EmitsEqualInstructionsOnce) {
  Builder builder(Compute::f32, 2);
  const auto a = builder.emit(Opcode::add, 0, 1);
  EXPECT_EQ(builder.emit(Opcode::add, 0, 1), a);
  EXPECT_NE(builder.emit(Opcode::add, 1, 0), a);
  EXPECT_EQ(builder.constant(2), builder.constant(2));
  EXPECT_NE(builder.constant(0.0), builder.constant(-0.0));
}

TEST(Builder, FoldsConstantsInTheProgramsPrecision) {
  Builder builder(Compute::f32, 1);
  const auto third = builder.emit(Opcode::div, builder.constant(1), builder.constant(3));
  const Program program = builder.finish(builder.emit(Opcode::mul, 0, third));
  ASSERT_EQ(program.code.size(), 2u);
  EXPECT_EQ(program.code[0].opcode, Opcode::constant);
  EXPECT_EQ(program.code[0].immediate, static_cast<double>(1.0f / 3.0f));
}

TEST(Builder, FinishDropsWhatTheResultDoesNotNeed) {
  Builder builder(Compute::f32, 2);
  builder.emit(Opcode::exp, 0);
  const auto wanted = builder.emit(Opcode::relu, 1);
  builder.emit(Opcode::tanh, wanted);
  EXPECT_EQ(builder.finish(wanted).to_string(), "f32 (x0, x1) { x2 = relu x1 }");
}

TEST(Builder, AnOperandCanBeTheResult) {
  Builder two(Compute::f32, 2);
  const double values[] = {3, 7};
  EXPECT_EQ(evaluate(two.finish(0), values), 3);
  EXPECT_EQ(evaluate(two.finish(1), values), 7);
  Builder one(Compute::f32, 1);
  one.emit(Opcode::exp, 0);
  EXPECT_TRUE(one.finish(0).is_identity());
}

TEST(Builder, AppendRenamesOperands) {
  Builder builder(Compute::f64, 2);
  const Program square_sum = Program::parse("f64 (x0, x1) { x2 = add x0 x1; x3 = square x2 }");
  const std::uint8_t swapped[] = {1, 1};
  const Program program = builder.finish(builder.append(square_sum, swapped));
  const double values[] = {5, 2};
  EXPECT_EQ(evaluate(program, values), 16);
  EXPECT_THROW(builder.append(Program::parse("f32 (x0) { x1 = relu x0 }"), std::span(swapped, 1)), InternalError);
}

/// Random programs, rebuilt instruction by instruction, compute the same.
TEST(Builder, KeepsTheMeaningOfRandomPrograms) {
  std::mt19937 random(1);
  const Opcode opcodes[] = {Opcode::add, Opcode::sub,   Opcode::mul,      Opcode::max, Opcode::relu,
                            Opcode::neg, Opcode::where, Opcode::constant, Opcode::lt};
  for (int round = 0; round < 500; ++round) {
    Program program{Compute::f64, 2, {}};
    for (int i = 0; i < 12; ++i) {
      Instruction it{opcodes[random() % std::size(opcodes)]};
      std::uint8_t* operands[] = {&it.a, &it.b, &it.c};
      for (int k = 0; k < info(it.opcode).arity; ++k)
        *operands[k] = static_cast<std::uint8_t>(random() % static_cast<unsigned>(program.registers()));
      if (it.opcode == Opcode::constant) it.immediate = static_cast<double>(random() % 3);
      program.code.push_back(it);
    }
    Builder builder(Compute::f64, 2);
    const std::uint8_t operands[] = {0, 1};
    const Program built = builder.finish(builder.append(program, operands));
    EXPECT_LE(built.code.size(), program.code.size());
    const double values[] = {1.5, -2.25};
    EXPECT_EQ(evaluate(program, values), evaluate(built, values)) << program.to_string() << "\n" << built.to_string();
  }
}

}  // namespace
}  // namespace wherry::expression
