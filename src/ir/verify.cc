// Checks the invariants that passes rely on and may break. What it finds is a bug of ours, never of a model.

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "base/check.h"
#include "base/checked_math.h"
#include "ir/core_ops.h"
#include "ir/ops.h"

namespace wherry::ir {
namespace {

template <typename... Args>
[[noreturn]] void broken(const Node& node, fmt::format_string<Args...> format, Args&&... args) {
  const std::string source = to_string(node.source());
  base::fail<InternalError>("a bug in wherry: the graph is broken at {}{}{}{}: {}", node.op(),
                            source.empty() ? "" : " (", source, source.empty() ? "" : ")",
                            fmt::format(format, std::forward<Args>(args)...));
}

using Uses = std::unordered_map<const Value*, std::unordered_map<const Node*, int>>;

void check_users(const Value& value, const Uses& uses, std::string_view what) {
  std::unordered_map<const Node*, int> listed;
  for (const Node* user : value.users()) ++listed[user];
  const auto found = uses.find(&value);
  const bool equal = found == uses.end() ? listed.empty() : found->second == listed;
  if (!equal)
    base::fail<InternalError>("a bug in wherry: the graph is broken: users of {} {} are not the nodes that read it",
                              what, value.name().empty() ? fmt::format("#{}", value.id()) : value.name());
}

/// Elements from the first to the last that a type reaches; a view must stay inside this of what it looks at.
std::int64_t extent(const TensorType& type) {
  if (type.numel() == 0) return 0;
  if (type.strides.empty()) return type.numel();
  std::int64_t last = 0;
  for (std::size_t i = 0; i < type.sizes.size(); ++i) last += (type.sizes[i] - 1) * type.strides[i];
  return last + 1;
}

void check_view(const Node& node) {
  const Value* input = node.input(0);
  if (node.inputs().size() != 1 || !input) broken(node, "a view has one input");
  const TensorType& type = node.output()->type();
  if (type.dtype != input->type().dtype) broken(node, "a view keeps the dtype");
  std::int64_t offset = node.integer("offset");
  // A view of a view may reach what the first one left out, as long as the memory below has it.
  const Value* base = input;
  while (base->producer() && base->producer()->op() == "view" && base->producer()->input(0)) {
    offset += base->producer()->integer("offset");
    base = base->producer()->input(0);
  }
  if (offset < 0 || (type.numel() > 0 && offset + extent(type) > extent(base->type())))
    broken(node, "offset {} and type {} leave {}", offset, to_string(type), to_string(base->type()));
}

void check_types(const Node& node) {
  for (const Value* output : node.outputs()) {
    const TensorType& type = output->type();
    if (!type.strides.empty() && type.strides.size() != type.sizes.size()) broken(node, "type {}", to_string(type));
    if (std::any_of(type.sizes.begin(), type.sizes.end(), [](std::int64_t size) { return size < 0; }))
      broken(node, "type {}", to_string(type));
  }
  if (node.op() == "view") return check_view(node);
  // Core ops may read and write fp32 values stored as bf16 (passes/use_bf16.cc): what they make does not change.
  const bool core = node.op().find("::") == std::string::npos;
  std::vector<TensorType> types;
  types.reserve(node.inputs().size());
  std::vector<const TensorType*> inputs;
  for (const Value* input : node.inputs()) {
    if (input != nullptr) {
      types.push_back(input->type());
      if (core && types.back().dtype == DType::bf16) types.back().dtype = DType::f32;
    }
    inputs.push_back(input != nullptr ? &types.back() : nullptr);
  }
  std::vector<TensorType> expected;
  try {
    expected = infer_types(node.op(), inputs, node.attributes());
  } catch (const Error& error) {
    broken(node, "{}", error.what());
  }
  // Trailing results that nobody wants may be left out (the statistics of native_layer_norm).
  if (node.outputs().size() > expected.size() || (node.outputs().empty() && !expected.empty()))
    broken(node, "it has {} outputs, the op makes {}", node.outputs().size(), expected.size());
  // A program's result converts to whatever dtype the output has.
  const bool free_dtype = node.op() == "elementwise" || node.has("epilogue");
  for (std::size_t i = 0; i < node.outputs().size(); ++i) {
    const TensorType& type = node.output(i)->type();
    const bool stored = core && type.dtype == DType::bf16 && expected[i].dtype == DType::f32;
    if (type.sizes != expected[i].sizes || (type.dtype != expected[i].dtype && !free_dtype && !stored))
      broken(node, "output {} is {}, the op makes {}", i, to_string(type), to_string(expected[i]));
  }
}

}  // namespace

void verify(const Graph& graph) {
  Uses uses;
  std::unordered_set<const Value*> defined(graph.inputs().begin(), graph.inputs().end());
  const std::vector<Value*> constants = graph.constants();
  for (const Value* constant : constants) {
    WHERRY_CHECK(constant->constant() != nullptr);
    WHERRY_CHECK(constant->producer() == nullptr);
    WHERRY_CHECK_EQ(wherry::to_string(constant->type().sizes), wherry::to_string(constant->constant()->sizes()));
    WHERRY_CHECK_EQ(name_of(constant->type().dtype), name_of(constant->constant()->dtype()));
    defined.insert(constant);
  }
  const std::vector<Node*> nodes = graph.nodes();
  for (const Node* node : nodes) {
    for (std::size_t i = 0; i < node->inputs().size(); ++i) {
      const Value* input = node->input(i);
      if (!input) continue;
      if (!defined.contains(input)) broken(*node, "input {} is used before it is defined", i);
      ++uses[input][node];
    }
    check_types(*node);
    for (const Value* output : node->outputs()) {
      if (output->producer() != node) broken(*node, "an output names another producer");
      defined.insert(output);
    }
  }
  for (const Value* input : graph.inputs()) check_users(*input, uses, "input");
  for (const Value* constant : constants) check_users(*constant, uses, "constant");
  for (const Node* node : nodes)
    for (const Value* output : node->outputs()) check_users(*output, uses, "output of " + node->op());
  WHERRY_CHECK_EQ(graph.outputs().size(), graph.output_names().size());
  for (const Value* output : graph.outputs())
    if (!defined.contains(output))
      base::fail<InternalError>("a bug in wherry: the graph is broken: an output is undefined");
}

}  // namespace wherry::ir
