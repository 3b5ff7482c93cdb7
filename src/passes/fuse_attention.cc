// softmax(f(q·kᵀ))·v, where f scales and masks, is attention: the scores then never leave the cache. What f adds to
// them, or puts in place of some, becomes the mask.

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>
#include <vector>

#include "passes/core_builder.h"
#include "passes/merge_programs.h"
#include "passes/rules.h"

namespace wherry::passes {
namespace {

using expression::Opcode;
using ir::Node;
using ir::Value;

/// A number that stands for −∞: beside it no score changes the sum of the two, and its weight is 0 where another key is
/// seen at all.
constexpr double kHidden = -1e30;

/// A register of a program as factor · scores + addend, or as something that the scores have no part in.
struct Part {
  bool reads_scores = false;
  double factor = 1;
  std::optional<std::uint8_t> addend;  ///< in the mask's program; of the others what they are
  std::optional<double> number;        ///< of constants
};

/// Scores as attention sees them.
struct Scores {
  double scale = 1;
  std::optional<BoundProgram> mask;  ///< over operands that broadcast to the scores
};

class Reader {
 public:
  Reader(const expression::Program& program, std::size_t scores)
      : program_(program), mask_(program.compute, program.inputs) {
    for (int i = 0; i < program.inputs; ++i) {
      Part part;
      part.reads_scores = static_cast<std::size_t>(i) == scores;
      if (!part.reads_scores) part.addend = mask_.input(i);
      parts_.push_back(part);
    }
  }

  /// The result; empty where it is anything but scaled and masked scores.
  std::optional<Part> read() {
    for (const expression::Instruction& instruction : program_.code) {
      const auto part = read(instruction);
      if (!part) return std::nullopt;
      parts_.push_back(*part);
    }
    return parts_.back().reads_scores ? std::optional(parts_.back()) : std::nullopt;
  }
  expression::Program mask(std::uint8_t result) { return mask_.finish(result); }

 private:
  std::optional<Part> read(const expression::Instruction& instruction) {
    const Part none;
    const int arity = expression::info(instruction.opcode).arity;
    const Part& a = arity > 0 ? parts_[instruction.a] : none;
    const Part& b = arity > 1 ? parts_[instruction.b] : none;
    const Part& c = arity > 2 ? parts_[instruction.c] : none;
    if (instruction.opcode == Opcode::constant) {
      Part part;
      part.number = instruction.immediate;
      part.addend = mask_.constant(instruction.immediate);
      return part;
    }
    if (!a.reads_scores && !b.reads_scores && !c.reads_scores) {
      Part part;
      part.addend = mask_.emit(instruction.opcode, a.addend.value_or(0), b.addend.value_or(0), c.addend.value_or(0));
      return part;
    }
    switch (instruction.opcode) {
      case Opcode::mul: return a.reads_scores ? scaled(a, b, false) : scaled(b, a, false);
      case Opcode::div: return scaled(a, b, true);
      case Opcode::add: return a.reads_scores ? plus(a, b) : plus(b, a);
      case Opcode::where:
        return a.reads_scores ? std::nullopt : b.reads_scores ? seen(a, b, c, true) : seen(a, c, b, false);
      default: return std::nullopt;
    }
  }

  static std::optional<Part> scaled(Part scores, const Part& by, bool divides) {
    if (!scores.reads_scores || scores.addend || !by.number || *by.number == 0) return std::nullopt;
    scores.factor = divides ? scores.factor / *by.number : scores.factor * *by.number;
    return scores;
  }

  std::optional<Part> plus(Part scores, const Part& other) {
    if (other.reads_scores) return std::nullopt;
    // The same number everywhere changes no weight.
    if (other.number) return std::isfinite(*other.number) ? std::optional(scores) : std::nullopt;
    scores.addend = scores.addend ? mask_.emit(Opcode::add, *scores.addend, *other.addend) : other.addend;
    return scores;
  }

  /// condition ? scores : hidden, or the other way round.
  std::optional<Part> seen(const Part& condition, Part scores, const Part& hidden, bool where_true) {
    if (!hidden.number || *hidden.number > kHidden) return std::nullopt;
    const std::uint8_t zero = mask_.constant(0), low = *hidden.addend;
    Part mask;
    mask.addend = mask_.emit(Opcode::where, *condition.addend, where_true ? zero : low, where_true ? low : zero);
    return plus(scores, mask);
  }

  const expression::Program& program_;
  expression::Builder mask_;
  std::vector<Part> parts_;
};

bool only_reader(const ir::Graph& graph, const Value* value) {
  return value->users().size() == 1 && !graph.is_output(value);
}

/// What `node` makes of the scores `value`; empty where it does more than scale and mask them.
std::optional<Scores> read_scores(const Node& node, const Value* value) {
  const auto& program = node.program("program");
  const auto& inputs = node.inputs();
  if (program.compute != expression::Compute::f32 || node.output()->type().dtype != DType::f32) return std::nullopt;
  if (node.output()->type().sizes != value->type().sizes || std::count(inputs.begin(), inputs.end(), value) != 1)
    return std::nullopt;
  Reader reader(program, static_cast<std::size_t>(std::find(inputs.begin(), inputs.end(), value) - inputs.begin()));
  const auto result = reader.read();
  if (!result) return std::nullopt;
  Scores scores;
  scores.scale = result->factor;
  if (result->addend) scores.mask = tidy({reader.mask(*result->addend), inputs});
  return scores;
}

/// The mask as a value whose last dimension has all keys.
Value* make_mask(CoreBuilder& build, const BoundProgram& mask, std::int64_t keys) {
  Value* value = nullptr;
  if (mask.program.is_identity()) {
    value = CoreBuilder::unexpanded(mask.operands[0]);
  } else {
    Dims sizes;
    for (const Value* operand : mask.operands) sizes = broadcast(sizes, operand->type().sizes);
    value = build.elementwise(mask.program, mask.operands, {DType::f32, sizes, {}});
  }
  return build.key_mask(value, keys);
}

void fuse(ir::Graph& graph, Node* node) {
  const Value* weights = node->input(0);
  const Node* softmax = weights->producer();
  if (node->has("epilogue") || node->inputs().size() != 2 || !softmax || softmax->op() != "softmax") return;
  const auto last = static_cast<std::int64_t>(weights->type().sizes.size()) - 1;
  if (softmax->flag("log") || softmax->integer("dim") != last || !only_reader(graph, weights)) return;

  Scores scores;
  const Value* value = softmax->input(0);
  const Node* masked = value->producer();
  if (masked && masked->op() == "elementwise" && only_reader(graph, value)) {
    // One operand is the product of queries and keys.
    std::optional<Scores> found;
    for (const Value* operand : masked->inputs()) {
      const Node* made = operand->producer();
      if (found || !made || made->op() != "matmul") continue;
      found = read_scores(*masked, operand);
      if (found) value = operand;
    }
    if (!found) return;
    scores = std::move(*found);
  }
  const Node* product = value->producer();
  if (!product || product->op() != "matmul" || product->inputs().size() != 2 || product->has("epilogue")) return;
  if (!only_reader(graph, value) || value->type().dtype != DType::f32 || product->input(1)->is_constant()) return;

  ir::Source source = node->source();
  for (const Node* part : {product, masked, softmax})
    if (part) source.absorb(part->source());
  CoreBuilder build(graph, node, std::move(source));
  Value* keys = build.transpose(product->input(1), -2, -1);
  Value* mask = scores.mask ? make_mask(build, *scores.mask, value->type().sizes.back()) : nullptr;
  Value* result = build.attention(product->input(0), keys, node->input(1), mask, scores.scale, false, false);
  result->set_name(node->output()->name());
  graph.replace_uses(node->output(), result);
}

}  // namespace

void fuse_attention(ir::Graph& graph) {
  for (Node* node : graph.nodes())
    if (node->op() == "matmul") fuse(graph, node);
  graph.erase_dead();
}

}  // namespace wherry::passes
