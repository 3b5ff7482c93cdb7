// Reductions over dimensions; variances and norms by decomposition.

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "base/checked_math.h"
#include "passes/lower/lower.h"

namespace wherry::passes::lowering {
namespace {

using expression::Opcode;

/// The dimensions named by the attribute, wrapped; all of them where it is absent or empty.
Dims reduced_dims(Site& site) {
  Dims dims = site.integers("dim");
  if (dims.empty()) {
    dims.resize(site.rank());
    std::iota(dims.begin(), dims.end(), 0);
  }
  for (std::int64_t& d : dims) d = wrap(d, site.rank());
  return dims;
}

std::int64_t count_of(Site& site, const Dims& dims) {
  std::int64_t count = 1;
  for (const std::int64_t d : dims)
    if (site.rank() > 0) count *= site.sizes()[static_cast<std::size_t>(d)];
  return count;
}

/// Reduces `x`; a tensor of rank 0 is its own reduction.
ir::Value* reduce(Site& site, ir::Value* x, const char* mode, const Dims& dims, bool keepdim) {
  if (x->type().sizes.empty()) return x;
  return site.reduce(x, mode, dims, keepdim);
}

Values plain(Site& site, const char* mode) {
  ir::Value* x = site.cast(site.in(0), site.out().dtype);
  return {reduce(site, x, mode, reduced_dims(site), site.flag("keepdim"))};
}

/// any, all: anything but zero is true.
Values logical(Site& site, const char* mode) {
  ir::Value* x = site.cast(site.in(0), DType::boolean);
  return {site.cast(reduce(site, x, mode, reduced_dims(site), site.flag("keepdim")), site.out().dtype)};
}

Values argument(Site& site, const char* mode) {
  ir::Value* x = site.in(0);
  if (x->type().sizes.empty()) return {site.constant(0, DType::i64)};
  if (site.has("dim")) return {site.reduce(x, mode, {site.dim()}, site.flag("keepdim"))};
  return {site.reshape(site.reduce(site.reshape(x, {x->type().numel()}), mode, {0}, false), site.out().sizes)};
}

/// max.dim and min.dim: values and, where read, indices.
Values extreme(Site& site, const char* mode, const char* arg_mode) {
  if (site.node().outputs().size() == 1) return plain(site, mode);
  const bool keepdim = site.flag("keepdim");
  const Dims dims = {site.dim()};
  if (site.rank() == 0) return {site.in(0), site.constant(0, DType::i64)};
  return {site.reduce(site.in(0), mode, dims, keepdim), site.reduce(site.in(0), arg_mode, dims, keepdim)};
}

struct Moments {
  ir::Value* variance;
  ir::Value* mean;
};

/// mean((x - mean(x))²) · n / (n - correction), in two passes over x for accuracy.
Moments moments(Site& site, const Dims& dims, bool keepdim) {
  ir::Value* x = site.in(0);
  const auto n = static_cast<double>(count_of(site, dims));
  double correction = site.flag("unbiased", true) ? 1 : 0;
  if (site.has("correction")) correction = site.number("correction", 1);
  ir::Value* mean = reduce(site, x, "mean", dims, true);
  ir::Value* squares = site.apply({x, mean}, x->type().dtype, [](auto& b, auto r) {
    return b.emit(Opcode::square, b.emit(Opcode::sub, r[0], r[1]));
  });
  ir::Value* variance = reduce(site, squares, "mean", dims, keepdim);
  const double divisor = std::max(0.0, n - correction);
  if (divisor != n) {
    const double factor = divisor == 0 ? std::numeric_limits<double>::quiet_NaN() : n / divisor;
    variance = site.binary(Opcode::mul, variance, Operand(factor), variance->type().dtype);
  }
  return {variance, keepdim ? mean : site.reshape(mean, variance->type().sizes)};
}

Values variance(Site& site, bool root) {
  ir::Value* v = moments(site, reduced_dims(site), site.flag("keepdim")).variance;
  return {root ? site.unary(Opcode::sqrt, v) : v};
}

Values var_mean(Site& site) {
  const Moments m = moments(site, reduced_dims(site), site.flag("keepdim"));
  return {m.variance, m.mean};
}

/// (Σ |x|^p)^(1/p), with p = 0 (count of non-zeros), ±∞ (largest, smallest magnitude) as their limits.
Values norm(Site& site, const char* order_name) {
  const double p = site.number(order_name, 2);
  const DType dtype = site.out().dtype;
  const Dims dims = reduced_dims(site);
  const bool keepdim = site.flag("keepdim");
  ir::Value* x = site.cast(site.in(0), dtype);
  if (std::isinf(p)) return {reduce(site, site.unary(Opcode::abs, x), p > 0 ? "max" : "min", dims, keepdim)};
  if (p == 0) {
    ir::Value* nonzero = site.binary(Opcode::ne, x, Operand(0.0), dtype);
    return {reduce(site, nonzero, "sum", dims, keepdim)};
  }
  if (p == 1) return {reduce(site, site.unary(Opcode::abs, x), "sum", dims, keepdim)};
  if (p == 2) return {site.unary(Opcode::sqrt, reduce(site, site.unary(Opcode::square, x), "sum", dims, keepdim))};
  ir::Value* powers = site.apply(
      {x}, dtype, [=](auto& b, auto r) { return b.emit(Opcode::pow, b.emit(Opcode::abs, r[0]), b.constant(p)); });
  return {site.binary(Opcode::pow, reduce(site, powers, "sum", dims, keepdim), Operand(1 / p), dtype)};
}

/// log Σ exp(x) = m + log Σ exp(x - m), m = max(x) (0 where infinite, so that ∞ - ∞ does not arise)
Values logsumexp(Site& site) {
  const DType dtype = site.out().dtype;
  const Dims dims = reduced_dims(site);
  const bool keepdim = site.flag("keepdim");
  ir::Value* x = site.cast(site.in(0), dtype);
  ir::Value* largest = site.apply({reduce(site, x, "max", dims, true)}, dtype, [](auto& b, auto r) {
    return b.emit(Opcode::where, b.emit(Opcode::isinf, r[0]), b.constant(0), r[0]);
  });
  ir::Value* terms = site.apply({x, largest}, dtype,
                                [](auto& b, auto r) { return b.emit(Opcode::exp, b.emit(Opcode::sub, r[0], r[1])); });
  ir::Value* sum = reduce(site, terms, "sum", dims, keepdim);
  ir::Value* offset = keepdim ? largest : site.reshape(largest, sum->type().sizes);
  return {site.apply({sum, offset}, dtype,
                     [](auto& b, auto r) { return b.emit(Opcode::add, b.emit(Opcode::log, r[0]), r[1]); })};
}

/// Sums of ever longer runs: after a round, each element is the sum of the last `run` ones up to it. A round adds up to
/// eight shifted copies, so 512 elements take three.
Values cumsum(Site& site) {
  constexpr std::int64_t kRadix = 8;
  ir::Value* x = site.cast(site.in(0), site.out().dtype);
  if (site.rank() == 0) return {x};
  const auto dim = static_cast<std::size_t>(site.dim());
  const std::int64_t size = site.sizes()[dim];
  for (std::int64_t run = 1; run < size; run *= kRadix) {
    const std::int64_t shifts = std::min(kRadix, base::ceil_div(size, run)) - 1;
    Dims pads(2 * site.rank(), 0);
    pads[2 * dim] = shifts * run;
    ir::Value* padded = site.pad(x, pads, 0);
    std::vector<Operand> terms = {x};
    for (std::int64_t k = 1; k <= shifts; ++k) {
      const std::int64_t begin = (shifts - k) * run;
      terms.push_back(site.slice(padded, static_cast<std::int64_t>(dim), begin, begin + size));
    }
    x = site.apply(terms, site.out().dtype, [](auto& b, auto r) {
      auto sum = r[0];
      for (std::size_t i = 1; i < r.size(); ++i) sum = b.emit(Opcode::add, sum, r[i]);
      return sum;
    });
  }
  return {x};
}

}  // namespace

std::span<const Rule> reduction_rules() {
  static constexpr Rule kRules[] = {
      {"mean", [](Site& s) { return plain(s, "mean"); }},
      {"sum", [](Site& s) { return plain(s, "sum"); }},
      {"prod", [](Site& s) { return plain(s, "prod"); }},
      {"amax", [](Site& s) { return plain(s, "max"); }},
      {"amin", [](Site& s) { return plain(s, "min"); }},
      {"max", [](Site& s) { return extreme(s, "max", "argmax"); }},
      {"min", [](Site& s) { return extreme(s, "min", "argmin"); }},
      {"any", [](Site& s) { return logical(s, "any"); }},
      {"all", [](Site& s) { return logical(s, "all"); }},
      {"argmax", [](Site& s) { return argument(s, "argmax"); }},
      {"argmin", [](Site& s) { return argument(s, "argmin"); }},
      {"var", [](Site& s) { return variance(s, false); }},
      {"std", [](Site& s) { return variance(s, true); }},
      {"var_mean", var_mean},
      {"norm", [](Site& s) { return norm(s, "p"); }},
      {"linalg_vector_norm", [](Site& s) { return norm(s, "ord"); }},
      {"logsumexp", logsumexp},
      {"cumsum", cumsum},
  };
  return kRules;
}

}  // namespace wherry::passes::lowering
