// Every matrix product becomes matmul(a[..., M, K], b[..., K, N], bias[N]?).

#include "base/check.h"
#include "passes/lower/lower.h"

namespace wherry::passes::lowering {
namespace {

using expression::Opcode;

ir::Value* transposed(Site& site, ir::Value* x) { return site.transpose(x, -2, -1); }

Values linear(Site& site) {
  ir::Value* x = site.in(0);
  ir::Value* w = site.in(1);
  const bool vector_weight = w->type().sizes.size() == 1;
  if (vector_weight) w = site.unsqueeze(w, 0);
  const bool vector = x->type().sizes.size() == 1;
  if (vector) x = site.unsqueeze(x, 0);
  ir::Value* bias = site.maybe(2);
  if (bias && bias->type().sizes.size() != 1) bias = site.reshape(bias, {bias->type().numel()});
  return {site.reshape(site.matmul(x, transposed(site, w), bias), site.out().sizes)};
}

/// torch.matmul: vectors get a dimension that the result loses again.
Values matmul(Site& site) {
  ir::Value* a = site.in(0);
  ir::Value* b = site.in(1);
  if (a->type().sizes.size() == 1) a = site.unsqueeze(a, 0);
  if (b->type().sizes.size() == 1) b = site.unsqueeze(b, 1);
  return {site.reshape(site.matmul(a, b), site.out().sizes)};
}

/// beta·self + alpha·product; a row added as it is becomes the product's bias.
ir::Value* add_product(Site& site, ir::Value* self, ir::Value* a, ir::Value* b) {
  const double alpha = site.number("alpha", 1), beta = site.number("beta", 1);
  const std::int64_t columns = b->type().sizes.back();
  if (alpha == 1 && beta == 1 && self->type().sizes == Dims{columns}) return site.matmul(a, b, self);
  ir::Value* product = site.matmul(a, b);
  if (beta == 0) return alpha == 1 ? product : site.binary(Opcode::mul, product, Operand(alpha), site.out().dtype);
  return site.apply({product, self}, site.out().dtype, [=](auto& build, auto r) {
    const auto scaled = alpha == 1 ? r[0] : build.emit(Opcode::mul, r[0], build.constant(alpha));
    const auto added = beta == 1 ? r[1] : build.emit(Opcode::mul, r[1], build.constant(beta));
    return build.emit(Opcode::add, scaled, added);
  });
}

Values addmm(Site& site) { return {add_product(site, site.in(0), site.in(1), site.in(2))}; }

Values addmv(Site& site) {
  ir::Value* product = site.reshape(site.matmul(site.in(1), site.unsqueeze(site.in(2), 1)), site.out().sizes);
  const double alpha = site.number("alpha", 1), beta = site.number("beta", 1);
  return {site.apply({product, site.in(0)}, site.out().dtype, [=](auto& build, auto r) {
    return build.emit(Opcode::add, build.emit(Opcode::mul, r[0], build.constant(alpha)),
                      build.emit(Opcode::mul, r[1], build.constant(beta)));
  })};
}

/// Sum over the batch of a[B, N, K]·b[B, K, M]: one product over K·B.
Values addbmm(Site& site) {
  const Dims a = site.sizes(1), b = site.sizes(2);
  ir::Value* left = site.reshape(site.permute(site.in(1), {1, 0, 2}), {a[1], a[0] * a[2]});
  ir::Value* right = site.reshape(site.in(2), {b[0] * b[1], b[2]});
  return {add_product(site, site.in(0), left, right)};
}

}  // namespace

std::span<const Rule> matmul_rules() {
  static constexpr Rule kRules[] = {
      {"linear", linear}, {"matmul", matmul}, {"mm", matmul},     {"bmm", matmul},  {"mv", matmul},
      {"dot", matmul},    {"addmm", addmm},   {"baddbmm", addmm}, {"addmv", addmv}, {"addbmm", addbmm},
  };
  return kRules;
}

}  // namespace wherry::passes::lowering
