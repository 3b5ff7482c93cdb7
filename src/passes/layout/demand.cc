#include "passes/layout/demand.h"

#include <algorithm>

namespace wherry::passes::layout {
namespace {

bool wants_images(const ir::Node& node) {
  return node.op() == "convolution" || node.op() == "pool" || node.op() == "adaptive_pool";
}

}  // namespace

Demands demands(const ir::Graph& graph) {
  Demands wanted;
  for (const ir::Value* output : graph.outputs()) wanted.try_emplace(output, row_major(output->type().sizes.size()));
  const auto nodes = graph.nodes();
  for (auto it = nodes.rbegin(); it != nodes.rend(); ++it) {
    const ir::Node& node = **it;
    if (wants_images(node)) {
      // A kernel's need outranks a reader's wish.
      wanted[node.input(0)] = channels_last();
      for (std::size_t i = 3; i < node.inputs().size(); ++i)
        if (node.input(i)->type().sizes == node.output()->type().sizes)
          wanted.try_emplace(node.input(i), channels_last());
      continue;
    }
    if (node.outputs().size() != 1) continue;
    const auto found = wanted.find(node.output());
    const Dims& out = node.output()->type().sizes;
    if (node.op() == "reshape") {
      const Dims& in = node.input(0)->type().sizes;
      const Order order = found != wanted.end() ? found->second : row_major(out.size());
      wanted.try_emplace(node.input(0), before_reshape(order, in, out));
      continue;
    }
    if (node.op() == "layer_norm" || node.op() == "matmul") {
      // Rows one after the other, and residuals as the result lies.
      const bool one_product = node.op() == "layer_norm" || node.input(1)->type().sizes.size() == 2;
      if (one_product) wanted.try_emplace(node.input(0), row_major(node.input(0)->type().sizes.size()));
      for (std::size_t i = 3; one_product && i < node.inputs().size(); ++i)
        if (node.input(i)->type().sizes == out) wanted.try_emplace(node.input(i), row_major(out.size()));
      continue;
    }
    if (found == wanted.end()) continue;
    const Order order = found->second;
    if (node.op() == "permute") {
      wanted.try_emplace(node.input(0), before_permute(order, node.integers("dims")));
    } else if (node.op() == "slice" || node.op() == "pad" || node.op() == "concat" || node.op() == "softmax") {
      for (const ir::Value* input : node.inputs()) wanted.try_emplace(input, order);
    } else if (node.op() == "elementwise") {
      for (const ir::Value* input : node.inputs())
        if (input->type().sizes == out) wanted.try_emplace(input, order);
    }
  }
  return wanted;
}

}  // namespace wherry::passes::layout
