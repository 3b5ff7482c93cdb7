#include "ir/segments.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "base/check.h"

namespace wherry::ir {
namespace {

/// Whether each element of the first dimension fills a piece of memory of its own.
bool elements_follow_each_other(const TensorType& type) {
  if (type.sizes.empty() || type.numel() == 0) return false;
  const std::int64_t element = type.numel() / type.sizes[0];
  std::int64_t last = 0;
  for (std::size_t d = 1; d < type.sizes.size(); ++d) last += (type.sizes[d] - 1) * type.strides[d];
  return last == element - 1 && (type.sizes[0] == 1 || type.strides[0] == element);
}

}  // namespace

std::vector<Value*> waists(const Graph& graph) {
  const std::vector<Node*> nodes = graph.nodes();
  std::unordered_map<const Value*, std::size_t> last_readers;
  for (std::size_t i = 0; i < nodes.size(); ++i)
    for (const Value* value : nodes[i]->inputs())
      if (value != nullptr && !value->is_constant()) last_readers[value] = i;

  std::unordered_set<Value*> live;
  const auto add = [&](Value* value) {
    if (last_readers.contains(value) || graph.is_output(value)) live.insert(value);
  };
  for (Value* input : graph.inputs()) add(input);
  std::vector<Value*> found(nodes.size() + 1, nullptr);
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    if (Value* const only = live.size() == 1 ? *live.begin() : nullptr;
        only != nullptr && i > 0 && !graph.is_output(only) && elements_follow_each_other(only->type()))
      found[i] = only;
    for (Value* output : nodes[i]->outputs()) add(output);
    for (Value* input : nodes[i]->inputs())
      if (input != nullptr && !input->is_constant() && !graph.is_output(input) && last_readers.at(input) == i)
        live.erase(input);
  }
  return found;
}

Graph segment(const Graph& graph, std::size_t begin, std::size_t end) {
  const std::vector<Node*> nodes = graph.nodes();
  const std::vector<Value*> narrow = waists(graph);
  WHERRY_CHECK(begin <= end && end <= nodes.size());
  WHERRY_CHECK(begin == 0 || narrow[begin] != nullptr);
  WHERRY_CHECK(end == nodes.size() || narrow[end] != nullptr);

  Graph result;
  std::unordered_map<const Value*, Value*> copies;
  for (Value* input : begin == 0 ? graph.inputs() : std::vector<Value*>{narrow[begin]})
    copies[input] = result.add_input(input->name(), input->type());
  const auto copy_of = [&](Value* value) -> Value* {
    if (value == nullptr) return nullptr;
    const auto [entry, fresh] = copies.try_emplace(value, nullptr);
    if (fresh) {
      WHERRY_CHECK(value->is_constant());
      entry->second = result.add_constant(value->constant(), value->name());
      entry->second->type() = value->type();
    }
    return entry->second;
  };
  for (std::size_t i = begin; i < end; ++i) {
    std::vector<Value*> inputs;
    for (Value* input : nodes[i]->inputs()) inputs.push_back(copy_of(input));
    std::vector<TensorType> types;
    for (const Value* output : nodes[i]->outputs()) types.push_back(output->type());
    const Node* const copy = result.add_node(nodes[i]->op(), std::move(inputs), nodes[i]->attributes(),
                                             std::move(types), nodes[i]->source());
    for (std::size_t k = 0; k < nodes[i]->outputs().size(); ++k) {
      copy->output(k)->set_name(nodes[i]->output(k)->name());
      copies[nodes[i]->output(k)] = copy->output(k);
    }
  }
  if (end < nodes.size()) {
    result.add_output(copies.at(narrow[end]), narrow[end]->name());
    result.set_outputs_keep_strides(true);
  } else {
    for (std::size_t i = 0; i < graph.outputs().size(); ++i)
      result.add_output(copy_of(graph.outputs()[i]), graph.output_names()[i]);
  }
  return result;
}

}  // namespace wherry::ir
