// A convolution or matmul followed by y·s + t per output channel is the same op with weight·s and bias·s + t. The
// factors are peeled off the front of the elementwise program one instruction at a time, in whatever order they were
// written.

#include <algorithm>

#include "passes/constant/lazy.h"
#include "passes/core_builder.h"
#include "passes/rules.h"

namespace wherry::passes {
namespace {

using constant::LazyTensorPtr;
using expression::Builder;
using expression::Compute;
using expression::Instruction;
using expression::Opcode;
using expression::Program;
using ir::Node;
using ir::Value;

/// Weight and bias while factors are folded in. All per-channel vectors are [channels].
struct Affine {
  LazyTensorPtr weight;
  LazyTensorPtr bias;  ///< may be null
  std::int64_t channels;
  bool convolution;  ///< channels are the weight's first dimension, else its last

  void scale(const LazyTensorPtr& factor) {
    Dims along = {channels};
    if (convolution) along.resize(weight->sizes().size(), 1);
    const Program product = Program::parse("f32 (x0, x1) { x2 = mul x0 x1 }");
    weight =
        constant::elementwise(product, {weight, constant::reshape(factor, along)}, weight->dtype(), weight->sizes());
    if (bias) bias = constant::elementwise(product, {bias, factor}, bias->dtype(), bias->sizes());
  }
  void shift(const LazyTensorPtr& addend) {
    const Program sum = Program::parse("f32 (x0, x1) { x2 = add x0 x1 }");
    bias = bias ? constant::elementwise(sum, {bias, addend}, DType::f32, {channels}) : addend;
  }
};

/// `value` as a vector over the channels, where it is a constant that varies along them at most; else null.
LazyTensorPtr per_channel(const Value* value, std::size_t rank, std::size_t channel_dim, std::int64_t channels) {
  if (!value->is_constant() || !is_floating(value->type().dtype)) return nullptr;
  const Dims& sizes = value->type().sizes;
  const std::size_t missing = rank - sizes.size();
  for (std::size_t d = 0; d < sizes.size(); ++d)
    if (sizes[d] != 1 && d + missing != channel_dim) return nullptr;
  const auto flat = constant::reshape(value->constant(), {value->type().numel()});
  const Program same{Compute::f32, 1, {}};
  return constant::elementwise(same, {flat}, DType::f32, {channels});
}

LazyTensorPtr uniform(double value, std::int64_t channels) {
  return constant::elementwise(Program{Compute::f32, 0, {{Opcode::constant, 0, 0, 0, value}}}, {}, DType::f32,
                               {channels});
}

LazyTensorPtr mapped(Opcode opcode, const LazyTensorPtr& x) {
  return constant::elementwise(Program{Compute::f32, 1, {{opcode}}}, {x}, DType::f32, x->sizes());
}

struct Uses {
  int count = 0;
  std::size_t at = 0;
};

Uses uses_of(const Program& program, std::uint8_t reg) {
  Uses uses;
  for (std::size_t i = 0; i < program.code.size(); ++i) {
    const Instruction& it = program.code[i];
    const std::uint8_t registers[] = {it.a, it.b, it.c};
    for (int k = 0; k < expression::info(it.opcode).arity; ++k)
      if (registers[k] == reg) {
        ++uses.count;
        uses.at = i;
      }
  }
  return uses;
}

/// The program without instruction `at`, whose readers read `reg` instead.
Program without(const Program& program, std::size_t at, std::uint8_t reg) {
  Builder builder(program.compute, program.inputs);
  std::vector<std::uint8_t> map;
  for (int i = 0; i < program.inputs; ++i) map.push_back(builder.input(i));
  for (std::size_t i = 0; i < program.code.size(); ++i) {
    const Instruction& it = program.code[i];
    if (i == at)
      map.push_back(reg);
    else if (it.opcode == Opcode::constant)
      map.push_back(builder.constant(it.immediate));
    else
      map.push_back(builder.emit(it.opcode, map[it.a], map[it.b], map[it.c]));
  }
  return builder.finish(map.back());
}

/// Folds the first instruction that reads operand `reg` into `affine`; false where it is not a scale or shift.
bool peel(Program& program, std::uint8_t reg, const std::vector<Value*>& operands, std::size_t rank,
          std::size_t channel_dim, Affine& affine) {
  const Uses uses = uses_of(program, reg);
  if (uses.count != 1) return false;
  const Instruction it = program.code[uses.at];
  if (it.opcode == Opcode::neg) {
    affine.scale(uniform(-1, affine.channels));
  } else {
    const bool first = it.a == reg;
    const std::uint8_t other = first ? it.b : it.a;
    LazyTensorPtr c;
    if (other < program.inputs) {
      c = per_channel(operands[other], rank, channel_dim, affine.channels);
    } else if (const Instruction& made = program.code[other - static_cast<std::size_t>(program.inputs)];
               made.opcode == Opcode::constant) {
      c = uniform(made.immediate, affine.channels);
    }
    if (!c) return false;
    switch (it.opcode) {
      case Opcode::add: affine.shift(c); break;
      case Opcode::mul: affine.scale(c); break;
      case Opcode::sub:
        if (!first) affine.scale(uniform(-1, affine.channels));
        affine.shift(first ? mapped(Opcode::neg, c) : c);
        break;
      case Opcode::div:
        if (!first) return false;
        affine.scale(mapped(Opcode::reciprocal, c));
        break;
      default: return false;
    }
  }
  program = without(program, uses.at, reg);
  return true;
}

/// The convolution or matmul behind `value` whose constants may be rewritten for this one reader; else null.
Node* foldable(const ir::Graph& graph, Value* value, const Node* reader) {
  Node* host = value->producer();
  if (!host || (host->op() != "convolution" && host->op() != "matmul") || host->has("epilogue")) return nullptr;
  if (value->users().size() != 1 || graph.is_output(value)) return nullptr;
  if (value->type().sizes != reader->output()->type().sizes || value->type().dtype != DType::f32) return nullptr;
  const Value* weight = host->input(1);
  if (!weight->is_constant() || weight->type().dtype != DType::f32) return nullptr;
  if (host->op() == "matmul" && weight->type().sizes.size() != 2) return nullptr;
  if (host->input(2) && !host->input(2)->is_constant()) return nullptr;
  return host;
}

void fold_into(ir::Graph& graph, Node* node) {
  for (std::size_t i = 0; i < node->inputs().size(); ++i) {
    Value* value = node->input(i);
    Node* host = foldable(graph, value, node);
    Program program = node->program("program");
    if (!host || program.compute != Compute::f32) continue;
    const bool convolution = host->op() == "convolution";
    const std::size_t rank = value->type().sizes.size();
    const std::size_t channel_dim = convolution ? 1 : rank - 1;
    Affine affine{host->input(1)->constant(), host->input(2) ? host->input(2)->constant() : nullptr,
                  value->type().sizes[channel_dim], convolution};
    bool folded = false;
    while (peel(program, static_cast<std::uint8_t>(i), node->inputs(), rank, channel_dim, affine)) folded = true;
    if (!folded) continue;

    ir::Source source = host->source();
    source.absorb(node->source());
    CoreBuilder build(graph, host, std::move(source));
    std::vector<Value*> inputs = {host->input(0), graph.add_constant(affine.weight, host->input(1)->name())};
    if (affine.bias) inputs.push_back(graph.add_constant(affine.bias));
    Value* result = build.record(host->op(), std::move(inputs), host->attributes());
    result->set_name(node->output()->name());
    graph.replace_uses(value, result);
    node->set("program", program);
    return;
  }
}

}  // namespace

void fold_batch_norm(ir::Graph& graph) {
  for (Node* node : graph.nodes())
    if (node->op() == "elementwise") fold_into(graph, node);
  graph.erase_dead();
}

}  // namespace wherry::passes
