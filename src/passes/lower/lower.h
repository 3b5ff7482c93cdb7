#pragma once
// ATen → core. Each theme file holds the lowering functions of its ops and one table from op name to function.

#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "passes/core_builder.h"

namespace wherry::passes {

/// Replaces every ATen node by core ops. Throws Unsupported listing all the ops that cannot be, with their source
/// lines.
void lower(ir::Graph& graph);

/// The ATen op names that lower() knows, sorted.
std::vector<std::string_view> lowerable_ops();

namespace lowering {

/// One ATen node being lowered.
class Site : public CoreBuilder {
 public:
  Site(ir::Graph& graph, ir::Node* node) : CoreBuilder(graph, node, origin(*node)), node_(*node) {}

  const ir::Node& node() const { return node_; }
  std::string_view op() const { return node_.op(); }
  /// The i-th tensor argument; throws InvalidModel where it is absent.
  ir::Value* in(std::size_t i) const;
  /// The i-th tensor argument or null.
  ir::Value* maybe(std::size_t i) const { return node_.input(i); }
  const ir::TensorType& type(std::size_t i) const { return in(i)->type(); }
  const Dims& sizes(std::size_t i = 0) const { return in(i)->type().sizes; }
  std::size_t rank(std::size_t i = 0) const { return sizes(i).size(); }
  const ir::TensorType& out(std::size_t i = 0) const { return node_.output(i)->type(); }

  bool has(std::string_view name) const { return node_.has(name); }
  bool flag(std::string_view name, bool fallback = false) const;
  std::int64_t integer(std::string_view name, std::int64_t fallback) const;
  double number(std::string_view name, double fallback) const;
  Dims integers(std::string_view name) const;  ///< empty where absent; a lone integer is a list of one
  std::int64_t dim(std::string_view name = "dim", std::int64_t fallback = 0) const {
    return wrap(integer(name, fallback), rank());
  }
  /// A Scalar attribute as an operand; nothing where it is absent.
  std::optional<Operand> scalar(std::string_view name) const;
  /// The i-th tensor argument, or the Scalar attribute of that name.
  Operand operand(std::size_t i, std::string_view name) const;

  /// This op cannot be lowered as it stands here: `why` says what was found and what would be accepted.
  [[noreturn]] void unsupported(std::string_view why) const;

 private:
  static ir::Source origin(const ir::Node& node) {
    ir::Source source = node.source();
    source.op = node.op();
    return source;
  }

  const ir::Node& node_;
};

using Values = std::vector<ir::Value*>;
/// Returns a replacement for each output of the node (null where nobody may read it).
using Function = Values (*)(Site&);

struct Rule {
  std::string_view op;  ///< without "aten::"
  Function function;
};

/// The elementwise core op for an ATen op that ir has a program for; empty for the others.
std::optional<ir::Value*> elementwise(Site& site);

std::span<const Rule> activation_rules();
std::span<const Rule> arithmetic_rules();
std::span<const Rule> attention_rules();
std::span<const Rule> convolution_rules();
std::span<const Rule> creation_rules();
std::span<const Rule> einsum_rules();
std::span<const Rule> indexing_rules();
std::span<const Rule> matmul_rules();
std::span<const Rule> movement_rules();
std::span<const Rule> normalization_rules();
std::span<const Rule> pool_rules();
std::span<const Rule> reduction_rules();
std::span<const Rule> view_rules();

}  // namespace lowering
}  // namespace wherry::passes
