#include "passes/merge_programs.h"

#include <algorithm>

#include "base/check.h"

namespace wherry::passes {
namespace {

using expression::Builder;
using expression::Compute;
using expression::Opcode;
using expression::Program;

/// Whether the program's last step gives 0 or 1.
bool gives_truth(const Program& program) {
  if (program.code.empty()) return false;
  switch (program.code.back().opcode) {
    case Opcode::eq:
    case Opcode::ne:
    case Opcode::lt:
    case Opcode::le:
    case Opcode::gt:
    case Opcode::ge:
    case Opcode::logical_and:
    case Opcode::logical_or:
    case Opcode::logical_xor:
    case Opcode::logical_not:
    case Opcode::isnan:
    case Opcode::isinf: return true;
    default: return false;
  }
}

bool is_natural(DType dtype, Compute compute) {
  return (compute == Compute::f32 && dtype == DType::f32) || (compute == Compute::f64 && dtype == DType::f64) ||
         (compute == Compute::i64 && dtype == DType::i64);
}

/// Sums and products name their lower register first, so that equal programs are written alike.
Program canonical(Program program) {
  for (auto& it : program.code)
    if ((it.opcode == Opcode::add || it.opcode == Opcode::mul) && it.a > it.b) std::swap(it.a, it.b);
  return program;
}

}  // namespace

std::optional<BoundProgram> merge(const BoundProgram& producer, const ir::Value* value, const BoundProgram& consumer) {
  const Program& inner = producer.program;
  const Program& outer = consumer.program;
  const DType dtype = value->type().dtype;
  if (inner.compute != outer.compute) return std::nullopt;
  if (!is_natural(dtype, inner.compute) && dtype != DType::boolean) return std::nullopt;

  BoundProgram merged;
  merged.operands = producer.operands;
  std::vector<std::uint8_t> outer_inputs;
  const std::uint8_t kInner = 255;
  for (ir::Value* operand : consumer.operands) {
    if (operand == value) {
      outer_inputs.push_back(kInner);
      continue;
    }
    const auto found = std::find(merged.operands.begin(), merged.operands.end(), operand);
    outer_inputs.push_back(static_cast<std::uint8_t>(found - merged.operands.begin()));
    if (found == merged.operands.end()) merged.operands.push_back(operand);
  }
  if (merged.operands.size() > kMaxOperands) return std::nullopt;
  if (inner.registers() + outer.registers() > 2 * kMaxRegisters) return std::nullopt;

  Builder builder(outer.compute, static_cast<int>(merged.operands.size()));
  std::vector<std::uint8_t> inner_inputs;
  for (std::size_t i = 0; i < producer.operands.size(); ++i) inner_inputs.push_back(static_cast<std::uint8_t>(i));
  std::uint8_t result = builder.append(inner, inner_inputs);
  if (dtype == DType::boolean && !gives_truth(inner)) result = builder.emit(Opcode::ne, result, builder.constant(0));
  std::replace(outer_inputs.begin(), outer_inputs.end(), kInner, result);
  merged.program = canonical(builder.finish(builder.append(outer, outer_inputs)));
  if (merged.program.registers() > kMaxRegisters) return std::nullopt;
  return merged;
}

BoundProgram tidy(const BoundProgram& bound, std::size_t keep) {
  const Program& program = bound.program;
  // Builder::finish states an operand that is itself the result as max(x, x); with one operand no statement is needed.
  if (const auto& code = program.code;
      keep == 0 && code.size() == 1 && code[0].opcode == Opcode::max && code[0].a == code[0].b)
    return {{program.compute, 1, {}}, {bound.operands[code[0].a]}};
  std::vector<bool> read(bound.operands.size(), false);
  for (const auto& it : program.code) {
    const std::uint8_t registers[] = {it.a, it.b, it.c};
    for (int k = 0; k < expression::info(it.opcode).arity; ++k)
      if (registers[k] < read.size()) read[registers[k]] = true;
  }
  if (program.code.empty() && !read.empty()) read.back() = true;
  BoundProgram out;
  std::vector<std::uint8_t> place(bound.operands.size(), 0);
  for (std::size_t i = 0; i < bound.operands.size(); ++i) {
    if (i >= keep && !read[i]) continue;
    auto found = out.operands.end();
    if (i >= keep) found = std::find(out.operands.begin(), out.operands.end(), bound.operands[i]);
    place[i] = static_cast<std::uint8_t>(found - out.operands.begin());
    if (found == out.operands.end()) out.operands.push_back(bound.operands[i]);
  }
  Builder builder(program.compute, static_cast<int>(out.operands.size()));
  out.program = builder.finish(builder.append(program, place));
  return out;
}

}  // namespace wherry::passes
