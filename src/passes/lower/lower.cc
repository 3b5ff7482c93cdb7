// Walks the ATen nodes, looks each op up in the themes' tables, and reports all that failed in one exception.

#include "passes/lower/lower.h"

#include <algorithm>
#include <array>
#include <set>
#include <unordered_map>

#include "base/check.h"

namespace wherry::passes {
namespace lowering {

ir::Value* Site::in(std::size_t i) const {
  ir::Value* value = node_.input(i);
  if (!value) base::fail<InvalidModel>("{} at {}: tensor argument {} is missing", op(), to_string(node_.source()), i);
  return value;
}

bool Site::flag(std::string_view name, bool fallback) const {
  if (!has(name)) return fallback;
  const ir::Attribute& value = node_.attributes().find(name)->second;
  if (const auto* integer = std::get_if<std::int64_t>(&value)) return *integer != 0;
  return node_.flag(name);
}

std::int64_t Site::integer(std::string_view name, std::int64_t fallback) const {
  if (!has(name)) return fallback;
  const ir::Attribute& value = node_.attributes().find(name)->second;
  if (const auto* boolean = std::get_if<bool>(&value)) return *boolean;
  return node_.integer(name);
}

double Site::number(std::string_view name, double fallback) const { return has(name) ? node_.number(name) : fallback; }

Dims Site::integers(std::string_view name) const {
  if (!has(name)) return {};
  const ir::Attribute& value = node_.attributes().find(name)->second;
  if (const auto* lone = std::get_if<std::int64_t>(&value)) return {*lone};
  return node_.integers(name);
}

std::optional<Operand> Site::scalar(std::string_view name) const {
  if (!has(name)) return std::nullopt;
  const ir::Attribute& value = node_.attributes().find(name)->second;
  return Operand(node_.number(name), std::holds_alternative<double>(value));
}

Operand Site::operand(std::size_t i, std::string_view name) const {
  if (node_.input(i)) return node_.input(i);
  if (const auto number = scalar(name)) return *number;
  base::fail<InvalidModel>("{} at {}: argument \"{}\" is missing", op(), to_string(node_.source()), name);
}

void Site::unsupported(std::string_view why) const { base::fail<Unsupported>("{}", why); }

namespace {

const std::unordered_map<std::string_view, Function>& rules() {
  static const auto map = [] {
    std::unordered_map<std::string_view, Function> all;
    for (const auto& theme : {activation_rules(), arithmetic_rules(), attention_rules(), convolution_rules(),
                              creation_rules(), einsum_rules(), indexing_rules(), matmul_rules(), movement_rules(),
                              normalization_rules(), pool_rules(), reduction_rules(), view_rules()})
      for (const Rule& rule : theme) {
        const bool fresh = all.emplace(rule.op, rule.function).second;
        if (!fresh) base::fail<InternalError>("a bug in wherry: two lowerings of aten::{}", rule.op);
      }
    return all;
  }();
  return map;
}

constexpr std::string_view kPrefix = "aten::";

/// The nodes some output depends on.
std::set<const ir::Node*> needed(const ir::Graph& graph) {
  std::set<const ir::Node*> live;
  const auto all = graph.nodes();
  for (auto it = all.rbegin(); it != all.rend(); ++it)
    for (const ir::Value* output : (*it)->outputs()) {
      const auto& users = output->users();
      if (graph.is_output(output) || std::any_of(users.begin(), users.end(), [&](auto* u) { return live.contains(u); }))
        live.insert(*it);
    }
  return live;
}

/// False where there is no rule for the op.
bool lower_node(ir::Graph& graph, ir::Node* node) {
  Site site(graph, node);
  Values results;
  if (const auto rule = rules().find(site.op().substr(kPrefix.size())); rule != rules().end()) {
    results = rule->second(site);
  } else {
    const auto single = elementwise(site);
    if (!single) return false;
    results = {*single};
  }
  WHERRY_CHECK_EQ(results.size(), node->outputs().size());
  for (std::size_t i = 0; i < results.size(); ++i) {
    ir::Value* output = node->output(i);
    const bool read = !output->users().empty() || graph.is_output(output);
    if (!results[i]) {
      if (read) base::fail<Unsupported>("output {} is used", i);
      continue;
    }
    if (results[i]->type().dtype != output->type().dtype || results[i]->type().sizes != output->type().sizes)
      base::fail<InternalError>("a bug in wherry: {} at {} was lowered to {}, expected {}", node->op(),
                                to_string(node->source()), to_string(results[i]->type()), to_string(output->type()));
    if (results[i]->name().empty()) results[i]->set_name(output->name());
    graph.replace_uses(output, results[i]);
  }
  return true;
}

}  // namespace
}  // namespace lowering

std::vector<std::string_view> lowerable_ops() {
  std::vector<std::string_view> names;
  for (const auto& [name, function] : lowering::rules()) names.push_back(name);
  std::sort(names.begin(), names.end());
  return names;
}

void lower(ir::Graph& graph) {
  const auto live = lowering::needed(graph);
  std::vector<Unsupported::Item> missing;
  std::vector<std::string> reasons;
  for (ir::Node* node : graph.nodes()) {
    const std::string_view op = node->op();
    if (!op.starts_with(lowering::kPrefix) || !live.contains(node)) continue;
    std::string reason;
    try {
      if (lowering::lower_node(graph, node)) continue;
      reason = "wherry lacks this op";
    } catch (const Unsupported& error) {
      reason = error.what();
    }
    missing.push_back({std::string(op), to_string(node->source())});
    reasons.push_back(
        fmt::format("{} at {} ({})", op, missing.back().where.empty() ? "?" : missing.back().where, reason));
  }
  if (!missing.empty())
    throw Unsupported(fmt::format("the model needs what wherry cannot run: {}", fmt::join(reasons, "; ")), missing);
  graph.erase_dead();
}

}  // namespace wherry::passes
