// One walk forward: by the time a node is reached its inputs have strides, so each op either accepts them, or gets a
// copy in an order its kernel can read, and then says how its own result lies in memory.
//
// The rules by op stand in Assigner::visit. What they aim at: images channels-last from the first convolution to the
// last, sequences row-major, and every index change a view.

#include <algorithm>
#include <functional>
#include <map>

#include "base/check.h"
#include "passes/layout/demand.h"
#include "passes/layout/memory_order.h"
#include "passes/layout/view_strides.h"
#include "passes/rules.h"

namespace wherry::passes {
namespace {

using ir::Node;
using ir::TensorType;
using ir::Value;
using namespace layout;

class Assigner {
 public:
  explicit Assigner(ir::Graph& graph) : graph_(graph), demands_(demands(graph)) {}

  void run() {
    for (Value* input : graph_.inputs()) set_row_major(input);
    for (Value* constant : graph_.constants()) set_row_major(constant);
    for (Node* node : graph_.nodes()) visit(node);
    finish_outputs();
    graph_.erase_dead();
  }

 private:
  static void set_row_major(Value* value) { value->type().strides = contiguous_strides(value->type().sizes); }
  static void set_order(Value* value, const Order& order) {
    value->type().strides = dense_strides(value->type().sizes, order);
  }
  static Order order(const Value* value) { return order_of(value->type().sizes, value->type().strides); }
  static bool unit_stride(const TensorType& type, std::size_t dim) {
    return type.sizes[dim] == 1 || type.strides[dim] == 1;
  }

  /// The order the readers of `value` would like, or `otherwise`.
  Order wanted(const Value* value, Order otherwise) const {
    const auto found = demands_.find(value);
    return found != demands_.end() ? found->second : otherwise;
  }

  /// The value that owns the bytes `value` is a view of, and where in them it begins.
  struct Place {
    Value* base;
    std::int64_t offset;
  };
  static Place place(Value* value) {
    const Node* made = value->producer();
    if (!made || made->op() != "view") return {value, 0};
    return {made->input(0), made->integer("offset")};
  }

  /// `value` in memory without gaps in this order: itself, a copy made earlier, or a new copy before `at` (null: at the
  /// end).
  Value* in_order(Value* value, const Order& wanted_order, Node* at) {
    const TensorType& type = value->type();
    if (follows(type.sizes, type.strides, wanted_order)) return value;
    const Dims strides = dense_strides(type.sizes, wanted_order);
    Value*& copy = copies_[{value, strides}];
    if (!copy) {
      const Node* source = value->producer() ? value->producer() : at;
      copy = graph_
                 .add_node("copy", {value}, {}, {{type.dtype, type.sizes, strides}},
                           source ? source->source() : ir::Source{}, at)
                 ->output();
      copy->set_name(value->name());
    }
    return copy;
  }

  void require(Node* node, std::size_t i, const Order& wanted_order) {
    node->set_input(i, in_order(node->input(i), wanted_order, node));
  }

  /// Replaces an index change by a view of `x`, which has the strides that make it one.
  void become_view(Node* node, Value* x, Dims strides, std::int64_t offset) {
    const Place from = place(x);
    TensorType type = node->output()->type();
    type.strides = std::move(strides);
    Value* output = node->output();
    Value* view =
        graph_
            .add_node("view", {from.base}, {{"offset", from.offset + offset}}, {std::move(type)}, node->source(), node)
            ->output();
    view->set_name(output->name());
    if (const auto found = demands_.find(output); found != demands_.end()) demands_[view] = found->second;
    graph_.replace_uses(output, view);
    graph_.erase(node);
  }

  void reshape(Node* node) {
    Value* x = node->input(0);
    const TensorType in = x->type();
    const Dims& to = node->output()->type().sizes;
    auto strides = view_strides(in.sizes, in.strides, to);
    if (!strides) {
      // The elements must move: to where the readers of the result would like them.
      const Order after = wanted(node->output(), row_major(to.size()));
      x = in_order(x, before_reshape(after, in.sizes, to), node);
      strides = view_strides(in.sizes, x->type().strides, to);
      WHERRY_CHECK(strides.has_value());
    }
    become_view(node, x, std::move(*strides), 0);
  }

  void permute(Node* node) {
    Dims strides;
    for (const std::int64_t d : node->integers("dims"))
      strides.push_back(node->input(0)->type().strides[static_cast<std::size_t>(d)]);
    become_view(node, node->input(0), std::move(strides), 0);
  }

  void slice(Node* node) {
    const auto dim = static_cast<std::size_t>(node->integer("dim"));
    Dims strides = node->input(0)->type().strides;
    const std::int64_t offset = node->output()->type().numel() == 0 ? 0 : node->integer("start") * strides[dim];
    strides[dim] *= node->integer("step");
    become_view(node, node->input(0), std::move(strides), offset);
  }

  void expand(Node* node) {
    const TensorType& in = node->input(0)->type();
    const Dims& to = node->output()->type().sizes;
    const std::size_t missing = to.size() - in.sizes.size();
    Dims strides(to.size(), 0);
    for (std::size_t d = missing; d < to.size(); ++d)
      if (in.sizes[d - missing] == to[d]) strides[d] = in.strides[d - missing];
    become_view(node, node->input(0), std::move(strides), 0);
  }

  /// Images for convolutions and pools: C stride 1, no repeats.
  void require_image(Node* node) {
    Value* x = node->input(0);
    const TensorType& type = x->type();
    bool good = unit_stride(type, 1);
    for (std::size_t d = 0; d < 4; ++d) good &= type.sizes[d] == 1 || type.strides[d] != 0;
    if (!good)
      require(node, 0, channels_last());
    else if (type.sizes[1] == 1 && type.strides[1] != 1) {
      // One channel: say so in the strides, for kernels that look at nothing else.
      const Place from = place(x);
      TensorType same = type;
      same.strides[1] = 1;
      node->set_input(
          0, graph_.add_node("view", {from.base}, {{"offset", from.offset}}, {std::move(same)}, node->source(), node)
                 ->output());
    }
  }

  /// Operands of an epilogue that vary along rows and columns are read beside the output: last dimension of `rows`
  /// dense.
  void require_operands(Node* node, const Order& out) {
    const Dims& sizes = node->output()->type().sizes;
    for (std::size_t i = 3; i < node->inputs().size(); ++i) {
      const TensorType& type = node->input(i)->type();
      if (type.sizes != sizes || follows(type.sizes, type.strides, out)) continue;
      require(node, i, out);
    }
  }

  void matmul(Node* node) {
    for (std::size_t i = 0; i < 2; ++i) {
      const TensorType& type = node->input(i)->type();
      const std::size_t rank = type.sizes.size();
      if (!unit_stride(type, rank - 1) && !unit_stride(type, rank - 2)) require(node, i, row_major(rank));
    }
    Value* out = node->output();
    const std::size_t rank = out->type().sizes.size();
    Order order = wanted(out, row_major(rank));
    // Rows of the result are written whole; a product with one right-hand side runs over all rows at once.
    const bool one_product = node->input(1)->type().sizes.size() == 2;
    if (order.back() != rank - 1 || one_product) order = row_major(rank);
    set_order(out, order);
    require_operands(node, order);
  }

  /// Heads are read and written as they lie; the elements of a row are neighbours.
  void attention(Node* node) {
    for (std::size_t i = 0; i < node->inputs().size(); ++i) {
      const TensorType& type = node->input(i)->type();
      const std::size_t rank = type.sizes.size();
      if (!unit_stride(type, rank - 1)) require(node, i, row_major(rank));
    }
    const std::size_t rank = node->output()->type().sizes.size();
    const Order order = wanted(node->output(), row_major(rank));
    set_order(node->output(), order.back() == rank - 1 ? order : row_major(rank));
  }

  /// Elementwise results lie as their largest operand does, so that both are walked in one go.
  Order order_of_largest(const Node* node) const {
    const Value* largest = nullptr;
    std::int64_t most = -1;
    for (const Value* input : node->inputs()) {
      if (input->type().sizes.size() != node->output()->type().sizes.size()) continue;
      std::int64_t elements = 1;
      for (std::size_t d = 0; d < input->type().sizes.size(); ++d)
        if (input->type().strides[d] != 0) elements *= input->type().sizes[d];
      if (input->is_constant()) elements = 0;
      // Of equals, the one that lies as the readers would like.
      const bool liked = elements == most && order(input) == wanted(node->output(), {});
      if (elements > most || liked) {
        largest = input;
        most = elements;
      }
    }
    const Order otherwise = wanted(node->output(), row_major(node->output()->type().sizes.size()));
    if (!largest || most == 0) return otherwise;
    // A row-major graph input has to be turned somewhere; doing it here saves a pass over memory.
    if (!largest->producer()) return otherwise;
    return order(largest);
  }

  /// Norms and softmax: dimensions from `first` to the end innermost and without gaps; any order outside.
  void require_innermost(Node* node, std::size_t first) {
    const TensorType& type = node->input(0)->type();
    Order lies = order(node->input(0));
    const std::size_t rank = lies.size();
    bool good = is_dense(type.sizes, type.strides);
    Order outer;
    for (const std::size_t d : lies)
      if (d < first) outer.push_back(d);
    for (std::size_t d = first; d < rank; ++d) outer.push_back(d);
    good = good && follows(type.sizes, type.strides, outer);
    if (!good) require(node, 0, outer);
    set_order(node->output(), outer);
  }

  void softmax(Node* node) {
    const auto dim = static_cast<std::size_t>(node->integer("dim"));
    const TensorType& type = node->input(0)->type();
    Order inner;
    for (const std::size_t d : order(node->input(0)))
      if (d != dim) inner.push_back(d);
    inner.push_back(dim);
    if (!follows(type.sizes, type.strides, inner)) require(node, 0, inner);
    set_order(node->output(), inner);
  }

  void reduce(Node* node) {
    const Dims& dims = node->integers("dims");
    const bool keep = node->flag("keepdim");
    const Order lies = order(node->input(0));
    if (keep) {
      set_order(node->output(), lies);
      return;
    }
    // Dimensions that remain keep their order; each moves down by the reduced ones before it.
    Order out;
    for (const std::size_t d : lies) {
      if (std::find(dims.begin(), dims.end(), static_cast<std::int64_t>(d)) != dims.end()) continue;
      out.push_back(d - static_cast<std::size_t>(std::count_if(dims.begin(), dims.end(), [&](std::int64_t r) {
                      return r < static_cast<std::int64_t>(d);
                    })));
    }
    set_order(node->output(), out);
  }

  void group_norm(Node* node) {
    const TensorType& type = node->input(0)->type();
    const std::size_t rank = type.sizes.size();
    Order lies = order(node->input(0));
    if (!is_dense(type.sizes, type.strides) || (lies != row_major(rank) && !(rank == 4 && lies == channels_last()))) {
      lies = row_major(rank);
      require(node, 0, lies);
    }
    set_order(node->output(), lies);
  }

  void visit(Node* node) {
    const std::string& op = node->op();
    if (op == "reshape") return reshape(node);
    if (op == "permute") return permute(node);
    if (op == "slice") return slice(node);
    if (op == "expand") return expand(node);
    if (op == "matmul") return matmul(node);
    if (op == "attention") return attention(node);
    if (op == "softmax") return softmax(node);
    if (op == "reduce") return reduce(node);
    if (op == "group_norm") return group_norm(node);
    if (op == "convolution" || op == "pool" || op == "adaptive_pool") {
      require_image(node);
      set_order(node->output(), channels_last());
      if (op == "convolution") require_operands(node, channels_last());
    } else if (op == "layer_norm") {
      require_innermost(node, node->output()->type().sizes.size() - static_cast<std::size_t>(node->integer("dims")));
    } else if (op == "elementwise" || op == "concat" || op == "pad") {
      set_order(node->output(), order_of_largest(node));
    } else if (op == "gather") {
      for (std::size_t i = 0; i < 2; ++i) require(node, i, row_major(node->input(i)->type().sizes.size()));
      set_row_major(node->output());
    } else if (op == "view" || op == "copy") {
      WHERRY_CHECK(!node->output()->type().strides.empty());
    } else {
      base::fail<InternalError>("a bug in wherry: the layout pass met {}, which is no core op", op);
    }
  }

  void finish_outputs() {
    for (std::size_t i = 0; i < graph_.outputs().size(); ++i) {
      Value* output = graph_.outputs()[i];
      graph_.set_output(i, in_order(output, row_major(output->type().sizes.size()), nullptr));
    }
  }

  ir::Graph& graph_;
  Demands demands_;
  std::map<std::pair<Value*, Dims>, Value*> copies_;
};

}  // namespace

void assign_layout(ir::Graph& graph) { Assigner(graph).run(); }

}  // namespace wherry::passes
