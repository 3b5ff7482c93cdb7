// The pass runs last, on a graph that has its layout: it changes what values are stored as and nothing else. Products
// multiply bf16; between them values stay bf16 wherever all readers can read that; the rest of the arithmetic is fp32
// on its way through registers.

#include <algorithm>
#include <map>
#include <unordered_set>

#include "passes/core_builder.h"
#include "passes/layout/memory_order.h"
#include "passes/rules.h"

namespace wherry::passes {
namespace {

using ir::Node;
using ir::Value;

constexpr std::size_t kFirstOperand = 3;  ///< of an epilogue
constexpr std::int64_t kFewChannels = 16;

bool is_product(const Node& node) {
  return node.op() == "convolution" || node.op() == "matmul" || node.op() == "attention";
}

/// Inputs that are multiplied are the first ones.
std::size_t multiplied(const Node& node) { return node.op() == "attention" ? 3 : 2; }

bool is_pool(const Node& node) { return node.op() == "pool" || node.op() == "adaptive_pool"; }

/// Their result is fp32, as their sums are.
bool is_sum(const Node& node) {
  return node.op() == "reduce" && (node.text("mode") == "sum" || node.text("mode") == "mean");
}

/// Rows are read and written as fp32 or bf16; the statistics are fp32.
bool is_layer_norm(const Node& node) { return node.op() == "layer_norm"; }

/// Ops that move elements: their result is stored as their operands are.
bool moves(const Node& node) { return node.op() == "view" || node.op() == "copy" || node.op() == "concat"; }

bool is_f32(const Value* value) { return value != nullptr && value->type().dtype == DType::f32; }

/// Picks rows of an activation, which stay as they are stored.
bool picks_from(const Node& node, const Value& table) { return node.op() == "gather" && node.input(0) == &table; }

/// Whether this product multiplies bf16: fp32 numbers, at least one of them in depth.
bool multiplies_bf16(const Node& node) {
  if (!is_product(node) || !is_f32(node.input(0)) || !is_f32(node.input(1))) return false;
  if (node.input(2) != nullptr && !is_f32(node.input(2))) return false;
  if (node.op() == "attention") return true;
  if (node.op() == "convolution") return node.input(1)->is_constant();
  return node.input(0)->type().sizes.back() > 0;
}

/// Few channels are padded, so the image is copied whatever its dtype and order are: no need to do so twice.
bool takes_any_image(const Node& node) {
  return node.op() == "convolution" && node.integer("groups") == 1 && node.input(0)->type().sizes[1] < kFewChannels;
}

/// Whether an input belongs to the epilogue.
bool is_operand(const Node& node, std::size_t i) { return node.op() != "attention" && i >= kFirstOperand; }

/// Constant right-hand sides are packed, and converted then.
bool is_weight(const Node& node, std::size_t i) {
  if (i != 1 || node.op() == "attention") return false;
  if (node.op() == "convolution") return true;
  const Dims& sizes = node.input(1)->type().sizes;
  return node.input(1)->is_constant() &&
         std::all_of(sizes.begin(), sizes.end() - 2, [](std::int64_t size) { return size == 1; });
}

class Bf16 {
 public:
  Bf16(ir::Graph& graph, std::span<const std::string> keep_fp32) : graph_(graph), keep_fp32_(keep_fp32) {}

  void run() {
    for (const Node* node : graph_.nodes()) {
      if (multiplies_bf16(*node) && !kept(*node)) products_.insert(node);
      for (Value* value : node->outputs())
        if (value->type().dtype == DType::f32 && !graph_.is_output(value)) stored_.insert(value);
    }
    // Start from all, and take out what cannot be, until nothing changes.
    for (bool changed = true; changed;) {
      changed = false;
      for (const Node* node : graph_.nodes())
        for (Value* value : node->outputs())
          if (stored_.contains(value) && !(can_write(*node, *value) && all_can_read(*value)))
            changed = stored_.erase(value) > 0 || changed;
    }
    for (Value* value : stored_) value->type().dtype = DType::bf16;
    for (Node* node : graph_.nodes()) {
      if (!products_.contains(node)) continue;
      if (takes_any_image(*node) && is_f32(node->input(0))) {
        node->set("dtype", DType::bf16);
        const Node* order = node->input(0)->producer();
        if (order != nullptr && order->op() == "copy") node->set_input(0, order->input(0));
        continue;
      }
      for (std::size_t i = 0; i < multiplied(*node); ++i)
        if (!is_weight(*node, i) && is_f32(node->input(i))) node->set_input(i, cast(node->input(i), node));
    }
    graph_.erase_dead();
  }

 private:
  bool kept(const Node& node) const {
    return std::find(keep_fp32_.begin(), keep_fp32_.end(), node.source().module) != keep_fp32_.end();
  }
  bool stored(const Value* value) const { return stored_.contains(const_cast<Value*>(value)); }

  /// Whether `node` can write `value` as bf16, and the value is an activation: something that was multiplied. (A mask
  /// or a table of positions has values that bf16 would change for no gain.)
  bool can_write(const Node& node, const Value& value) const {
    if (is_product(node)) return products_.contains(&node);
    const auto& inputs = node.inputs();
    if (node.op() == "gather") return stored(node.input(0));
    if (is_layer_norm(node)) return is_f32(node.input(0));
    if (moves(node) || is_pool(node))
      return std::all_of(inputs.begin(), inputs.end(), [&](const Value* input) { return stored(input); });
    if (node.op() != "elementwise" || node.program("program").compute != expression::Compute::f32) return false;
    return std::any_of(inputs.begin(), inputs.end(),
                       [&](const Value* input) { return stored(input) && input->type().sizes == value.type().sizes; });
  }

  bool all_can_read(const Value& value) const {
    return std::all_of(value.users().begin(), value.users().end(), [&](const Node* user) {
      if (user->op() == "elementwise" || is_sum(*user)) return true;
      if (moves(*user) || is_pool(*user) || picks_from(*user, value)) return stored(user->output());
      if (is_layer_norm(*user)) return user->input(1) != &value && user->input(2) != &value;
      if (!products_.contains(user)) return false;
      for (std::size_t i = 0; i < user->inputs().size(); ++i)
        if (user->input(i) == &value && i >= multiplied(*user) && !is_operand(*user, i)) return false;
      return true;
    });
  }

  Value* cast(Value* value, Node* at) {
    Value*& found = casts_[value];
    if (found != nullptr) return found;
    const ir::TensorType& type = value->type();
    const Dims strides = layout::dense_strides(type.sizes, layout::order_of(type.sizes, type.strides));
    expression::Program program;
    program.inputs = 1;
    found = graph_
                .add_node("elementwise", {value}, {{"program", program}}, {{DType::bf16, type.sizes, strides}},
                          at->source(), at)
                ->output();
    return found;
  }

  ir::Graph& graph_;
  std::span<const std::string> keep_fp32_;
  std::unordered_set<const Node*> products_;
  std::unordered_set<Value*> stored_;  ///< as bf16
  std::map<Value*, Value*> casts_;
};

}  // namespace

void use_bf16(ir::Graph& graph, std::span<const std::string> keep_fp32) { Bf16(graph, keep_fp32).run(); }

}  // namespace wherry::passes
