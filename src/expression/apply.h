#pragma once
// The meaning of every opcode for one element, as plainly as it can be written: what folds constants, what the kernels'
// scalar loops run and what their vector loops are tested against.

#include <cmath>
#include <cstdint>
#include <limits>

#include "base/check.h"
#include "expression/program.h"

namespace wherry::expression {

template <typename T>
T nan_min(T a, T b) {
  if (std::isnan(a) || std::isnan(b)) return std::numeric_limits<T>::quiet_NaN();
  return a < b ? a : b;
}

template <typename T>
T nan_max(T a, T b) {
  if (std::isnan(a) || std::isnan(b)) return std::numeric_limits<T>::quiet_NaN();
  return a > b ? a : b;
}

/// Python's %: the result has the divisor's sign.
template <typename T>
T float_remainder(T a, T b) {
  const T r = std::fmod(a, b);
  return r != 0 && ((r < 0) != (b < 0)) ? r + b : r;
}

/// One instruction but `constant` on fp32 or fp64, every result rounded to T. Throws InternalError for an opcode that
/// has no floating meaning.
template <typename T>
T apply_float(Opcode opcode, T a, T b, T c) {
  switch (opcode) {
    case Opcode::add: return a + b;
    case Opcode::sub: return a - b;
    case Opcode::mul: return a * b;
    case Opcode::div: return a / b;
    case Opcode::floor_div: return std::floor(a / b);
    case Opcode::trunc_div: return std::trunc(a / b);
    case Opcode::remainder: return float_remainder(a, b);
    case Opcode::fmod: return std::fmod(a, b);
    case Opcode::pow: return std::pow(a, b);
    case Opcode::min: return nan_min(a, b);
    case Opcode::max: return nan_max(a, b);
    case Opcode::atan2: return std::atan2(a, b);
    case Opcode::eq: return a == b;
    case Opcode::ne: return a != b;
    case Opcode::lt: return a < b;
    case Opcode::le: return a <= b;
    case Opcode::gt: return a > b;
    case Opcode::ge: return a >= b;
    case Opcode::logical_and: return a != 0 && b != 0;
    case Opcode::logical_or: return a != 0 || b != 0;
    case Opcode::logical_xor: return (a != 0) != (b != 0);
    case Opcode::neg: return -a;
    case Opcode::abs: return std::fabs(a);
    case Opcode::sign: return std::isnan(a) ? a : static_cast<T>((a > 0) - (a < 0));
    case Opcode::exp: return std::exp(a);
    case Opcode::exp2: return std::exp2(a);
    case Opcode::expm1: return std::expm1(a);
    case Opcode::log: return std::log(a);
    case Opcode::log2: return std::log2(a);
    case Opcode::log10: return std::log10(a);
    case Opcode::log1p: return std::log1p(a);
    case Opcode::sqrt: return std::sqrt(a);
    case Opcode::rsqrt: return 1 / std::sqrt(a);
    case Opcode::reciprocal: return 1 / a;
    case Opcode::square: return a * a;
    case Opcode::sin: return std::sin(a);
    case Opcode::cos: return std::cos(a);
    case Opcode::tan: return std::tan(a);
    case Opcode::asin: return std::asin(a);
    case Opcode::acos: return std::acos(a);
    case Opcode::atan: return std::atan(a);
    case Opcode::sinh: return std::sinh(a);
    case Opcode::cosh: return std::cosh(a);
    case Opcode::tanh: return std::tanh(a);
    case Opcode::erf: return std::erf(a);
    case Opcode::gelu: return a / 2 * (1 + std::erf(a * static_cast<T>(0.70710678118654752)));
    case Opcode::gelu_tanh:
      return a / 2 * (1 + std::tanh(static_cast<T>(0.79788456080286536) * (a + static_cast<T>(0.044715) * a * a * a)));
    case Opcode::floor: return std::floor(a);
    case Opcode::ceil: return std::ceil(a);
    case Opcode::round: return std::nearbyint(a);  // half to even, as PyTorch rounds
    case Opcode::trunc: return std::trunc(a);
    case Opcode::logical_not: return a == 0;
    case Opcode::isnan: return std::isnan(a);
    case Opcode::isinf: return std::isinf(a);
    case Opcode::sigmoid: return 1 / (1 + std::exp(-a));
    case Opcode::relu: return std::isnan(a) || a > 0 ? a : T{0};
    case Opcode::where: return a != 0 ? b : c;
    case Opcode::constant:
    case Opcode::bit_and:
    case Opcode::bit_or:
    case Opcode::bit_xor:
    case Opcode::count_: break;
  }
  base::fail<InternalError>("opcode {} has no floating meaning", info(opcode).name);
}

inline std::int64_t wrap(std::uint64_t value) { return static_cast<std::int64_t>(value); }
inline std::uint64_t bits(std::int64_t value) { return static_cast<std::uint64_t>(value); }

/// Quotient rounded towards minus infinity; a division by zero is 0 (PyTorch raises; a graph cannot).
inline std::int64_t floor_quotient(std::int64_t a, std::int64_t b) {
  if (b == 0) return 0;
  if (b == -1) return wrap(0 - bits(a));
  const std::int64_t q = a / b;
  return a % b != 0 && ((a < 0) != (b < 0)) ? q - 1 : q;
}

inline std::int64_t power(std::int64_t base, std::int64_t exponent) {
  if (exponent < 0) return base == 1 ? 1 : base == -1 ? (exponent % 2 ? -1 : 1) : 0;
  std::uint64_t result = 1, factor = bits(base);
  for (; exponent > 0; exponent >>= 1, factor *= factor)
    if (exponent & 1) result *= factor;
  return wrap(result);
}

/// One instruction but `constant` on wrapping int64. Throws InternalError for an opcode that has no integer meaning.
inline std::int64_t apply_int(Opcode opcode, std::int64_t a, std::int64_t b, std::int64_t c) {
  switch (opcode) {
    case Opcode::add: return wrap(bits(a) + bits(b));
    case Opcode::sub: return wrap(bits(a) - bits(b));
    case Opcode::mul: return wrap(bits(a) * bits(b));
    case Opcode::floor_div: return floor_quotient(a, b);
    case Opcode::div:
    case Opcode::trunc_div: return b == 0 ? 0 : b == -1 ? wrap(0 - bits(a)) : a / b;
    case Opcode::remainder: return b == 0 ? 0 : wrap(bits(a) - bits(floor_quotient(a, b)) * bits(b));
    case Opcode::fmod: return b == 0 || b == -1 ? 0 : a % b;
    case Opcode::pow: return power(a, b);
    case Opcode::min: return a < b ? a : b;
    case Opcode::max: return a > b ? a : b;
    case Opcode::eq: return a == b;
    case Opcode::ne: return a != b;
    case Opcode::lt: return a < b;
    case Opcode::le: return a <= b;
    case Opcode::gt: return a > b;
    case Opcode::ge: return a >= b;
    case Opcode::logical_and: return a != 0 && b != 0;
    case Opcode::logical_or: return a != 0 || b != 0;
    case Opcode::logical_xor: return (a != 0) != (b != 0);
    case Opcode::bit_and: return a & b;
    case Opcode::bit_or: return a | b;
    case Opcode::bit_xor: return a ^ b;
    case Opcode::neg: return wrap(0 - bits(a));
    case Opcode::abs: return a < 0 ? wrap(0 - bits(a)) : a;
    case Opcode::sign: return (a > 0) - (a < 0);
    case Opcode::square: return wrap(bits(a) * bits(a));
    case Opcode::floor:
    case Opcode::ceil:
    case Opcode::round:
    case Opcode::trunc: return a;
    case Opcode::logical_not: return a == 0;
    case Opcode::isnan:
    case Opcode::isinf: return 0;
    case Opcode::relu: return a > 0 ? a : 0;
    case Opcode::where: return a != 0 ? b : c;
    default: break;
  }
  base::fail<InternalError>("opcode {} has no integer meaning", info(opcode).name);
}

}  // namespace wherry::expression
