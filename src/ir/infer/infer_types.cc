// Finds the rule of an op, and keeps hostile sizes away from the rules and out of their answers.

#include <algorithm>
#include <unordered_map>

#include "base/check.h"
#include "base/checked_math.h"
#include "ir/infer/rules.h"

namespace wherry::ir {
namespace {

using infer::Call;
using infer::Entry;
using infer::Rule;

constexpr std::size_t kMaxRank = 64;  // as PyTorch

const std::unordered_map<std::string_view, Rule>& rules() {
  static const auto all = [] {
    std::unordered_map<std::string_view, Rule> table;
    for (const auto theme :
         {infer::convolution_rules(), infer::matmul_rules(), infer::normalisation_rules(), infer::elementwise_rules(),
          infer::pooling_rules(), infer::view_rules(), infer::split_rules(), infer::joining_rules(),
          infer::indexing_rules(), infer::creation_rules(), infer::reduction_rules()}) {
      for (const Entry& entry : theme) WHERRY_CHECK(table.emplace(entry.op, entry.rule).second);
    }
    return table;
  }();
  return all;
}

void check_size(const Call& call, std::string_view what, const TensorType& type) {
  if (type.sizes.size() > kMaxRank)
    call.invalid("{} has {} dimensions, accepted are up to {}", what, type.sizes.size(), kMaxRank);
  for (const std::int64_t size : type.sizes)
    if (size < 0 || size > infer::kMaxSize)
      call.invalid("{} {} has an impossible size", what, wherry::to_string(type.sizes));
  if (!base::checked_mul(call.count(type.sizes), static_cast<std::int64_t>(size_of(type.dtype))))
    call.invalid("{} {} is too large", what, wherry::to_string(type.sizes));
}

/// Writes a one-element list out, one number per dimension.
void widen(Attributes& attributes, std::string_view name, std::size_t count) {
  const auto found = attributes.find(name);
  if (found == attributes.end()) return;
  if (const auto* single = std::get_if<std::int64_t>(&found->second)) {
    found->second = Dims(count, *single);
  } else if (auto* list = std::get_if<Dims>(&found->second); list && list->size() == 1) {
    list->assign(count, list->front());
  }
}

/// See record(): so that no later reader has to know PyTorch's shorthands.
void write_out(std::string_view op, std::span<const TensorType* const> inputs, Attributes& attributes) {
  if (op.find("conv") != std::string_view::npos && inputs.size() > 1 && inputs[1] && inputs[1]->sizes.size() > 2) {
    for (const auto name : {"stride", "padding", "dilation", "output_padding"})
      widen(attributes, name, inputs[1]->sizes.size() - 2);
  } else if (op.find("_pool") != std::string_view::npos && op.starts_with("aten::")) {
    const std::size_t spatial = op.find("2d") != std::string_view::npos ? 2 : 1;
    for (const auto name : {"kernel_size", "stride", "padding", "dilation", "output_size"})
      widen(attributes, name, spatial);
    const auto stride = attributes.find("stride"), kernel = attributes.find("kernel_size");
    if (stride == attributes.end() || kernel == attributes.end()) return;
    const auto* list = std::get_if<Dims>(&stride->second);
    if (std::holds_alternative<std::monostate>(stride->second) || (list && list->empty()))
      stride->second = kernel->second;
  }
}

}  // namespace

std::vector<TensorType> infer_types(std::string_view op, std::span<const TensorType* const> inputs,
                                    const Attributes& attributes) {
  const auto found = rules().find(op);
  if (found == rules().end()) base::fail<Unsupported>("{}: no such op is known", op);
  const Call call(op, inputs, attributes);
  for (const TensorType* type : inputs)
    if (type) check_size(call, "input", *type);
  std::vector<TensorType> outputs = found->second(call);
  for (const TensorType& type : outputs) check_size(call, "output", type);
  return outputs;
}

Node* record(Graph& graph, std::string op, std::vector<Value*> inputs, Attributes attributes, Source source,
             Node* before) {
  std::vector<const TensorType*> types;
  for (const Value* input : inputs) types.push_back(input ? &input->type() : nullptr);
  write_out(op, types, attributes);
  std::vector<TensorType> outputs = infer_types(op, types, attributes);
  return graph.add_node(std::move(op), std::move(inputs), std::move(attributes), std::move(outputs), std::move(source),
                        before);
}

}  // namespace wherry::ir
