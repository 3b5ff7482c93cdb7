// From the last node backwards, each elementwise op takes in the elementwise ops that only it reads.

#include <algorithm>
#include <unordered_set>

#include "passes/core_builder.h"
#include "passes/merge_programs.h"
#include "passes/rules.h"

namespace wherry::passes {
namespace {

using ir::Node;
using ir::Value;

bool only_reader(const ir::Graph& graph, const Value* value, const Node* reader) {
  const auto& users = value->users();
  return std::all_of(users.begin(), users.end(), [&](const Node* u) { return u == reader; }) && !graph.is_output(value);
}

/// Merges one producer of `node` into it; the node that replaces it, or null where there is none to merge.
Node* take_in(ir::Graph& graph, Node* node, std::unordered_set<const Node*>& gone) {
  const BoundProgram consumer{node->program("program"), node->inputs()};
  for (Value* value : node->inputs()) {
    Node* made = value->producer();
    if (!made || made->op() != "elementwise" || !only_reader(graph, value, node)) continue;
    if (value->type().sizes != node->output()->type().sizes) continue;
    const auto merged = merge({made->program("program"), made->inputs()}, value, consumer);
    if (!merged) continue;
    ir::Source source = node->source();
    source.absorb(made->source());
    CoreBuilder build(graph, node, std::move(source));
    Value* result = build.elementwise(merged->program, merged->operands, node->output()->type());
    result->set_name(node->output()->name());
    graph.replace_uses(node->output(), result);
    gone.insert({node, made});
    graph.erase(node);
    graph.erase(made);
    return result->producer();
  }
  return nullptr;
}

}  // namespace

void fuse_elementwise(ir::Graph& graph) {
  graph.erase_dead();
  std::unordered_set<const Node*> gone;
  const auto nodes = graph.nodes();
  for (auto it = nodes.rbegin(); it != nodes.rend(); ++it) {
    Node* node = *it;
    if (gone.contains(node) || node->op() != "elementwise") continue;
    while (node) node = take_in(graph, node, gone);
  }
}

}  // namespace wherry::passes
