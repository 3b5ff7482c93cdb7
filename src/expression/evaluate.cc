// Whole programs, one element at a time.

#include <vector>

#include "expression/apply.h"
#include "expression/program.h"

namespace wherry::expression {
namespace {

template <typename T, typename Apply>
T run(const Program& program, std::span<const T> operands, Apply apply) {
  WHERRY_CHECK_EQ(static_cast<int>(operands.size()), program.inputs);
  std::vector<T> registers(operands.begin(), operands.end());
  registers.reserve(static_cast<std::size_t>(program.registers()));
  for (const Instruction& it : program.code) {
    const int arity = info(it.opcode).arity;
    const T a = arity > 0 ? registers[it.a] : T{};
    const T b = arity > 1 ? registers[it.b] : T{};
    const T c = arity > 2 ? registers[it.c] : T{};
    registers.push_back(it.opcode == Opcode::constant ? static_cast<T>(it.immediate) : apply(it.opcode, a, b, c));
  }
  return registers.back();
}

}  // namespace

double evaluate(const Program& program, std::span<const double> operands) {
  WHERRY_CHECK(program.compute != Compute::i64);
  if (program.compute == Compute::f64) return run<double>(program, operands, apply_float<double>);
  std::vector<float> rounded(operands.begin(), operands.end());
  return run<float>(program, rounded, apply_float<float>);
}

std::int64_t evaluate(const Program& program, std::span<const std::int64_t> operands) {
  WHERRY_CHECK(program.compute == Compute::i64);
  return run<std::int64_t>(program, operands, apply_int);
}

}  // namespace wherry::expression
