// Local clean-up that the other rules rely on: they look for patterns, so nothing that does nothing may stand between.

#include <algorithm>
#include <array>
#include <bit>
#include <set>
#include <unordered_map>

#include "base/check.h"
#include "ir/ops.h"
#include "passes/core_builder.h"
#include "passes/merge_programs.h"
#include "passes/rules.h"
#include "tensor/elements.h"

namespace wherry::passes {
namespace {

using ir::Node;
using ir::Value;

Node* producer(const Value* value, std::string_view op) {
  Node* node = value ? value->producer() : nullptr;
  return node && node->op() == op ? node : nullptr;
}

Value* simpler_permute(CoreBuilder& build, Node* node) {
  Value* x = node->input(0);
  Dims dims = node->integers("dims");
  if (std::is_sorted(dims.begin(), dims.end())) return x;
  if (const Node* before = producer(x, "permute")) {
    for (std::int64_t& d : dims) d = before->integers("dims")[static_cast<std::size_t>(d)];
    return build.permute(before->input(0), std::move(dims));
  }
  // Moving dimensions of size 1 about moves no element.
  Dims moved;
  for (const std::int64_t d : dims)
    if (x->type().sizes[static_cast<std::size_t>(d)] != 1) moved.push_back(d);
  if (std::is_sorted(moved.begin(), moved.end())) return build.reshape(x, node->output()->type().sizes);
  return nullptr;
}

Value* simpler_slice(CoreBuilder& build, Node* node) {
  Value* x = node->input(0);
  if (x->type().sizes == node->output()->type().sizes) return x;
  const Node* before = producer(x, "slice");
  if (!before || before->integer("dim") != node->integer("dim")) return nullptr;
  const std::int64_t step = before->integer("step"), start = before->integer("start");
  return build.slice(before->input(0), node->integer("dim"), start + step * node->integer("start"),
                     std::min(start + step * node->integer("end"), before->integer("end")),
                     step * node->integer("step"));
}

Value* simpler_concat(CoreBuilder& build, Node* node) {
  if (node->inputs().size() == 1) return node->input(0);
  std::vector<Value*> parts;
  bool nested = false;
  for (Value* x : node->inputs()) {
    const Node* inner = producer(x, "concat");
    const bool open = inner && inner->integer("dim") == node->integer("dim") && x->users().size() == 1;
    if (open)
      parts.insert(parts.end(), inner->inputs().begin(), inner->inputs().end());
    else
      parts.push_back(x);
    nested |= open;
  }
  return nested ? build.concat(std::move(parts), node->integer("dim")) : nullptr;
}

/// The sizes that operands broadcast to.
Dims broadcast_all(const std::vector<Value*>& operands) {
  Dims sizes;
  for (const Value* x : operands) sizes = broadcast(sizes, x->type().sizes);
  return sizes;
}

/// f(expand(x), …) = expand(f(x, …)) where all operands repeat along some dimension: nothing is computed twice, and
/// who reads the result can repeat it as it reads (a mask of keys that a model stores for every query).
Value* repeated_elementwise(CoreBuilder& build, Node* node) {
  std::vector<Value*> operands = node->inputs();
  for (Value*& x : operands)
    while (const Node* made = producer(x, "expand")) x = made->input(0);
  const ir::TensorType& type = node->output()->type();
  const Dims sizes = broadcast_all(operands);
  if (element_count(sizes) >= element_count(type.sizes)) return nullptr;
  return build.expand(build.elementwise(node->program("program"), std::move(operands), {type.dtype, sizes, {}}),
                      type.sizes);
}

/// Operands read past expands and leading size-1 dimensions; constants of one element become immediates.
Value* simpler_elementwise(CoreBuilder& build, Node* node) {
  BoundProgram bound{node->program("program"), node->inputs()};
  const ir::TensorType& type = node->output()->type();
  bool changed = false;
  for (std::size_t i = 0; i < bound.operands.size(); ++i) {
    Value* before = bound.operands[i];
    Node* made = before->producer();
    bool transparent = made && made->op() == "expand";
    if (made && made->op() == "reshape") {
      const Dims& from = made->input(0)->type().sizes;
      const Dims& to = before->type().sizes;
      // One that is as large as the result keeps the result's rank: fusion compares sizes.
      transparent = to.size() > from.size() && to != type.sizes && std::equal(from.rbegin(), from.rend(), to.rbegin());
    }
    if (!transparent) continue;
    bound.operands[i] = made->input(0);
    if (broadcast_all(bound.operands) == type.sizes)
      changed = true;
    else
      bound.operands[i] = before;
  }

  // Immediates: read one-element constants now.
  expression::Builder builder(bound.program.compute, static_cast<int>(bound.operands.size()));
  std::vector<std::uint8_t> registers;
  std::vector<Value*> others;
  for (std::size_t i = 0; i < bound.operands.size(); ++i) {
    Value* x = bound.operands[i];
    registers.push_back(builder.input(static_cast<int>(i)));
    if (!x->is_constant() || x->type().numel() != 1 || bound.operands.size() == 1) continue;
    auto rest = bound.operands;
    rest.erase(rest.begin() + static_cast<std::ptrdiff_t>(i));
    if (broadcast_all(rest) != type.sizes) continue;
    const Tensor tensor = x->constant()->get();
    const double value = tensor::load_double(tensor.data(), tensor.dtype(), 0);
    if (!is_floating(tensor.dtype()) && (value > 9e15 || value < -9e15)) continue;
    registers.back() = builder.constant(value);
    changed = true;
  }
  const std::uint8_t result = builder.append(bound.program, registers);
  bound.program = builder.finish(result);
  const std::size_t count = bound.operands.size();
  BoundProgram tidied = tidy(bound);
  if (broadcast_all(tidied.operands) == type.sizes) {
    changed |= tidied.operands.size() != count;
    bound = std::move(tidied);
  }
  if (bound.program.is_identity() && bound.operands[0]->type().dtype == type.dtype &&
      bound.operands[0]->type().sizes == type.sizes)
    return bound.operands[0];
  return changed ? build.elementwise(std::move(bound.program), std::move(bound.operands), type) : nullptr;
}

/// Batch dimensions of a matmul operand broadcast by themselves.
Value* simpler_matmul(CoreBuilder& build, Node* node) {
  if (node->has("epilogue")) return nullptr;
  std::vector<Value*> inputs = node->inputs();
  bool changed = false;
  for (std::size_t i = 0; i < 2; ++i) {
    const Node* made = producer(inputs[i], "expand");
    if (!made) continue;
    Value* x = made->input(0);
    const Dims& from = x->type().sizes;
    const Dims& to = inputs[i]->type().sizes;
    if (from.size() < 2 || !std::equal(from.rbegin(), from.rbegin() + 2, to.rbegin())) continue;
    const Dims& other = inputs[1 - i]->type().sizes;
    if (other.size() < to.size() ||
        !std::equal(to.begin(), to.end() - 2, other.end() - static_cast<std::ptrdiff_t>(to.size())))
      continue;
    inputs[i] = x;
    changed = true;
  }
  if (!changed) return nullptr;
  return build.matmul(inputs[0], inputs[1], inputs.size() > 2 ? inputs[2] : nullptr);
}

/// Zeros around an image that only a convolution reads are the convolution's own padding.
Value* simpler_convolution(CoreBuilder& build, Node* node) {
  const Node* pad = producer(node->input(0), "pad");
  if (!pad || pad->number("value") != 0) return nullptr;
  const Dims& pads = pad->integers("pads");
  if (pads[0] != 0 || pads[1] != 0 || pads[2] != 0 || pads[3] != 0) return nullptr;
  ir::Attributes attributes = node->attributes();
  Dims padding = node->integers("padding");
  for (std::size_t i = 0; i < 4; ++i) padding[i] += pads[4 + i];
  attributes["padding"] = std::move(padding);
  std::vector<Value*> inputs = node->inputs();
  inputs[0] = pad->input(0);
  Value* result = build.record("convolution", std::move(inputs), std::move(attributes));
  result->producer()->source().absorb(pad->source());
  return result;
}

Value* simpler(CoreBuilder& build, Node* node) {
  const std::string& op = node->op();
  Value* x = node->input(0);
  if (op == "reshape") {
    if (x->type().sizes == node->output()->type().sizes) return x;
    if (const Node* before = producer(x, "reshape"))
      return build.reshape(before->input(0), node->output()->type().sizes);
  }
  if (op == "expand" && x->type().sizes == node->output()->type().sizes) return x;
  if (op == "permute") return simpler_permute(build, node);
  if (op == "slice") return simpler_slice(build, node);
  if (op == "concat") return simpler_concat(build, node);
  if (op == "elementwise") {
    Value* repeated = repeated_elementwise(build, node);
    return repeated ? repeated : simpler_elementwise(build, node);
  }
  if (op == "matmul") return simpler_matmul(build, node);
  if (op == "convolution") return simpler_convolution(build, node);
  return nullptr;
}

class Description {
 public:
  void add(std::string_view text) { text_ += text; }
  void add_number(std::int64_t number) {
    const fmt::format_int digits(number);
    text_.append(digits.data(), digits.size());
  }
  void add_attribute(const ir::Attribute& attribute) {
    std::visit([this](const auto& value) { add_value(value); }, attribute);
  }
  std::string take() { return std::move(text_); }

 private:
  void add_value(std::monostate) { text_ += "none"; }
  void add_value(bool value) { text_ += value ? "true" : "false"; }
  void add_value(std::int64_t value) {
    text_ += 'i';
    add_number(value);
  }
  void add_value(double value) {
    text_ += 'f';
    add_number(std::bit_cast<std::int64_t>(value));
  }
  void add_value(const std::string& value) {
    text_ += '"';
    text_ += value;
    text_ += '"';
  }
  void add_value(const Dims& values) { text_ += to_string(values); }
  void add_value(const std::vector<double>& values) {
    for (const double value : values) add_value(value);
  }
  void add_value(const std::vector<bool>& values) {
    for (const bool value : values) text_ += value ? '1' : '0';
  }
  void add_value(DType value) { text_ += name_of(value); }
  void add_value(const expression::Program& value) { text_ += value.to_string(); }

  std::string text_;
};

/// What a node does beyond its op and inputs.
std::string describe(const Node& node) {
  Description text;
  for (const auto& [name, value] : node.attributes()) {
    text.add(" ");
    text.add(name);
    text.add("=");
    text.add_attribute(value);
  }
  for (const Value* y : node.outputs()) {
    text.add(" -> ");
    text.add(to_string(y->type()));
  }
  return text.take();
}

struct OpAndInputs {
  std::size_t operator()(const Node* node) const {
    std::size_t hash = std::hash<std::string>()(node->op());
    for (const Value* x : node->inputs()) hash = hash * 31 + (x ? static_cast<std::size_t>(x->id()) + 1 : 0);
    return hash;
  }
  bool operator()(const Node* a, const Node* b) const { return a->op() == b->op() && a->inputs() == b->inputs(); }
};

/// Nodes of one op, input for input the same, and of equal descriptions compute equal values. Every round of every
/// clean-up comes here, and few nodes share op and inputs, so only those are described.
bool merge_equal_nodes(ir::Graph& graph) {
  std::unordered_multimap<const Node*, Node*, OpAndInputs, OpAndInputs> seen;
  bool changed = false;
  for (Node* node : graph.nodes()) {
    const auto [begin, end] = seen.equal_range(node);
    const auto same =
        std::find_if(begin, end, [own = begin == end ? std::string() : describe(*node)](const auto& entry) {
          return describe(*entry.second) == own;
        });
    if (same == end) {
      seen.emplace(node, node);
      continue;
    }
    same->second->source().absorb(node->source());
    for (std::size_t i = 0; i < node->outputs().size(); ++i)
      graph.replace_uses(node->output(i), same->second->output(i));
    changed = true;
  }
  return changed;
}

}  // namespace

void simplify(ir::Graph& graph) {
  // Each round sees what the one before made; chains are short, so a few rounds settle everything.
  for (int round = 0; round < 8; ++round) {
    bool changed = false;
    for (Node* node : graph.nodes()) {
      if (node->outputs().size() != 1 || node->op().starts_with("aten::")) continue;
      if (node->output()->users().empty() && !graph.is_output(node->output())) continue;
      CoreBuilder build(graph, node, node->source());
      Value* better = simpler(build, node);
      if (!better) continue;
      if (better->name().empty()) better->set_name(node->output()->name());
      graph.replace_uses(node->output(), better);
      changed = true;
    }
    changed |= merge_equal_nodes(graph);
    graph.erase_dead();
    if (!changed) return;
  }
}

}  // namespace wherry::passes
