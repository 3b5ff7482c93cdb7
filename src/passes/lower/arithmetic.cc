// Elementwise ATen ops: ir knows each one's program, so lowering is a change of notation. Casts are programs too.

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
      {"dropout", dropout},
      {"feature_dropout", dropout},
      {"alpha_dropout", dropout},
      {"feature_alpha_dropout", dropout},
  };
  return kRules;
}

}  // namespace wherry::passes::lowering
