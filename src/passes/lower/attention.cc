// Attention written out: softmax(q·kᵀ·scale + mask)·v. One file, so that a fused core op can take its place.

#include <cmath>
#include <limits>

#include "passes/lower/lower.h"

namespace wherry::passes::lowering {
namespace {

using expression::Opcode;

constexpr double kMinusInfinity = -std::numeric_limits<double>::infinity();

/// [rows, columns] of 0 where a query may look and -∞ above the diagonal.
ir::Value* causal_mask(Site& site, std::int64_t rows, std::int64_t columns, DType dtype) {
  Tensor mask = Tensor::empty(DType::f32, {rows, columns});
  const auto values = mask.mutable_values<float>();
  for (std::int64_t i = 0; i < rows; ++i)
    for (std::int64_t j = 0; j < columns; ++j)
      values[static_cast<std::size_t>(i * columns + j)] = j > i ? static_cast<float>(kMinusInfinity) : 0.0f;
  return site.cast(site.graph().add_constant(std::move(mask)), dtype);
}

/// q[..., L, E], k[..., S, E], v[..., S, D] → [..., L, D]; `mask` broadcasts to [..., L, S]: boolean (true may look) or
/// an addend.
ir::Value* attention(Site& site, ir::Value* q, ir::Value* k, ir::Value* v, ir::Value* mask, bool causal, double scale) {
  const DType dtype = q->type().dtype;
  ir::Value* scores = site.matmul(q, site.transpose(k, -2, -1));
  if (causal) {
    const Dims& sizes = scores->type().sizes;
    mask = causal_mask(site, sizes[sizes.size() - 2], sizes.back(), dtype);
  }
  std::vector<Operand> operands = {scores};
  if (mask) operands.push_back(mask);
  const bool boolean = mask && mask->type().dtype == DType::boolean;
  scores = site.apply(operands, dtype, [&](auto& b, auto r) {
    const auto scaled = b.emit(Opcode::mul, r[0], b.constant(scale));
    if (!mask) return scaled;
    if (boolean) return b.emit(Opcode::where, r[1], scaled, b.constant(kMinusInfinity));
    return b.emit(Opcode::add, scaled, r[1]);
  });
  ir::Value* weights = site.softmax(scores, static_cast<std::int64_t>(scores->type().sizes.size()) - 1);
  return site.matmul(weights, v);
}

/// Repeats the heads of k or v so that there are `heads` of them (grouped queries).
ir::Value* repeat_heads(Site& site, ir::Value* x, std::int64_t heads) {
  const Dims sizes = x->type().sizes;
  const std::size_t at = sizes.size() - 3;
  if (sizes[at] == heads) return x;
  Dims split = sizes, wide = sizes, joined = sizes;
  split.insert(split.begin() + static_cast<std::ptrdiff_t>(at) + 1, 1);
  wide.insert(wide.begin() + static_cast<std::ptrdiff_t>(at) + 1, heads / sizes[at]);
  joined[at] = heads;
  return site.reshape(site.expand(site.reshape(x, std::move(split)), std::move(wide)), std::move(joined));
}

Values scaled_dot_product(Site& site) {
  if (site.number("dropout_p", 0) != 0) site.unsupported("attention with dropout; dropout_p = 0 would be accepted");
  ir::Value* q = site.in(0);
  ir::Value* k = site.in(1);
  ir::Value* v = site.in(2);
  if (site.flag("enable_gqa") && site.rank() > 2) {
    const std::int64_t heads = site.sizes()[site.rank() - 3];
    k = repeat_heads(site, k, heads);
    v = repeat_heads(site, v, heads);
  }
  const double scale = site.number("scale", 1 / std::sqrt(static_cast<double>(site.sizes().back())));
  return {attention(site, q, k, v, site.maybe(3), site.flag("is_causal"), scale)};
}

}  // namespace

std::span<const Rule> attention_rules() {
  static constexpr Rule kRules[] = {{"scaled_dot_product_attention", scaled_dot_product}};
  return kRules;
}

}  // namespace wherry::passes::lowering
