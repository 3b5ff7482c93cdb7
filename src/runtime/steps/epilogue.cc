// Recognising the prefix is a walk along the accumulator: as long as exactly one instruction reads it and that one is
// an addition of a whole tensor or a clamp, it moves into registers.

#include "runtime/steps/epilogue.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"

namespace wherry::runtime {
namespace {

using expression::Instruction;
using expression::Opcode;
using expression::Program;

bool reads(const Instruction& instruction, int reg) {
  const int arity = expression::info(instruction.opcode).arity;
  return (arity > 0 && instruction.a == reg) || (arity > 1 && instruction.b == reg) ||
         (arity > 2 && instruction.c == reg);
}

/// The one instruction that reads `reg` (once), or -1.
int only_reader(const Program& program, int reg) {
  int reader = -1;
  for (std::size_t i = 0; i < program.code.size(); ++i) {
    if (!reads(program.code[i], reg)) continue;
    if (reader >= 0) return -1;
    reader = static_cast<int>(i);
  }
  return reg == program.result() ? -1 : reader;
}

std::optional<double> constant_in(const Program& program, int reg) {
  if (reg < program.inputs) return std::nullopt;
  const Instruction& made_by = program.code[static_cast<std::size_t>(reg - program.inputs)];
  if (made_by.opcode != Opcode::constant) return std::nullopt;
  return made_by.immediate;
}

/// The program from register `start` on, as a program of its own whose operand 0 is that register.
void take_rest(const Program& program, int start, EpilogueParts& parts) {
  std::vector<bool> needed(static_cast<std::size_t>(program.registers()), false);
  needed[static_cast<std::size_t>(program.result())] = true;
  for (int reg = program.result(); reg >= program.inputs; --reg) {
    if (!needed[static_cast<std::size_t>(reg)] || reg == start) continue;
    const Instruction& instruction = program.code[static_cast<std::size_t>(reg - program.inputs)];
    const int arity = expression::info(instruction.opcode).arity;
    if (arity > 0) needed[instruction.a] = true;
    if (arity > 1) needed[instruction.b] = true;
    if (arity > 2) needed[instruction.c] = true;
  }
  for (int i = 1; i < program.inputs; ++i) {
    if (needed[static_cast<std::size_t>(i)] && i != start) parts.operands.push_back(i);
  }
  expression::Builder builder(program.compute, 1 + static_cast<int>(parts.operands.size()));
  std::vector<std::uint8_t> renamed(needed.size(), 0);
  for (std::size_t i = 0; i < parts.operands.size(); ++i) {
    renamed[static_cast<std::size_t>(parts.operands[i])] = builder.input(static_cast<int>(i) + 1);
  }
  renamed[static_cast<std::size_t>(start)] = builder.input(0);
  for (int reg = program.inputs; reg < program.registers(); ++reg) {
    if (!needed[static_cast<std::size_t>(reg)] || reg == start) continue;
    const Instruction& instruction = program.code[static_cast<std::size_t>(reg - program.inputs)];
    renamed[static_cast<std::size_t>(reg)] =
        instruction.opcode == Opcode::constant
            ? builder.constant(instruction.immediate)
            : builder.emit(instruction.opcode, renamed[instruction.a], renamed[instruction.b], renamed[instruction.c]);
  }
  parts.rest = builder.finish(renamed[static_cast<std::size_t>(program.result())]);
}

/// The activation that the program is, if it is one and nothing more.
kernels::Activation activation_of(const Program& program) {
  const bool one = program.inputs == 1 && program.code.size() == 1 && program.compute == expression::Compute::f32;
  if (one && program.code[0].opcode == Opcode::gelu) return kernels::Activation::gelu;
  if (one && program.code[0].opcode == Opcode::gelu_tanh) return kernels::Activation::gelu_tanh;
  return kernels::Activation::none;
}

}  // namespace

EpilogueParts split_epilogue(const Program& program, const std::function<bool(int)>& may_be_residual) {
  EpilogueParts parts;
  int at = 0;
  if (program.compute == expression::Compute::f32) {
    if (const int reader = only_reader(program, at); reader >= 0) {
      const Instruction& instruction = program.code[static_cast<std::size_t>(reader)];
      const int other = instruction.a == at ? instruction.b : instruction.a;
      if (instruction.opcode == Opcode::add && other != at && other < program.inputs && may_be_residual(other)) {
        parts.residual = other;
        at = program.inputs + reader;
      }
    }
    for (int reader = only_reader(program, at); reader >= 0; reader = only_reader(program, at)) {
      const Instruction& instruction = program.code[static_cast<std::size_t>(reader)];
      if (instruction.opcode == Opcode::relu) {
        parts.low = std::max(parts.low, 0.0f);
        parts.high = std::max(parts.high, 0.0f);
      } else if (instruction.opcode == Opcode::max || instruction.opcode == Opcode::min) {
        const auto bound = constant_in(program, instruction.a == at ? instruction.b : instruction.a);
        if (!bound || std::isnan(*bound)) break;
        const auto limit = static_cast<float>(*bound);
        const bool is_max = instruction.opcode == Opcode::max;
        parts.low = is_max ? std::max(parts.low, limit) : std::min(parts.low, limit);
        parts.high = is_max ? std::max(parts.high, limit) : std::min(parts.high, limit);
      } else {
        break;
      }
      at = program.inputs + reader;
    }
  }
  // A program without instructions has its result in operand 0 by definition.
  if (!program.code.empty() && at != program.result()) take_rest(program, at, parts);
  return parts;
}

std::vector<const ir::Value*> epilogue_operands(const ir::Node& node) {
  std::vector<const ir::Value*> operands;
  for (std::size_t i = 3; i < node.inputs().size(); ++i) operands.push_back(node.inputs()[i]);
  return operands;
}

EpilogueRun make_epilogue(const ir::Node& node, std::span<const RowOperand> rows, Lowering& lowering, bool activates) {
  EpilogueRun run;
  if (node.input(2) != nullptr) run.bias = lowering.operand(node.input(2)).slot;
  const DType result = node.output()->type().dtype;
  // Kernels add and write what they multiply, and fp32.
  const DType multiplied = product_dtype(node);
  const auto native = [&](DType dtype) { return dtype == DType::f32 || dtype == multiplied; };
  EpilogueParts parts;
  if (node.has("epilogue")) {
    const Program& program = node.program("epilogue");
    WHERRY_CHECK_EQ(static_cast<std::size_t>(program.inputs), rows.size() + 1);
    const std::vector<const ir::Value*> operands = epilogue_operands(node);
    parts = split_epilogue(program, [&](int i) {
      const RowOperand& row = rows[static_cast<std::size_t>(i) - 1];
      return native(row.dtype) && row.column_stride == 1 &&
             operands[static_cast<std::size_t>(i) - 1]->type().sizes == node.output()->type().sizes;
    });
  }
  if (!native(result) && !parts.rest) parts.rest = Program{};  // only to convert
  if (parts.residual > 0) run.residual = rows[static_cast<std::size_t>(parts.residual) - 1];
  run.low = parts.low;
  run.high = parts.high;
  if (activates && parts.rest && native(result)) {
    run.activation = activation_of(*parts.rest);
    if (run.activation != kernels::Activation::none) parts.rest.reset();
  }
  if (parts.rest) {
    std::vector<DType> dtypes{DType::f32};
    for (const int i : parts.operands) {
      run.operands.push_back(rows[static_cast<std::size_t>(i) - 1]);
      dtypes.push_back(run.operands.back().dtype);
    }
    const base::Isa isa = lowering.isa_for(result);
    const auto make = [&] { return kernels::make_tile_program(*parts.rest, dtypes.data(), result, isa); };
    run.program = lowering.keep(lowering.primitive(primitive_key(*parts.rest, dtypes, result, isa), make));
  }
  return run;
}

std::string epilogue_name(const EpilogueRun& epilogue) {
  std::string name;
  if (epilogue.residual) name += "+residual";
  if (!std::isinf(epilogue.low) || !std::isinf(epilogue.high)) {
    name += epilogue.low == 0.0f && std::isinf(epilogue.high) ? "+relu" : "+clamp";
  }
  if (epilogue.activation == kernels::Activation::gelu) name += "+gelu";
  if (epilogue.activation == kernels::Activation::gelu_tanh) name += "+gelu_tanh";
  if (epilogue.program != nullptr) name += "+tile";
  return name;
}

}  // namespace wherry::runtime
