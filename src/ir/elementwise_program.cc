// What each elementwise ATen op computes, written once as a program: the passes lower with it, the evaluator folds
// with it. Formulas are those of PyTorch's operator documentation; the arithmetic is chosen as PyTorch chooses it.

#include <cmath>
#include <functional>
#include <limits>
#include <unordered_map>

#include "base/check.h"
#include "ir/infer/rules.h"

namespace wherry::ir {
namespace {

using expression::Builder;
using expression::Compute;
using expression::Opcode;
using expression::Program;
using Register = std::uint8_t;

Compute compute_for(DType dtype) {
  if (dtype == DType::f64) return Compute::f64;
  return is_floating(dtype) ? Compute::f32 : Compute::i64;
}

/// Collects instructions; operands are the call's tensors or its numbers.
class Writer {
 public:
  Writer(const infer::Call& call, Compute compute, int inputs)
      : call_(call), compute_(compute), builder_(compute, inputs) {}

  const infer::Call& call() const { return call_; }
  bool integral() const { return compute_ == Compute::i64; }

  Register constant(double value) { return builder_.constant(integral() ? std::trunc(value) : value); }
  Register number(std::string_view name) { return constant(call_.number(name)); }
  Register number_or(std::string_view name, double fallback) { return constant(call_.number_or(name, fallback)); }

  /// The i-th tensor argument.
  Register operand(std::size_t i) {
    std::uint8_t position = 0;
    for (std::size_t k = 0; k < i; ++k) position = static_cast<std::uint8_t>(position + (call_.maybe(k) ? 1 : 0));
    call_.tensor(i);
    return position;
  }
  /// An argument that is the number `name`, or else the i-th tensor.
  Register operand(std::string_view name, std::size_t i) { return call_.has(name) ? number(name) : operand(i); }

  Register emit(Opcode opcode, Register a) { return builder_.emit(opcode, a); }
  Register emit(Opcode opcode, Register a, Register b) { return builder_.emit(opcode, a, b); }
  Register where(Register condition, Register yes, Register no) {
    return builder_.emit(Opcode::where, condition, yes, no);
  }
  Register add(Register a, Register b) { return emit(Opcode::add, a, b); }
  Register sub(Register a, Register b) { return emit(Opcode::sub, a, b); }
  Register mul(Register a, Register b) { return emit(Opcode::mul, a, b); }
  Register div(Register a, Register b) { return emit(Opcode::div, a, b); }

  Program finish(Register result) { return builder_.finish(result); }

 private:
  const infer::Call& call_;
  Compute compute_;
  Builder builder_;
};

using Write = Register (*)(Writer&);

/// self ∘ other; a number on the left leaves the tensor as the only operand.
Register left(Writer& w) { return w.operand("self", 0); }
Register right(Writer& w) {
  if (w.call().has("self")) return w.operand(0);
  return w.operand(w.call().has("exponent") ? "exponent" : "other", 1);
}

template <Opcode opcode>
Register unary(Writer& w) {
  return w.emit(opcode, w.operand(0));
}
template <Opcode opcode>
Register binary(Writer& w) {
  return w.emit(opcode, left(w), right(w));
}

Register identity(Writer& w) { return w.operand(0); }

/// other · alpha, where alpha is usually 1.
Register scaled(Writer& w, Register value, std::string_view name) {
  const double factor = w.call().number_or(name, 1);
  return factor == 1 ? value : w.mul(value, w.constant(factor));
}
Register add(Writer& w) { return w.add(left(w), scaled(w, right(w), "alpha")); }
Register sub(Writer& w) { return w.sub(left(w), scaled(w, right(w), "alpha")); }
Register rsub(Writer& w) { return w.sub(right(w), scaled(w, left(w), "alpha")); }

/// Rounded towards minus infinity by way of the remainder, as Python does: floor(a / b) can be one too high.
Register floor_divide(Writer& w, Register a, Register b) {
  if (w.integral()) return w.emit(Opcode::floor_div, a, b);
  const Register whole = w.div(w.sub(a, w.emit(Opcode::remainder, a, b)), b);
  return w.where(w.emit(Opcode::eq, b, w.constant(0)), w.div(a, b), w.emit(Opcode::round, whole));
}
Register floor_divide(Writer& w) { return floor_divide(w, left(w), right(w)); }

Register divide(Writer& w) {
  const std::string_view mode = w.call().text_or("rounding_mode", "");
  const Register a = left(w), b = right(w);
  if (mode == "floor") return floor_divide(w, a, b);
  return w.emit(mode == "trunc" ? Opcode::trunc_div : Opcode::div, a, b);
}

/// PyTorch calls the sign of NaN 0.
Register sign(Writer& w) {
  const Register x = w.operand(0), result = w.emit(Opcode::sign, x);
  return w.integral() ? result : w.where(w.emit(Opcode::isnan, x), w.constant(0), result);
}

Register power(Writer& w) {
  const Register x = left(w);
  if (!w.call().has("exponent")) return w.emit(Opcode::pow, x, right(w));
  const double exponent = w.call().number("exponent");
  if (exponent == 1) return x;
  if (exponent == 2) return w.emit(Opcode::square, x);
  if (exponent == 3) return w.mul(w.emit(Opcode::square, x), x);
  if (!w.integral()) {
    if (exponent == 0.5) return w.emit(Opcode::sqrt, x);
    if (exponent == -0.5) return w.emit(Opcode::rsqrt, x);
    if (exponent == -1) return w.emit(Opcode::reciprocal, x);
    if (exponent == -2) return w.emit(Opcode::reciprocal, w.emit(Opcode::square, x));
  }
  return w.emit(Opcode::pow, x, w.constant(exponent));
}

/// fmax and fmin prefer a number to NaN.
template <Opcode opcode>
Register ignoring_nan(Writer& w) {
  const Register a = left(w), b = right(w);
  const Register best = w.emit(opcode, a, b);
  if (w.integral()) return best;
  return w.where(w.emit(Opcode::isnan, a), b, w.where(w.emit(Opcode::isnan, b), a, best));
}

Register clamp_between(Writer& w, Register x, Register low, Register high) {
  return w.emit(Opcode::min, w.emit(Opcode::max, x, low), high);
}

Register clamp(Writer& w) {
  Register x = w.operand(0);
  if (w.call().has("min") || w.call().maybe(1)) x = w.emit(Opcode::max, x, w.operand("min", 1));
  if (w.call().has("max") || w.call().maybe(2)) x = w.emit(Opcode::min, x, w.operand("max", 2));
  return x;
}
Register clamp_min(Writer& w) { return w.emit(Opcode::max, w.operand(0), w.operand("min", 1)); }
Register clamp_max(Writer& w) { return w.emit(Opcode::min, w.operand(0), w.operand("max", 1)); }
Register relu6(Writer& w) { return clamp_between(w, w.operand(0), w.constant(0), w.constant(6)); }
Register hardtanh(Writer& w) {
  return clamp_between(w, w.operand(0), w.number_or("min_val", -1), w.number_or("max_val", 1));
}

/// min(max(x + 3, 0), 6)
Register hard_gate(Writer& w) {
  return clamp_between(w, w.add(w.operand(0), w.constant(3)), w.constant(0), w.constant(6));
}
Register hardsigmoid(Writer& w) { return w.div(hard_gate(w), w.constant(6)); }
Register hardswish(Writer& w) { return w.div(w.mul(w.operand(0), hard_gate(w)), w.constant(6)); }
Register silu(Writer& w) { return w.mul(w.operand(0), w.emit(Opcode::sigmoid, w.operand(0))); }

Register gelu(Writer& w) {
  const bool exact = w.call().text_or("approximate", "none") == "none";
  return w.emit(exact ? Opcode::gelu : Opcode::gelu_tanh, w.operand(0));
}

/// scale · (x > 0 ? x : alpha (e^(input_scale·x) - 1))
Register elu(Writer& w, double alpha, double scale, double input_scale) {
  const Register x = w.operand(0);
  const Register below =
      w.mul(w.emit(Opcode::expm1, input_scale == 1 ? x : w.mul(x, w.constant(input_scale))), w.constant(alpha * scale));
  return w.where(w.emit(Opcode::le, x, w.constant(0)), below, scale == 1 ? x : w.mul(x, w.constant(scale)));
}
Register elu(Writer& w) {
  return elu(w, w.call().number_or("alpha", 1), w.call().number_or("scale", 1), w.call().number_or("input_scale", 1));
}
Register celu(Writer& w) {
  const double alpha = w.call().number_or("alpha", 1);
  if (alpha == 0) w.call().invalid("alpha is 0");
  return elu(w, alpha, 1, 1 / alpha);
}
/// The constants of Klambauer et al., 2017.
Register selu(Writer& w) { return elu(w, 1.6732632423543772848170429916717, 1.0507009873554804934193349852946, 1); }

Register leaky_relu(Writer& w) {
  const Register x = w.operand(0);
  return w.where(w.emit(Opcode::gt, x, w.constant(0)), x, w.mul(x, w.number_or("negative_slope", 0.01)));
}
Register prelu(Writer& w) {
  const Register x = w.operand(0);
  return w.where(w.emit(Opcode::gt, x, w.constant(0)), x, w.mul(w.operand(1), x));
}

/// log(1 + e^x)
Register softplus(Writer& w, Register x) { return w.emit(Opcode::log1p, w.emit(Opcode::exp, x)); }
Register softplus(Writer& w) {
  const Register x = w.operand(0), beta = w.number_or("beta", 1), steep = w.mul(x, beta);
  return w.where(w.emit(Opcode::gt, steep, w.number_or("threshold", 20)), x, w.div(softplus(w, steep), beta));
}
Register mish(Writer& w) { return w.mul(w.operand(0), w.emit(Opcode::tanh, softplus(w, w.operand(0)))); }
Register log_sigmoid(Writer& w) {
  const Register x = w.operand(0);
  return w.sub(w.emit(Opcode::min, x, w.constant(0)), softplus(w, w.emit(Opcode::neg, w.emit(Opcode::abs, x))));
}

Register threshold(Writer& w) {
  const Register x = w.operand(0);
  return w.where(w.emit(Opcode::le, x, w.number("threshold")), w.number("value"), x);
}
Register hardshrink(Writer& w) {
  const Register x = w.operand(0), lambda = w.number_or("lambd", 0.5);
  return w.where(w.emit(Opcode::le, w.emit(Opcode::abs, x), lambda), w.constant(0), x);
}
Register softshrink(Writer& w) {
  const Register x = w.operand(0), lambda = w.number_or("lambd", 0.5);
  const Register over = w.sub(w.emit(Opcode::abs, x), lambda);
  return w.mul(w.emit(Opcode::sign, x), w.emit(Opcode::max, over, w.constant(0)));
}

Register logit(Writer& w) {
  Register x = w.operand(0);
  if (w.call().has("eps")) {
    const double eps = w.call().number("eps");
    x = clamp_between(w, x, w.constant(eps), w.constant(1 - eps));
  }
  return w.emit(Opcode::log, w.div(x, w.sub(w.constant(1), x)));
}

Register addcmul(Writer& w) { return w.add(w.operand(0), w.mul(scaled(w, w.operand(1), "value"), w.operand(2))); }
Register addcdiv(Writer& w) { return w.add(w.operand(0), w.div(scaled(w, w.operand(1), "value"), w.operand(2))); }

/// Interpolates from the nearer end, so that weight 1 gives `end` exactly.
Register lerp(Writer& w) {
  const Register self = w.operand(0), end = w.operand(1), weight = w.operand("weight", 2);
  const Register distance = w.sub(end, self);
  return w.where(w.emit(Opcode::lt, w.emit(Opcode::abs, weight), w.constant(0.5)), w.add(self, w.mul(weight, distance)),
                 w.sub(end, w.mul(distance, w.sub(w.constant(1), weight))));
}

Register where(Writer& w) {
  // A number in place of self moves other up among the tensors.
  const Register yes = w.operand("self", 1);
  const Register no = w.operand("other", w.call().has("self") ? 1 : 2);
  return w.where(w.operand(0), yes, no);
}
Register masked_fill(Writer& w) { return w.where(w.operand(1), w.operand("value", 2), w.operand(0)); }

Register is_finite(Writer& w) {
  const Register x = w.operand(0);
  return w.emit(Opcode::logical_not, w.emit(Opcode::logical_or, w.emit(Opcode::isnan, x), w.emit(Opcode::isinf, x)));
}

Register nan_to_num(Writer& w) {
  Register x = w.operand(0);
  if (w.integral()) return x;
  double largest = std::numeric_limits<double>::max();
  switch (w.call().tensor(0).dtype) {
    case DType::f32: largest = std::numeric_limits<float>::max(); break;
    case DType::f16: largest = 65504; break;
    case DType::bf16: largest = 0x1.fep127; break;
    default: break;
  }
  const double infinity = std::numeric_limits<double>::infinity();
  const Register high = w.number_or("posinf", largest), low = w.number_or("neginf", -largest);
  const Register finite = w.where(w.emit(Opcode::eq, x, w.constant(infinity)), high,
                                  w.where(w.emit(Opcode::eq, x, w.constant(-infinity)), low, x));
  return w.where(w.emit(Opcode::isnan, x), w.number_or("nan", 0), finite);
}

Register round(Writer& w) {
  const Register x = w.operand(0);
  const std::int64_t decimals = w.call().integer_or("decimals", 0);
  if (decimals == 0 || w.integral()) return w.emit(Opcode::round, x);
  const Register scale = w.constant(std::pow(10.0, static_cast<double>(std::abs(static_cast<double>(decimals)))));
  return decimals > 0 ? w.div(w.emit(Opcode::round, w.mul(x, scale)), scale)
                      : w.mul(w.emit(Opcode::round, w.div(x, scale)), scale);
}

Register bitwise_not(Writer& w) {
  const Register x = w.operand(0);
  if (w.call().tensor(0).dtype == DType::boolean) return w.emit(Opcode::logical_not, x);
  return w.emit(Opcode::bit_xor, x, w.constant(-1));
}

/// 2^n for 0 ≤ n ≤ 62.
Register power_of_two(Writer& w, Register n) {
  return w.emit(Opcode::pow, w.constant(2), clamp_between(w, n, w.constant(0), w.constant(62)));
}
Register shift_left(Writer& w) {
  const Register n = right(w);
  const Register rest = power_of_two(w, w.sub(n, w.constant(62)));
  return w.mul(w.mul(left(w), power_of_two(w, n)), rest);
}
Register shift_right(Writer& w) {
  const Register n = right(w);
  const Register first = w.emit(Opcode::floor_div, left(w), power_of_two(w, n));
  return w.emit(Opcode::floor_div, first, power_of_two(w, w.sub(n, w.constant(62))));
}

Register fill(Writer& w) { return w.operand("value", 1); }
Register zero(Writer& w) { return w.constant(0); }
Register copy(Writer& w) { return w.operand(1); }

/// Which dtype an op computes in.
enum class Domain {
  promoted,  ///< what operands and numbers promote to
  floating,  ///< the same, but never integers
  self,      ///< the first tensor's, whatever the numbers are
  cast,      ///< whatever holds both input and output
};

struct Entry {
  Domain domain;
  Write write;
};

const std::unordered_map<std::string_view, Entry>& entries() {
  using enum Domain;
  static const std::unordered_map<std::string_view, Entry> all = {
      {"aten::add", {promoted, add}},
      {"aten::sub", {promoted, sub}},
      {"aten::rsub", {promoted, rsub}},
      {"aten::mul", {promoted, binary<Opcode::mul>}},
      {"aten::div", {promoted, divide}},
      {"aten::floor_divide", {promoted, floor_divide}},
      {"aten::remainder", {promoted, binary<Opcode::remainder>}},
      {"aten::fmod", {promoted, binary<Opcode::fmod>}},
      {"aten::pow", {promoted, power}},
      {"aten::maximum", {promoted, binary<Opcode::max>}},
      {"aten::minimum", {promoted, binary<Opcode::min>}},
      {"aten::fmax", {promoted, ignoring_nan<Opcode::max>}},
      {"aten::fmin", {promoted, ignoring_nan<Opcode::min>}},
      {"aten::atan2", {floating, binary<Opcode::atan2>}},
      {"aten::addcmul", {promoted, addcmul}},
      {"aten::addcdiv", {promoted, addcdiv}},
      {"aten::lerp", {promoted, lerp}},
      {"aten::square", {promoted, unary<Opcode::square>}},
      {"aten::reciprocal", {floating, unary<Opcode::reciprocal>}},
      {"aten::neg", {promoted, unary<Opcode::neg>}},
      {"aten::abs", {promoted, unary<Opcode::abs>}},
      {"aten::sign", {promoted, sign}},
      {"aten::exp", {floating, unary<Opcode::exp>}},
      {"aten::exp2", {floating, unary<Opcode::exp2>}},
      {"aten::expm1", {floating, unary<Opcode::expm1>}},
      {"aten::log", {floating, unary<Opcode::log>}},
      {"aten::log2", {floating, unary<Opcode::log2>}},
      {"aten::log10", {floating, unary<Opcode::log10>}},
      {"aten::log1p", {floating, unary<Opcode::log1p>}},
      {"aten::sqrt", {floating, unary<Opcode::sqrt>}},
      {"aten::rsqrt", {floating, unary<Opcode::rsqrt>}},
      {"aten::sin", {floating, unary<Opcode::sin>}},
      {"aten::cos", {floating, unary<Opcode::cos>}},
      {"aten::tan", {floating, unary<Opcode::tan>}},
      {"aten::asin", {floating, unary<Opcode::asin>}},
      {"aten::acos", {floating, unary<Opcode::acos>}},
      {"aten::atan", {floating, unary<Opcode::atan>}},
      {"aten::sinh", {floating, unary<Opcode::sinh>}},
      {"aten::cosh", {floating, unary<Opcode::cosh>}},
      {"aten::tanh", {floating, unary<Opcode::tanh>}},
      {"aten::erf", {floating, unary<Opcode::erf>}},
      {"aten::sigmoid", {floating, unary<Opcode::sigmoid>}},
      {"aten::logit", {floating, logit}},
      {"aten::floor", {promoted, unary<Opcode::floor>}},
      {"aten::ceil", {promoted, unary<Opcode::ceil>}},
      {"aten::round", {promoted, round}},
      {"aten::trunc", {promoted, unary<Opcode::trunc>}},
      {"aten::nan_to_num", {promoted, nan_to_num}},
      {"aten::clamp", {promoted, clamp}},
      {"aten::clamp_min", {promoted, clamp_min}},
      {"aten::clamp_max", {promoted, clamp_max}},
      {"aten::relu", {self, unary<Opcode::relu>}},
      {"aten::relu6", {self, relu6}},
      {"aten::hardtanh", {self, hardtanh}},
      {"aten::threshold", {self, threshold}},
      {"aten::hardswish", {self, hardswish}},
      {"aten::hardsigmoid", {self, hardsigmoid}},
      {"aten::silu", {self, silu}},
      {"aten::gelu", {self, gelu}},
      {"aten::elu", {self, elu}},
      {"aten::celu", {self, celu}},
      {"aten::selu", {self, selu}},
      {"aten::leaky_relu", {self, leaky_relu}},
      {"aten::prelu", {self, prelu}},
      {"aten::softplus", {self, softplus}},
      {"aten::mish", {self, mish}},
      {"aten::log_sigmoid", {self, log_sigmoid}},
      {"aten::hardshrink", {self, hardshrink}},
      {"aten::softshrink", {self, softshrink}},
      {"aten::eq", {promoted, binary<Opcode::eq>}},
      {"aten::ne", {promoted, binary<Opcode::ne>}},
      {"aten::lt", {promoted, binary<Opcode::lt>}},
      {"aten::le", {promoted, binary<Opcode::le>}},
      {"aten::gt", {promoted, binary<Opcode::gt>}},
      {"aten::ge", {promoted, binary<Opcode::ge>}},
      {"aten::logical_and", {promoted, binary<Opcode::logical_and>}},
      {"aten::logical_or", {promoted, binary<Opcode::logical_or>}},
      {"aten::logical_xor", {promoted, binary<Opcode::logical_xor>}},
      {"aten::logical_not", {promoted, unary<Opcode::logical_not>}},
      {"aten::isnan", {promoted, unary<Opcode::isnan>}},
      {"aten::isinf", {promoted, unary<Opcode::isinf>}},
      {"aten::isfinite", {promoted, is_finite}},
      {"aten::bitwise_and", {promoted, binary<Opcode::bit_and>}},
      {"aten::bitwise_or", {promoted, binary<Opcode::bit_or>}},
      {"aten::bitwise_xor", {promoted, binary<Opcode::bit_xor>}},
      {"aten::bitwise_not", {promoted, bitwise_not}},
      {"aten::__lshift__", {promoted, shift_left}},
      {"aten::__rshift__", {promoted, shift_right}},
      {"aten::where", {promoted, where}},
      {"aten::masked_fill", {self, masked_fill}},
      {"aten::fill", {self, fill}},
      {"aten::zero", {self, zero}},
      {"aten::copy", {self, copy}},
      {"aten::to", {cast, identity}},
      {"aten::_to_copy", {cast, identity}},
      {"aten::type_as", {cast, identity}},
      {"aten::dropout", {cast, identity}},
      {"aten::feature_dropout", {cast, identity}},
      {"aten::alpha_dropout", {cast, identity}},
      {"aten::feature_alpha_dropout", {cast, identity}},
      {"aten::clone", {cast, identity}},
      {"aten::contiguous", {cast, identity}},
      {"aten::detach", {cast, identity}},
      {"aten::alias", {cast, identity}},
  };
  return all;
}

DType computed_in(const infer::Call& call, Domain domain, DType result) {
  const DType self = call.tensor(0).dtype;
  if (domain == Domain::self) return self;
  if (domain == Domain::cast) {
    if (self == DType::f64 || result == DType::f64) return DType::f64;
    return is_floating(self) || is_floating(result) ? DType::f32 : DType::i64;
  }
  std::span<const TensorType* const> inputs = call.inputs();
  if (call.op() == "aten::where") inputs = inputs.subspan(1);  // the condition's dtype has no say
  std::vector<const Attribute*> scalars;
  for (const std::string_view name : {"self", "other", "exponent", "min", "max", "value", "weight"})
    if (const Attribute* scalar = call.find(name)) scalars.push_back(scalar);
  const DType dtype = promote(inputs, scalars);
  // A floating result of integers (division) is computed in floating numbers.
  if (domain == Domain::floating || (is_floating(result) && !is_floating(dtype))) return infer::to_floating(dtype);
  return dtype;
}

}  // namespace

bool is_elementwise(std::string_view op) { return entries().contains(op); }

std::optional<Program> elementwise_program(std::string_view op, std::span<const TensorType* const> inputs,
                                           const Attributes& attributes) {
  const auto found = entries().find(op);
  if (found == entries().end()) return std::nullopt;
  const DType result = infer_types(op, inputs, attributes)[0].dtype;
  const infer::Call call(op, inputs, attributes);
  // A weight per channel stands along dimension 1, which broadcasting does not know.
  if (op == "aten::prelu" && call.count(call.tensor(1).sizes) != 1) return std::nullopt;
  int operands = 0;
  for (const TensorType* type : inputs) operands += type ? 1 : 0;
  if (found->second.domain == Domain::cast) operands = 1;
  Writer writer(call, compute_for(computed_in(call, found->second.domain, result)), operands);
  const Register last = found->second.write(writer);
  return writer.finish(last);
}

}  // namespace wherry::ir
