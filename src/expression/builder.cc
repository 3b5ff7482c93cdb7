#include <algorithm>
#include <array>
#include <cmath>

#include "base/check.h"
#include "expression/program.h"

namespace wherry::expression {

Builder::Builder(Compute compute, int inputs) {
  program_.compute = compute;
  program_.inputs = inputs;
}

std::uint8_t Builder::constant(double value) {
  for (std::size_t i = 0; i < program_.code.size(); ++i) {
    const Instruction& it = program_.code[i];
    const bool same_bits = it.immediate == value && std::signbit(it.immediate) == std::signbit(value);
    if (it.opcode == Opcode::constant && same_bits)
      return static_cast<std::uint8_t>(program_.inputs + static_cast<int>(i));
  }
  program_.code.push_back({Opcode::constant, 0, 0, 0, value});
  return static_cast<std::uint8_t>(program_.result());
}

std::uint8_t Builder::emit(Opcode opcode, std::uint8_t a, std::uint8_t b, std::uint8_t c) {
  const int arity = info(opcode).arity;
  const Instruction wanted{opcode, a, arity > 1 ? b : std::uint8_t{0}, arity > 2 ? c : std::uint8_t{0}};
  const auto found = std::find(program_.code.begin(), program_.code.end(), wanted);
  if (found != program_.code.end())
    return static_cast<std::uint8_t>(program_.inputs + static_cast<int>(found - program_.code.begin()));

  const std::array<std::uint8_t, 3> operands = {wanted.a, wanted.b, wanted.c};
  Program folded{program_.compute, arity, {{opcode, 0, 1, 2}}};
  std::array<double, 3> values{};
  bool all_constant = program_.compute != Compute::i64;
  for (int k = 0; k < arity && all_constant; ++k) {
    const int at = operands[k] - program_.inputs;
    all_constant = at >= 0 && program_.code[at].opcode == Opcode::constant;
    if (all_constant) values[k] = program_.code[at].immediate;
  }
  if (all_constant) {
    if (arity < 3) folded.code[0].c = 0;
    if (arity < 2) folded.code[0].b = 0;
    return constant(evaluate(folded, std::span<const double>(values.data(), static_cast<std::size_t>(arity))));
  }
  WHERRY_CHECK_LT(program_.registers(), 255);
  program_.code.push_back(wanted);
  return static_cast<std::uint8_t>(program_.result());
}

std::uint8_t Builder::append(const Program& program, std::span<const std::uint8_t> operands) {
  WHERRY_CHECK_EQ(static_cast<int>(operands.size()), program.inputs);
  WHERRY_CHECK(program.compute == program_.compute);
  std::vector<std::uint8_t> map(operands.begin(), operands.end());
  for (const Instruction& it : program.code) {
    const int arity = info(it.opcode).arity;
    map.push_back(it.opcode == Opcode::constant ? constant(it.immediate)
                                                : emit(it.opcode, map[it.a], arity > 1 ? map[it.b] : std::uint8_t{0},
                                                       arity > 2 ? map[it.c] : std::uint8_t{0}));
  }
  return map[static_cast<std::size_t>(program.result())];
}

Program Builder::finish(std::uint8_t result) {
  std::vector<bool> live(static_cast<std::size_t>(program_.registers()), false);
  live[result] = true;
  for (std::size_t i = program_.code.size(); i-- > 0;) {
    if (!live[static_cast<std::size_t>(program_.inputs) + i]) continue;
    const Instruction& it = program_.code[i];
    const std::uint8_t operands[] = {it.a, it.b, it.c};
    for (int k = 0; k < info(it.opcode).arity; ++k) live[operands[k]] = true;
  }
  Program out{program_.compute, program_.inputs, {}};
  std::vector<std::uint8_t> map(live.size(), 0);
  for (int i = 0; i < program_.inputs; ++i) map[static_cast<std::size_t>(i)] = static_cast<std::uint8_t>(i);
  for (std::size_t i = 0; i < program_.code.size(); ++i) {
    const std::size_t from = static_cast<std::size_t>(program_.inputs) + i;
    if (!live[from] || from > result) continue;
    Instruction it = program_.code[i];
    const int arity = info(it.opcode).arity;
    if (arity > 0) it.a = map[it.a];
    if (arity > 1) it.b = map[it.b];
    if (arity > 2) it.c = map[it.c];
    out.code.push_back(it);
    map[from] = static_cast<std::uint8_t>(out.result());
  }
  // An operand that is itself the result but not the last register: restate it, as 1·x would round nothing.
  if (result < program_.inputs && (out.inputs > 1 || !out.code.empty())) {
    WHERRY_CHECK(out.code.empty());
    if (result != out.inputs - 1) {
      out.code.push_back({Opcode::max, result, result});
    }
  }
  out.verify();
  return out;
}

}  // namespace wherry::expression
