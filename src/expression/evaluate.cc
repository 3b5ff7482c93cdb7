// Whole programs, one element at a time.

#include <vector>

#include "expression/apply.h"
#include "expression/program.h"

namespace wherry::expression {
namespace {

template <typename T, typename Operand, typename Apply>
T run(const Program& program, std::span<const Operand> operands, std::vector<T>& registers, Apply apply) {
  WHERRY_CHECK_EQ(static_cast<int>(operands.size()), program.inputs);
  registers.resize(static_cast<std::size_t>(program.registers()));
  for (std::size_t i = 0; i < operands.size(); ++i) registers[i] = static_cast<T>(operands[i]);
  std::size_t next = operands.size();
  for (const Instruction& it : program.code) {
    const int arity = info(it.opcode).arity;
    const T a = arity > 0 ? registers[it.a] : T{};
    const T b = arity > 1 ? registers[it.b] : T{};
    const T c = arity > 2 ? registers[it.c] : T{};
    registers[next++] = it.opcode == Opcode::constant ? it.constant<T>() : apply(it.opcode, a, b, c);
  }
  return registers.back();
}

}  // namespace

Evaluator::Evaluator(Program program) : program_(std::move(program)) {}

double Evaluator::operator()(std::span<const double> operands) {
  WHERRY_CHECK(program_.compute != Compute::i64);
  if (program_.compute == Compute::f64) return run(program_, operands, f64_, apply_float<double>);
  return run(program_, operands, f32_, apply_float<float>);
}

std::int64_t Evaluator::operator()(std::span<const std::int64_t> operands) {
  WHERRY_CHECK(program_.compute == Compute::i64);
  return run(program_, operands, i64_, apply_int);
}

double evaluate(const Program& program, std::span<const double> operands) { return Evaluator(program)(operands); }

std::int64_t evaluate(const Program& program, std::span<const std::int64_t> operands) {
  return Evaluator(program)(operands);
}

}  // namespace wherry::expression
