// Attention: the core op for fp32, written out as softmax(q·kᵀ·scale + mask)·v where somebody reads the weights or the
// arithmetic is another.

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

/// What a boolean mask says where it is true.
enum class Truth { looks, is_hidden };

/// A mask as addends for all keys, as the core op takes it.
ir::Value* addends(Site& site, ir::Value* mask, std::int64_t keys, Truth truth) {
  mask = site.unexpanded(mask);
  if (mask->type().dtype == DType::boolean) {
    mask = site.apply({mask}, DType::f32, [&](auto& b, auto r) {
      const auto hidden = b.constant(kMinusInfinity), seen = b.constant(0);
      return truth == Truth::looks ? b.emit(Opcode::where, r[0], seen, hidden)
                                   : b.emit(Opcode::where, r[0], hidden, seen);
    });
  }
  return site.key_mask(mask, keys);
}

/// The core op on q[..., L, E], k[..., S, E], v[..., S, D]. What a query sees that sees nothing, `zero_hidden` says: 0
/// (else NaN).
ir::Value* fused(Site& site, ir::Value* q, ir::Value* k, ir::Value* v, ir::Value* mask, bool causal, double scale,
                 Truth truth, bool zero_hidden) {
  const std::int64_t keys = k->type().sizes[k->type().sizes.size() - 2];
  return site.attention(q, k, v, mask ? addends(site, mask, keys, truth) : nullptr, scale, causal, zero_hidden);
}

struct Attention {
  ir::Value* result;   ///< [..., L, D]
  ir::Value* weights;  ///< [..., L, S]
};

/// q[..., L, E], k[..., S, E], v[..., S, D]; `mask` broadcasts to [..., L, S]: boolean or an addend, null for none.
Attention attention(Site& site, ir::Value* q, ir::Value* k, ir::Value* v, ir::Value* mask, bool causal, double scale,
                    Truth truth = Truth::looks) {
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
    const auto hidden = b.constant(kMinusInfinity);
    if (boolean && truth == Truth::looks) return b.emit(Opcode::where, r[1], scaled, hidden);
    if (boolean) return b.emit(Opcode::where, r[1], hidden, scaled);
    return b.emit(Opcode::add, scaled, r[1]);
  });
  ir::Value* weights = site.softmax(scores, static_cast<std::int64_t>(scores->type().sizes.size()) - 1);
  return {site.matmul(weights, v), weights};
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
  if (q->type().dtype == DType::f32)
    return {fused(site, q, k, v, site.maybe(3), site.flag("is_causal"), scale, Truth::looks, true)};
  return {attention(site, q, k, v, site.maybe(3), site.flag("is_causal"), scale).result};
}

/// x[B, S, E] times rows [first, last) of the stacked projections, split into heads: [last - first, B, heads, S, E /
/// heads].
ir::Value* project(Site& site, ir::Value* x, std::int64_t first, std::int64_t last, std::int64_t heads) {
  const Dims in = x->type().sizes;
  const std::int64_t width = in[2], count = last - first;
  ir::Value* weight = site.slice(site.in(3), 0, first * width, last * width);
  ir::Value* bias = site.slice(site.in(4), 0, first * width, last * width);
  ir::Value* all = site.matmul(x, site.transpose(weight, 0, 1), bias);
  return site.permute(site.reshape(all, {in[0], in[1], count, heads, width / heads}), {2, 0, 3, 1, 4});
}

/// nn.MultiheadAttention's fast path: projections of query, key and value, attention by heads, output projection.
Values multi_head(Site& site) {
  const std::int64_t heads = site.integer("num_head", 1), width = site.integer("embed_dim", 1);
  ir::Value *query = site.in(0), *key = site.in(1), *value = site.in(2);
  ir::Value* parts[3];
  if (query == key && key == value) {
    ir::Value* all = project(site, query, 0, 3, heads);
    for (std::int64_t i = 0; i < 3; ++i) parts[i] = site.select(all, 0, i);
  } else {
    ir::Value* sources[3] = {query, key, value};
    for (std::int64_t i = 0; i < 3; ++i) parts[i] = site.squeeze(project(site, sources[i], i, i + 1, heads), 0);
  }
  ir::Value* mask = site.maybe(7);
  const Dims q = query->type().sizes, k = key->type().sizes;
  // mask_type: 0 is a mask [L, S] of positions, 1 one [B, S] of padded keys, 2 both merged as [B, heads, L, S].
  if (mask && site.integer("mask_type", 0) == 1) mask = site.reshape(mask, {k[0], 1, 1, k[1]});
  const double scale = 1 / std::sqrt(static_cast<double>(width / heads));
  const bool weights = site.flag("need_weights", true);
  Attention made{};
  if (weights || query->type().dtype != DType::f32)
    made = attention(site, parts[0], parts[1], parts[2], mask, false, scale, Truth::is_hidden);
  else
    made.result = fused(site, parts[0], parts[1], parts[2], mask, false, scale, Truth::is_hidden, false);
  ir::Value* joined = site.reshape(site.permute(made.result, {0, 2, 1, 3}), {q[0], q[1], width});
  ir::Value* result = site.matmul(joined, site.transpose(site.in(5), 0, 1), site.in(6));
  if (!weights) return {result, nullptr};
  const bool average = site.flag("average_attn_weights", true);
  return {result, average ? site.reduce(made.weights, "mean", {1}, false) : made.weights};
}

}  // namespace

std::span<const Rule> attention_rules() {
  static constexpr Rule kRules[] = {{"scaled_dot_product_attention", scaled_dot_product},
                                    {"_native_multi_head_attention", multi_head}};
  return kRules;
}

}  // namespace wherry::passes::lowering
