// Normalisations. Batch norm in evaluation is a scale and a shift per channel; both are computed from constants, so
// they fold into the convolution before it.

#include <numeric>

#include "base/check.h"
#include "passes/lower/lower.h"

namespace wherry::passes::lowering {
namespace {

using expression::Opcode;

/// [C] as [C, 1, …] so that it broadcasts along dimension 1 of a tensor of `rank`.
ir::Value* per_channel(Site& site, ir::Value* v, std::size_t rank) {
  Dims sizes(rank > 1 ? rank - 1 : 1, 1);
  sizes[0] = v->type().numel();
  return site.reshape(v, std::move(sizes));
}

/// (x - mean) / sqrt(var + eps) · weight + bias, as x · scale + shift.
ir::Value* batch_norm(Site& site, double eps) {
  ir::Value* x = site.in(0);
  ir::Value* weight = site.maybe(1);
  ir::Value* bias = site.maybe(2);
  ir::Value* mean = site.maybe(3);
  ir::Value* var = site.maybe(4);
  if (!mean || !var || site.flag("training"))
    site.unsupported(
        "batch norm over the batch's own statistics; running statistics (evaluation mode) would be accepted");
  const DType dtype = is_floating(var->type().dtype) ? var->type().dtype : x->type().dtype;
  std::vector<Operand> operands = {var};
  if (weight) operands.push_back(weight);
  ir::Value* scale = site.apply(operands, dtype, [&](auto& b, auto r) {
    const auto deviation = b.emit(Opcode::sqrt, b.emit(Opcode::add, r[0], b.constant(eps)));
    return b.emit(Opcode::div, weight ? r[1] : b.constant(1), deviation);
  });
  operands = {mean, scale};
  if (bias) operands.push_back(bias);
  ir::Value* shift = site.apply(operands, dtype, [&](auto& b, auto r) {
    const auto moved = b.emit(Opcode::mul, r[0], r[1]);
    return bias ? b.emit(Opcode::sub, r[2], moved) : b.emit(Opcode::neg, moved);
  });
  const std::size_t rank = site.rank();
  return site.apply({x, per_channel(site, scale, rank), per_channel(site, shift, rank)}, site.out().dtype,
                    [](auto& b, auto r) { return b.emit(Opcode::add, b.emit(Opcode::mul, r[0], r[1]), r[2]); });
}

Values batch_norm_op(Site& site) {
  Values results = {batch_norm(site, site.number("eps", 1e-5))};
  results.resize(site.node().outputs().size(), nullptr);
  return results;
}

/// The affine part of a norm in its own dtype.
std::vector<ir::Value*> with_affine(ir::Value* x, ir::Value* weight, ir::Value* bias) {
  std::vector<ir::Value*> inputs = {x};
  if (weight || bias) inputs.push_back(weight);
  if (bias) inputs.push_back(bias);
  return inputs;
}

Values layer_norm(Site& site) {
  const auto dims = static_cast<std::int64_t>(site.integers("normalized_shape").size());
  ir::Value* y = site.record("layer_norm", with_affine(site.in(0), site.maybe(1), site.maybe(2)),
                             {{"dims", dims}, {"eps", site.number("eps", 1e-5)}});
  Values results = {y};
  results.resize(site.node().outputs().size(), nullptr);
  return results;
}

ir::Value* group_norm_of(Site& site, std::int64_t groups, double eps) {
  return site.record("group_norm", with_affine(site.in(0), site.maybe(1), site.maybe(2)),
                     {{"groups", groups}, {"eps", eps}});
}

Values group_norm(Site& site) {
  const std::int64_t groups = site.has("num_groups") ? site.integer("num_groups", 1) : site.integer("group", 1);
  Values results = {group_norm_of(site, groups, site.number("eps", 1e-5))};
  results.resize(site.node().outputs().size(), nullptr);
  return results;
}

Values instance_norm(Site& site) {
  const double eps = site.number("eps", 1e-5);
  if (!site.flag("use_input_stats", true)) return {batch_norm(site, eps)};
  return {group_norm_of(site, site.sizes()[1], eps)};
}

/// x / sqrt(mean(x²) + eps) · weight
Values rms_norm(Site& site) {
  ir::Value* x = site.in(0);
  const std::size_t count = site.integers("normalized_shape").size();
  Dims dims(count);
  std::iota(dims.begin(), dims.end(), static_cast<std::int64_t>(site.rank() - count));
  const DType dtype = site.out().dtype;
  const double eps = site.number("eps", dtype == DType::f64 ? 2.220446049250313e-16 : 1.1920928955078125e-07);
  ir::Value* squares = site.reduce(site.unary(Opcode::square, x), "mean", dims, true);
  std::vector<Operand> operands = {x, squares};
  if (site.maybe(1)) operands.push_back(site.in(1));
  return {site.apply(operands, dtype, [&](auto& b, auto r) {
    const auto inverse = b.emit(Opcode::rsqrt, b.emit(Opcode::add, r[1], b.constant(eps)));
    const auto normal = b.emit(Opcode::mul, r[0], inverse);
    return r.size() > 2 ? b.emit(Opcode::mul, normal, r[2]) : normal;
  })};
}

}  // namespace

std::span<const Rule> normalization_rules() {
  static constexpr Rule kRules[] = {
      {"batch_norm", batch_norm_op},
      {"native_batch_norm", batch_norm_op},
      {"_native_batch_norm_legit_no_training", batch_norm_op},
      {"layer_norm", layer_norm},
      {"native_layer_norm", layer_norm},
      {"group_norm", group_norm},
      {"native_group_norm", group_norm},
      {"instance_norm", instance_norm},
      {"rms_norm", rms_norm},
  };
  return kRules;
}

}  // namespace wherry::passes::lowering
