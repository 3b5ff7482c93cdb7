// Softmax and the activations that are more than one elementwise program (those are in ir::elementwise_program).

#include "passes/lower/lower.h"

namespace wherry::passes::lowering {
namespace {

using expression::Opcode;

/// left half · sigmoid(right half)
Values glu(Site& site) {
  const std::int64_t dim = site.dim("dim", -1);
  const std::int64_t half = site.sizes()[static_cast<std::size_t>(dim)] / 2;
  ir::Value* left = site.slice(site.in(0), dim, 0, half);
  ir::Value* right = site.slice(site.in(0), dim, half, 2 * half);
  return {site.apply({left, right}, site.out().dtype,
                     [](auto& b, auto r) { return b.emit(Opcode::mul, r[0], b.emit(Opcode::sigmoid, r[1])); })};
}

Values softmax(Site& site, bool log) {
  if (site.rank() == 0) return {site.full({}, log ? 0 : 1, site.out().dtype)};
  return {site.softmax(site.cast(site.in(0), site.out().dtype), site.dim(), log)};
}

/// A slope per channel belongs to dimension 1.
Values prelu(Site& site) {
  ir::Value* slope = site.in(1);
  Dims sizes;
  if (slope->type().numel() > 1) {
    sizes.assign(site.rank() > 1 ? site.rank() - 1 : 1, 1);
    sizes[0] = slope->type().numel();
  }
  return {site.apply({site.in(0), site.reshape(slope, std::move(sizes))}, site.out().dtype, [](auto& b, auto r) {
    return b.emit(Opcode::where, b.emit(Opcode::gt, r[0], b.constant(0)), r[0], b.emit(Opcode::mul, r[0], r[1]));
  })};
}

}  // namespace

std::span<const Rule> activation_rules() {
  static constexpr Rule kRules[] = {
      {"glu", glu},
      {"prelu", prelu},
      {"softmax", [](Site& s) { return softmax(s, false); }},
      {"_softmax", [](Site& s) { return softmax(s, false); }},
      {"log_softmax", [](Site& s) { return softmax(s, true); }},
      {"_log_softmax", [](Site& s) { return softmax(s, true); }},
  };
  return kRules;
}

}  // namespace wherry::passes::lowering
