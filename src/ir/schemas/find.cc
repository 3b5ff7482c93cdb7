// The table of all schemas, read once, and the names that are spellings of another op.

#include <algorithm>
#include <map>

#include "ir/schemas/tables.h"

namespace wherry::ir {
namespace {

/// Spelling → op: the same arguments under another name. Recorded as the op, so nothing later sees the spelling.
constexpr std::pair<std::string_view, std::string_view> kSpellings[] = {
    {"subtract", "sub"},
    {"multiply", "mul"},
    {"divide", "div"},
    {"true_divide", "div"},
    {"negative", "neg"},
    {"absolute", "abs"},
    {"fix", "trunc"},
    {"clip", "clamp"},
    {"not_equal", "ne"},
    {"less", "lt"},
    {"less_equal", "le"},
    {"greater", "gt"},
    {"greater_equal", "ge"},
    {"__and__", "bitwise_and"},
    {"__or__", "bitwise_or"},
    {"__xor__", "bitwise_xor"},
    {"__iand__", "bitwise_and_"},
    {"__ior__", "bitwise_or_"},
    {"__ixor__", "bitwise_xor_"},
    {"moveaxis", "movedim"},
    {"swapaxes", "transpose"},
    {"swapdims", "transpose"},
    {"swapaxes_", "transpose_"},
    {"swapdims_", "transpose_"},
    {"broadcast_to", "expand"},
    {"_unsafe_view", "view"},
    {"lift_fresh", "alias"},
    {"lift_fresh_copy", "alias"},
    {"resolve_conj", "alias"},
    {"resolve_neg", "alias"},
    {"concat", "cat"},
    {"concatenate", "cat"},
    {"_adaptive_avg_pool2d", "adaptive_avg_pool2d"},
};

using Table = std::map<std::string, std::vector<Schema>, std::less<>>;

/// The underscored form of an op whose first argument is one tensor: it writes that argument.
std::vector<Schema> inplace_of(const std::vector<Schema>& schemas) {
  std::vector<Schema> result;
  for (const Schema& schema : schemas) {
    if (schema.output_list || schema.outputs != 1 || schema.arguments.empty()) continue;
    if (schema.arguments[0].kind != ArgumentKind::tensor || schema.arguments[0].optional) continue;
    result.push_back(schema);
    result.back().inplace = true;
  }
  return result;
}

Table read_tables() {
  Table table;
  for (const auto* theme :
       {&schemas::convolution(), &schemas::matmul(), &schemas::normalisation(), &schemas::activation(),
        &schemas::pooling(), &schemas::arithmetic(), &schemas::comparison(), &schemas::views(), &schemas::joining(),
        &schemas::indexing(), &schemas::creation(), &schemas::reduction()}) {
    for (const std::string_view signature : *theme) {
      schemas::Parsed parsed = schemas::parse_signature(signature);
      table[parsed.listed_as].push_back(std::move(parsed.schema));
    }
  }
  Table inplace;
  for (const auto& [name, schemas] : table)
    if (auto writing = inplace_of(schemas); !writing.empty()) inplace[name + "_"] = std::move(writing);
  table.merge(inplace);
  for (const auto& [spelling, op] : kSpellings)
    if (const auto found = table.find(op); found != table.end()) table[std::string(spelling)] = found->second;
  // Underscored spellings follow from the table once the spellings themselves are in it.
  for (const auto& [spelling, op] : kSpellings) {
    const auto found = table.find(std::string(op) + "_");
    if (found != table.end()) table.try_emplace(std::string(spelling) + "_", found->second);
  }
  return table;
}

const Table& table() {
  static const Table all = read_tables();
  return all;
}

}  // namespace

std::span<const Schema> find_schemas(std::string_view name) {
  if (name.starts_with("aten::")) name.remove_prefix(6);
  const auto found = table().find(name);
  return found == table().end() ? std::span<const Schema>() : std::span<const Schema>(found->second);
}

std::vector<std::string> known_ops() {
  std::vector<std::string> names;
  for (const auto& [name, schemas] : table()) names.push_back("aten::" + name);
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace wherry::ir
