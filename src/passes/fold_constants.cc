// Three ways to fold: index and mask arithmetic is computed now; what is small when first read, and kept; weights
// whenever they are read, so that a folded copy never lies beside its origin.

#include <algorithm>
#include <array>

#include "ir/ops.h"
#include "passes/constant/lazy.h"
#include "passes/rules.h"

namespace wherry::passes {
namespace {

/// Largest tensor that is kept once it is computed.
constexpr std::int64_t kSmall = std::int64_t{1} << 14;
/// Largest result of index and mask arithmetic (ATen ops), which only evaluation can do.
constexpr std::int64_t kMask = std::int64_t{1} << 22;
/// Repeating a constant takes memory that reading it again does not.
constexpr std::int64_t kRepeated = 4096;
/// Multiplications of a constant matmul that are worth doing at load.
constexpr std::int64_t kProduct = std::int64_t{1} << 26;

bool all_constant(const ir::Node& node) {
  return std::all_of(node.inputs().begin(), node.inputs().end(), [](auto* v) { return !v || v->is_constant(); });
}

std::int64_t largest(const std::vector<ir::Value*>& values) {
  std::int64_t most = 0;
  for (const ir::Value* v : values)
    if (v) most = std::max(most, v->type().numel());
  return most;
}

/// ATen ops that lowering turns into lazily folded views.
bool is_view(std::string_view op) {
  constexpr std::array kViews = {"aten::view",  "aten::reshape",    "aten::permute", "aten::transpose",
                                 "aten::t",     "aten::flatten",    "aten::squeeze", "aten::unsqueeze",
                                 "aten::slice", "aten::select",     "aten::to",      "aten::expand",
                                 "aten::clone", "aten::contiguous", "aten::detach"};
  return std::find(kViews.begin(), kViews.end(), op) != kViews.end();
}

bool fold_now(ir::Graph& graph, ir::Node* node, std::int64_t limit) {
  if (!ir::can_evaluate(node->op()) || largest(node->inputs()) > limit || largest(node->outputs()) > limit)
    return false;
  std::vector<Tensor> values;
  std::vector<const Tensor*> inputs;
  values.reserve(node->inputs().size());
  for (const ir::Value* input : node->inputs()) {
    values.push_back(input ? input->constant()->get() : Tensor());
    inputs.push_back(input ? &values.back() : nullptr);
  }
  std::vector<ir::TensorType> types;
  for (const ir::Value* output : node->outputs()) types.push_back(output->type());
  auto results = ir::evaluate(node->op(), inputs, node->attributes(), types, limit);
  if (!results) return false;
  for (std::size_t i = 0; i < results->size(); ++i)
    graph.replace_uses(node->output(i), graph.add_constant(std::move((*results)[i]), node->output(i)->name()));
  return true;
}

constant::LazyTensorPtr fold_later(const ir::Node& node) {
  const auto in = [&](std::size_t i) { return node.input(i) ? node.input(i)->constant() : nullptr; };
  const ir::TensorType& type = node.output()->type();
  const std::string& op = node.op();
  if (op == "reshape") return constant::reshape(in(0), type.sizes);
  if (op == "permute") return constant::permute(in(0), node.integers("dims"));
  if (op == "slice")
    return constant::slice(in(0), node.integer("dim"), node.integer("start"), node.integer("end"),
                           node.integer("step"));
  if (op == "expand" && type.numel() <= kRepeated) return constant::expand(in(0), type.sizes);
  if (op == "concat") {
    std::vector<constant::LazyTensorPtr> parts;
    for (const ir::Value* input : node.inputs()) parts.push_back(input->constant());
    return constant::concat(parts, node.integer("dim"));
  }
  if (op == "elementwise") {
    std::vector<constant::LazyTensorPtr> operands;
    for (const ir::Value* input : node.inputs()) operands.push_back(input->constant());
    return constant::elementwise(node.program("program"), operands, type.dtype, type.sizes);
  }
  if (op == "matmul" && !node.has("epilogue") && node.inputs().size() <= 3 && in(1)->sizes().size() == 2) {
    const Dims& b = in(1)->sizes();
    const bool floats = in(0)->dtype() == DType::f32 && in(1)->dtype() == DType::f32 && type.dtype == DType::f32 &&
                        (!in(2) || in(2)->dtype() == DType::f32);
    if (!floats || b[0] == 0 || type.numel() * b[0] > kProduct) return nullptr;
    const auto rows = constant::reshape(in(0), {element_count(in(0)->sizes()) / b[0], b[0]});
    return constant::reshape(constant::matmul(rows, in(1), in(2)), type.sizes);
  }
  return nullptr;
}

}  // namespace

void fold_constants(ir::Graph& graph) {
  for (ir::Node* node : graph.nodes()) {
    if (!all_constant(*node)) continue;
    const bool aten = node->op().starts_with("aten::");
    if (aten) {
      // Weights stay where they are: their views become lazy constants once they are core ops.
      const bool weight = is_view(node->op()) && is_floating(node->output()->type().dtype);
      fold_now(graph, node, weight ? kSmall : kMask);
      continue;
    }
    if (const auto folded = fold_later(*node)) {
      const bool small =
          std::max(largest(node->inputs()), largest(node->outputs())) <= kSmall && node->op() != "matmul";
      // What is small is computed once, when first read: for most shapes it has been packed already and never is.
      graph.replace_uses(node->output(),
                         graph.add_constant(small ? constant::remembered(folded) : folded, node->output()->name()));
    } else if (node->op() != "expand") {
      fold_now(graph, node, kMask);
    }
  }
  graph.erase_dead();
}

}  // namespace wherry::passes
