// Elementwise ATen ops: ir knows each one's program, so lowering is a change of notation. Casts are programs too.

#include <algorithm>

#include "ir/ops.h"
#include "passes/lower/lower.h"

namespace wherry::passes::lowering {
namespace {

/// `to`, `type_as` and their kin: only the dtype means anything here.
Values cast(Site& site) { return {site.cast(site.in(0), site.out().dtype)}; }

Values identity(Site& site) { return {site.in(0)}; }

Values dropout(Site& site) {
  if (site.flag("train")) site.unsupported("dropout in training mode; a model in evaluation mode would be accepted");
  return {site.in(0)};
}

/// Whether the value is a constant of nothing but true.
bool all_true(const ir::Value* value) {
  constexpr std::int64_t kMostElements = std::int64_t{1} << 22;
  if (!value->is_constant() || value->type().dtype != DType::boolean || value->type().numel() > kMostElements)
    return false;
  const Tensor flags = value->constant()->get();
  const auto* bytes = static_cast<const std::uint8_t*>(flags.data());
  return std::all_of(bytes, bytes + flags.numel(), [](std::uint8_t flag) { return flag != 0; });
}

/// a & b. Where one is true everywhere, as the parts of an attention mask are that forbid nothing, the other is left.
Values conjunction(Site& site) {
  if (site.out().dtype == DType::boolean && site.maybe(1)) {
    for (const std::size_t i : {0, 1})
      if (site.type(1 - i).dtype == DType::boolean && all_true(site.in(i)))
        return {site.expand(site.in(1 - i), site.out().sizes)};
  }
  return {*elementwise(site)};
}

}  // namespace

std::optional<ir::Value*> elementwise(Site& site) {
  std::vector<const ir::TensorType*> types;
  std::vector<ir::Value*> operands;
  for (ir::Value* input : site.node().inputs()) {
    types.push_back(input ? &input->type() : nullptr);
    if (input) operands.push_back(input);
  }
  auto program = ir::elementwise_program(site.op(), types, site.node().attributes());
  if (!program) return std::nullopt;
  return site.elementwise(std::move(*program), std::move(operands), {site.out().dtype, site.out().sizes, {}});
}

std::span<const Rule> arithmetic_rules() {
  static constexpr Rule kRules[] = {
      {"to", cast},
      {"_to_copy", cast},
      {"type_as", cast},
      {"contiguous", identity},
      {"clone", identity},
      {"detach", identity},
      {"alias", identity},
      {"logical_and", conjunction},
      {"bitwise_and", conjunction},
      {"dropout", dropout},
      {"feature_dropout", dropout},
      {"alpha_dropout", dropout},
      {"feature_alpha_dropout", dropout},
  };
  return kRules;
}

}  // namespace wherry::passes::lowering
