// x·A, x·B and x·C are slices of x·[A B C]: queries, keys and values of attention are one product, which reads x once
// and writes where attention reads. The joined weight is as lazy as its parts.

#include <algorithm>
#include <unordered_map>
#include <vector>

#include "passes/core_builder.h"
#include "passes/rules.h"

namespace wherry::passes {
namespace {

using ir::Node;
using ir::Value;

bool moves(const Node& node) { return node.op() == "reshape" || node.op() == "permute" || node.op() == "slice"; }

/// Whether all that reads a value, past index changes, multiplies it: whoever could become the product's epilogue is
/// worth more there.
bool only_multiplied(const ir::Graph& graph, const Value* value) {
  if (graph.is_output(value)) return false;
  return std::all_of(value->users().begin(), value->users().end(), [&](const Node* user) {
    if (moves(*user)) return only_multiplied(graph, user->output());
    return user->op() == "attention" || user->op() == "matmul";
  });
}

/// x [..., K] times a constant [K, N], plus a constant [N] or nothing.
bool is_linear(const Node& node) {
  if (node.op() != "matmul" || node.has("epilogue") || node.inputs().size() > 3) return false;
  const Value* bias = node.input(2);
  return node.input(1)->is_constant() && node.input(1)->type().sizes.size() == 2 && (!bias || bias->is_constant());
}

void merge(ir::Graph& graph, const std::vector<Node*>& products) {
  Node* first = products.front();
  ir::Source source = first->source();
  for (const Node* product : products) source.absorb(product->source());
  CoreBuilder build(graph, first, std::move(source));
  std::vector<Value*> weights, biases;
  for (const Node* product : products) {
    weights.push_back(product->input(1));
    biases.push_back(product->input(2));
  }
  if (std::any_of(biases.begin(), biases.end(), [](const Value* bias) { return bias != nullptr; })) {
    for (std::size_t i = 0; i < biases.size(); ++i)
      if (!biases[i]) biases[i] = build.full({weights[i]->type().sizes[1]}, 0, weights[i]->type().dtype);
  } else {
    biases.clear();
  }
  Value* bias = biases.empty() ? nullptr : build.concat(std::move(biases), 0);
  Value* all = build.matmul(first->input(0), build.concat(std::move(weights), 1), bias);
  const auto last = static_cast<std::int64_t>(all->type().sizes.size()) - 1;
  std::int64_t begin = 0;
  for (Node* product : products) {
    const std::int64_t end = begin + product->input(1)->type().sizes[1];
    Value* part = build.slice(all, last, begin, end);
    part->set_name(product->output()->name());
    graph.replace_uses(product->output(), part);
    begin = end;
  }
}

}  // namespace

void merge_products(ir::Graph& graph) {
  std::unordered_map<const Value*, std::vector<Node*>> by_operand;
  const auto nodes = graph.nodes();
  for (Node* node : nodes)
    if (is_linear(*node) && only_multiplied(graph, node->output())) by_operand[node->input(0)].push_back(node);
  for (Node* node : nodes) {
    if (!is_linear(*node)) continue;
    const auto found = by_operand.find(node->input(0));
    if (found != by_operand.end() && found->second.front() == node && found->second.size() > 1)
      merge(graph, found->second);
  }
  graph.erase_dead();
}

}  // namespace wherry::passes
