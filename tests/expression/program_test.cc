// The text form of programs, and what makes a program sound.

#include "expression/program.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "wherry/error.h"

namespace wherry::expression {
namespace {

TEST(Program, PrintsAndParses) {
  const std::string text = "f32 (x0, x1) { x2 = add x0 x1; x3 = constant 0.5; x4 = where x2 x3 x0 }";
  const Program program = Program::parse(text);
  EXPECT_EQ(program.inputs, 2);
  EXPECT_EQ(program.registers(), 5);
  EXPECT_EQ(program.result(), 4);
  EXPECT_EQ(program.code[2].opcode, Opcode::where);
  EXPECT_EQ(program.to_string(), text);
  EXPECT_EQ(Program::parse("i64(x0){x1=neg x0}").to_string(), "i64 (x0) { x1 = neg x0 }");
  EXPECT_TRUE(Program::parse("f64 (x0) { }").is_identity());
  EXPECT_FALSE(Program::parse("f64 (x0, x1) { }").is_identity());
}

TEST(Program, EveryOpcodeHasANameThatReadsBack) {
  for (int i = 0; i < static_cast<int>(Opcode::count_); ++i) {
    const auto opcode = static_cast<Opcode>(i);
    EXPECT_EQ(opcode_from_name(info(opcode).name), opcode);
    Program program{Compute::i64, 3, {{opcode}}};
    if (info(opcode).arity > 1) program.code[0].b = 1;
    if (info(opcode).arity > 2) program.code[0].c = 2;
    EXPECT_EQ(Program::parse(program.to_string()), program) << program.to_string();
  }
  EXPECT_EQ(opcode_from_name("frobnicate"), std::nullopt);
}

TEST(Program, NumbersReadBackExactly) {
  const double infinity = std::numeric_limits<double>::infinity();
  for (const double value : {0.0, -0.0, 1.0, -3.0, 0.1, 1e-310, 1e15, 123456789012345678.0, 1e300, infinity, -infinity,
                             3.4028234663852886e+38}) {
    const Program program{Compute::f64, 0, {{Opcode::constant, 0, 0, 0, value}}};
    const Program read = Program::parse(program.to_string());
    EXPECT_EQ(read.code[0].immediate, value) << program.to_string();
    EXPECT_EQ(std::signbit(read.code[0].immediate), std::signbit(value)) << program.to_string();
  }
  const Program nan{Compute::f64, 0, {{Opcode::constant, 0, 0, 0, std::nan("")}}};
  EXPECT_TRUE(std::isnan(Program::parse(nan.to_string()).code[0].immediate));
}

TEST(Program, MalformedTextIsRefusedWithItsPlace) {
  for (const std::string_view text :
       {"", "f16 (x0) { }", "f32 (x1) { }", "f32 (x0) { x1 = relu x1 }", "f32 (x0) { x2 = relu x0 }",
        "f32 (x0) { x1 = relu }", "f32 (x0) { x1 = frobnicate x0 }", "f32 (x0) { x1 = constant a }",
        "f32 (x0) { x1 = relu x0", "f32 (x0) { } more", "f32 () { }", "f32 (x0", "f32 (x0) { x1 = relu x300 }",
        "f32 (x0) { x1 = bit_and x0 x0 }", "f32 (x0) { x1 = relu x-1 }"}) {
    EXPECT_THROW(Program::parse(text), InvalidInput) << text;
  }
  try {
    Program::parse("f32 (x0) { x1 = frobnicate x0 }");
  } catch (const InvalidInput& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("found \"frobnicate\", expected an opcode"));
  }
}

TEST(Program, VerifyKnowsRegistersAndIntegers) {
  EXPECT_NO_THROW((Program{Compute::f32, 2, {{Opcode::add, 0, 1}}}.verify()));
  EXPECT_THROW((Program{Compute::f32, 2, {{Opcode::add, 0, 2}}}.verify()), InternalError);
  EXPECT_THROW((Program{Compute::f32, 0, {}}.verify()), InternalError);
  EXPECT_THROW((Program{Compute::f32, 1, {{Opcode::bit_or, 0, 0}}}.verify()), InternalError);
  EXPECT_NO_THROW((Program{Compute::i64, 1, {{Opcode::bit_or, 0, 0}}}.verify()));
  Program longest{Compute::f32, 1, std::vector<Instruction>(254, {Opcode::relu, 0})};
  EXPECT_NO_THROW(longest.verify());
  longest.code.push_back({Opcode::relu, 0});
  EXPECT_THROW(longest.verify(), InternalError);
}

}  // namespace
}  // namespace wherry::expression
