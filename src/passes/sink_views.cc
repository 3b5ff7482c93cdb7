// f(permute(x), y) = permute(f(x, permute⁻¹(y))), and the same for reshape. Index changes cost nothing by themselves,
// but they stand between a product and the elementwise op that could be its epilogue (a layer scale and a residual
// after linear → permute), and a reshape of a permute copies what an elementwise op could have read in place (a
// residual added to windows that are put back together). This moves the index change behind the elementwise op.

#include <algorithm>
#include <optional>
#include <unordered_map>

#include "passes/core_builder.h"
#include "passes/rules.h"

namespace wherry::passes {
namespace {

using ir::Node;
using ir::Value;

/// The index changes between an elementwise op and what it could join, nearest the op first: all permutes or all
/// reshapes, because a reshape of a permuted residual would have to move it.
struct Chain {
  std::vector<Node*> steps;
  Node* origin;
};

/// What gains from an elementwise op right behind it: products take it as their epilogue, elementwise ops merge with
/// it, and a permute that is reshaped would have to be copied, where the elementwise op can read it as it lies.
bool gains(const Node& node, const std::vector<Node*>& steps) {
  const std::string& op = node.op();
  return op == "matmul" || op == "convolution" || op == "elementwise" ||
         (op == "permute" && steps[0]->op() == "reshape");
}

std::optional<Chain> chain_behind(const ir::Graph& graph, const Value* value) {
  Chain chain;
  for (Node* node = value->producer(); node; node = node->input(0)->producer()) {
    if (node->output()->users().size() != 1 || graph.is_output(node->output())) return std::nullopt;
    if (!chain.steps.empty() && gains(*node, chain.steps)) {
      chain.origin = node;
      return chain;
    }
    if (node->op() != "permute" && node->op() != "reshape") return std::nullopt;
    if (!chain.steps.empty() && node->op() != chain.steps[0]->op()) return std::nullopt;
    chain.steps.push_back(node);
  }
  return std::nullopt;
}

Dims inverse(const Dims& dims) {
  Dims result(dims.size());
  for (std::size_t i = 0; i < dims.size(); ++i)
    result[static_cast<std::size_t>(dims[i])] = static_cast<std::int64_t>(i);
  return result;
}

Dims without_ones(Dims sizes) {
  std::erase(sizes, 1);
  return sizes;
}

/// The sizes under which an operand of `own` sizes, which broadcasts to the output of the reshape `step`, broadcasts to
/// its input; empty where its elements do not fall together.
std::optional<Dims> before_reshape(const Node& step, const Dims& own) {
  const Dims& out = step.output()->type().sizes;
  const Dims& in = step.input(0)->type().sizes;
  Dims full(out.size() - own.size(), 1);
  full.insert(full.end(), own.begin(), own.end());
  if (full == out) return in;
  if (without_ones(full).empty()) return Dims{};
  if (without_ones(in) == without_ones(out)) {
    Dims sizes(in.size(), 1);
    std::size_t at = 0;
    for (std::size_t d = 0; d < in.size(); ++d) {
      if (in[d] == 1) continue;
      while (out[at] == 1) ++at;
      sizes[d] = full[at++];
    }
    return sizes;
  }
  // A vector along the last dimension stays one where the reshape leaves that dimension alone.
  const bool last_only = std::all_of(full.begin(), full.end() - 1, [](std::int64_t size) { return size == 1; });
  if (last_only && !in.empty() && in.back() == out.back()) return Dims{full.back()};
  return std::nullopt;
}

bool can_go_before(const Chain& chain, const Value* operand) {
  if (chain.steps[0]->op() == "permute") return true;
  Dims sizes = operand->type().sizes;
  for (const Node* step : chain.steps) {
    const auto before = before_reshape(*step, sizes);
    if (!before) return false;
    sizes = *before;
  }
  return true;
}

Value* before(CoreBuilder& build, const Chain& chain, Value* operand) {
  for (const Node* step : chain.steps) {
    const Dims& own = operand->type().sizes;
    if (step->op() == "reshape") {
      operand = build.reshape(operand, *before_reshape(*step, own));
      continue;
    }
    Dims full(step->output()->type().sizes.size() - own.size(), 1);
    full.insert(full.end(), own.begin(), own.end());
    operand = build.permute(build.reshape(operand, std::move(full)), inverse(step->integers("dims")));
  }
  return operand;
}

class Sinker {
 public:
  explicit Sinker(ir::Graph& graph) : graph_(graph) {
    for (const Node* node : graph.nodes()) positions_[node] = positions_.size();
  }

  void sink(Node* node) {
    for (Value* input : node->inputs()) {
      if (input->type().sizes != node->output()->type().sizes) continue;
      if (const auto chain = chain_behind(graph_, input); chain && sink_along(node, input, *chain)) return;
    }
  }

 private:
  bool sink_along(Node* node, Value* input, const Chain& chain) {
    for (const Value* operand : node->inputs())
      if (operand != input && !can_go_before(chain, operand)) return false;
    CoreBuilder build(graph_, node, node->source());
    std::vector<Value*> operands = node->inputs();
    for (Value*& operand : operands) {
      if (operand == input) {
        operand = chain.origin->output();
        continue;
      }
      // An epilogue can read only what exists before its product.
      const bool early = !operand->producer() || position(operand->producer()) < position(chain.origin);
      CoreBuilder at(graph_, early ? chain.origin : node, node->source());
      Value* original = operand;
      operand = before(at, chain, operand);
      for (const Node* made = operand->producer(); made && operand != original && !positions_.contains(made);
           made = made->input(0)->producer())
        positions_[made] = position(early ? chain.origin : node);
    }
    const ir::TensorType& type = node->output()->type();
    Value* result = build.elementwise(node->program("program"), std::move(operands),
                                      {type.dtype, chain.origin->output()->type().sizes, {}});
    positions_[result->producer()] = position(node);
    for (auto step = chain.steps.rbegin(); step != chain.steps.rend(); ++step) {
      result = (*step)->op() == "permute" ? build.permute(result, (*step)->integers("dims"))
                                          : build.reshape(result, (*step)->output()->type().sizes);
      positions_[result->producer()] = position(node);
    }
    result->set_name(node->output()->name());
    graph_.replace_uses(node->output(), result);
    // The old nodes go at once, so that nothing but the new ones reads the product.
    graph_.erase(node);
    for (Node* step : chain.steps) graph_.erase(step);
    return true;
  }

  std::size_t position(const Node* node) const { return positions_.at(node); }

  ir::Graph& graph_;
  std::unordered_map<const Node*, std::size_t> positions_;
};

}  // namespace

void sink_views(ir::Graph& graph) {
  graph.erase_dead();
  Sinker sinker(graph);
  for (Node* node : graph.nodes())
    if (node->op() == "elementwise") sinker.sink(node);
}

}  // namespace wherry::passes
