// (c·a)·b = c·(a·b). Attention scales its queries or keys before the product; a pass over them is spared by scaling the
// product in its epilogue instead.

#include <optional>
#include <vector>

#include "passes/core_builder.h"
#include "passes/rules.h"

namespace wherry::passes {
namespace {

using expression::Opcode;
using ir::Node;
using ir::Value;

/// The number that a program of one operand multiplies it by; empty where it does anything else.
std::optional<double> factor_of(const expression::Program& program) {
  if (program.inputs != 1 || program.compute != expression::Compute::f32 || program.code.size() != 2)
    return std::nullopt;
  const auto &number = program.code[0], &product = program.code[1];
  if (number.opcode != Opcode::constant) return std::nullopt;
  const bool operand_first = product.a == 0 && product.b == 1, number_first = product.a == 1 && product.b == 0;
  if (product.opcode == Opcode::mul && (operand_first || number_first)) return number.immediate;
  if (product.opcode == Opcode::div && operand_first && number.immediate != 0) return 1 / number.immediate;
  return std::nullopt;
}

struct Scaled {
  std::vector<Node*> views;  ///< between the scale and the product, nearest the product first
  Node* scale;
  Value* unscaled;
  double factor;
};

std::optional<Scaled> scaled(const ir::Graph& graph, const Value* operand) {
  Scaled found;
  for (Node* node = operand->producer(); node; node = node->input(0)->producer()) {
    const Value* output = node->output();
    if (node->outputs().size() != 1 || output->users().size() != 1 || graph.is_output(output)) return std::nullopt;
    if (node->op() == "permute" || node->op() == "reshape") {
      found.views.push_back(node);
      continue;
    }
    if (node->op() != "elementwise" || output->type().dtype != DType::f32) return std::nullopt;
    const auto factor = factor_of(node->program("program"));
    if (!factor || node->input(0)->type().dtype != DType::f32) return std::nullopt;
    found.scale = node;
    found.unscaled = node->input(0);
    found.factor = *factor;
    return found;
  }
  return std::nullopt;
}

void move_scale(ir::Graph& graph, Node* node) {
  for (std::size_t i = 0; i < 2; ++i) {
    const auto found = scaled(graph, node->input(i));
    if (!found) continue;
    ir::Source source = node->source();
    source.absorb(found->scale->source());
    CoreBuilder build(graph, node, std::move(source));
    Value* operand = found->unscaled;
    for (auto view = found->views.rbegin(); view != found->views.rend(); ++view)
      operand = (*view)->op() == "permute" ? build.permute(operand, (*view)->integers("dims"))
                                           : build.reshape(operand, (*view)->output()->type().sizes);
    Value* product = build.matmul(i == 0 ? operand : node->input(0), i == 1 ? operand : node->input(1));
    Value* result = build.binary(Opcode::mul, product, Operand(found->factor), product->type().dtype);
    result->set_name(node->output()->name());
    graph.replace_uses(node->output(), result);
    graph.erase(node);
    return;
  }
}

}  // namespace

void move_scales(ir::Graph& graph) {
  for (Node* node : graph.nodes())
    if (node->op() == "matmul" && node->inputs().size() == 2 && node->output()->type().dtype == DType::f32)
      move_scale(graph, node);
  graph.erase_dead();
}

}  // namespace wherry::passes
