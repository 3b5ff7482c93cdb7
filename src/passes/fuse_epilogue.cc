// Hosts are tried from the last one backwards: of two convolutions whose results are added, the later one does the
// addition, because the earlier one's result exists by then.

#include <algorithm>
#include <unordered_map>

#include "passes/core_builder.h"
#include "passes/merge_programs.h"
#include "passes/rules.h"

namespace wherry::passes {
namespace {

using expression::Compute;
using expression::Program;
using ir::Node;
using ir::Value;

using Positions = std::unordered_map<const Node*, std::size_t>;

/// Number of inputs before the epilogue's operands: x, w and the bias (null where it is absent but operands follow).
constexpr std::size_t kFixedInputs = 3;

/// Whether an epilogue of `host` can read `operand` at no cost to the host's loops: one value, one per channel, or one
/// per output element.
bool addressable(const Node& host, const Dims& out, const Value* operand) {
  Dims sizes(out.size() - operand->type().sizes.size(), 1);
  sizes.insert(sizes.end(), operand->type().sizes.begin(), operand->type().sizes.end());
  if (sizes == out) return true;
  const bool convolution = host.op() == "convolution";
  const std::size_t channel = convolution ? 1 : out.size() - 1;
  bool per_channel = true;
  for (std::size_t d = 0; d < sizes.size(); ++d) per_channel &= sizes[d] == 1 || d == channel;
  if (per_channel) return true;
  // A matmul over batches addresses each batch by itself, so whatever broadcasts will do.
  return !convolution && host.input(1)->type().sizes.size() > 2;
}

bool is_index_change(const Node& node) {
  return node.op() == "reshape" || node.op() == "permute" || node.op() == "slice" || node.op() == "expand";
}

/// Whether `value` exists before the host runs, or is a view of something that does.
bool available(const Value* value, const Positions& positions, std::size_t host) {
  const Node* node = value->producer();
  while (node && positions.at(node) >= host && is_index_change(*node)) node = node->input(0)->producer();
  return !node || positions.at(node) < host;
}

/// `value` as one that stands before the host: views that come later are made again.
Value* hoisted(ir::Graph& graph, Value* value, Node* host, Positions& positions) {
  const Node* node = value->producer();
  if (!node || positions.at(node) < positions.at(host)) return value;
  Value* source = hoisted(graph, node->input(0), host, positions);
  Node* again = graph.add_node(node->op(), {source}, node->attributes(), {value->type()}, node->source(), host);
  positions[again] = positions.at(host);
  return again->output();
}

/// Makes the only reader of the host's output part of it. The new host, or null where that cannot be.
Node* take_in(ir::Graph& graph, Node* host, Positions& positions) {
  Value* value = host->output();
  if (value->users().empty() || graph.is_output(value) || value->type().dtype != DType::f32) return nullptr;
  Node* reader = value->users()[0];
  const auto& users = value->users();
  if (std::any_of(users.begin(), users.end(), [&](const Node* u) { return u != reader; })) return nullptr;
  if (reader->op() != "elementwise" || reader->output()->type().sizes != value->type().sizes) return nullptr;
  if (!is_floating(reader->output()->type().dtype)) return nullptr;
  const BoundProgram consumer{reader->program("program"), reader->inputs()};
  if (consumer.program.compute != Compute::f32) return nullptr;

  // The accumulator is a value like any other while merging: `value` itself stands for it.
  BoundProgram producer{{Compute::f32, 1, {}}, {value}};
  if (host->has("epilogue")) {
    producer.program = host->program("epilogue");
    producer.operands.insert(producer.operands.end(), host->inputs().begin() + kFixedInputs, host->inputs().end());
  }
  const std::size_t position = positions.at(host);
  for (const Value* operand : consumer.operands)
    if (operand != value &&
        (!addressable(*host, value->type().sizes, operand) || !available(operand, positions, position)))
      return nullptr;
  const auto merged = merge(producer, value, consumer);
  if (!merged) return nullptr;

  std::vector<Value*> inputs = {host->input(0), host->input(1), host->input(2)};
  bool moved = false;
  for (std::size_t i = 1; i < merged->operands.size(); ++i) {
    inputs.push_back(hoisted(graph, merged->operands[i], host, positions));
    moved |= inputs.back() != merged->operands[i];
  }
  if (inputs.size() == kFixedInputs && !inputs.back()) inputs.pop_back();
  ir::Attributes attributes = host->attributes();
  attributes["epilogue"] = merged->program;
  ir::Source source = host->source();
  source.absorb(reader->source());
  Node* fused = graph.add_node(host->op(), std::move(inputs), std::move(attributes), {reader->output()->type()},
                               std::move(source), host);
  fused->output()->set_name(reader->output()->name());
  positions[fused] = position;
  graph.replace_uses(reader->output(), fused->output());
  graph.erase(reader);
  graph.erase(host);
  if (moved) graph.erase_dead();  // the views that were made again
  return fused;
}

}  // namespace

void fuse_epilogue(ir::Graph& graph) {
  graph.erase_dead();
  Positions positions;
  std::vector<Node*> hosts;
  for (Node* node : graph.nodes()) {
    positions[node] = positions.size();
    if (node->op() == "convolution" || node->op() == "matmul") hosts.push_back(node);
  }
  for (auto it = hosts.rbegin(); it != hosts.rend(); ++it)
    for (Node* host = *it; host;) host = take_in(graph, host, positions);
}

}  // namespace wherry::passes
