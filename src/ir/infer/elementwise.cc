// Types of elementwise ops: sizes broadcast, dtypes promote.

#include "ir/infer/rules.h"

namespace wherry::ir::infer {
namespace {

DType promoted(const Call& call, std::initializer_list<std::string_view> scalars) {
  std::vector<const Attribute*> present;
  for (const std::string_view name : scalars)
    if (const Attribute* scalar = call.find(name)) present.push_back(scalar);
  return promote(call.inputs(), present);
}

/// self ∘ other, where either may be a number.
std::vector<TensorType> binary(const Call& call) {
  return {plain(promoted(call, {"self", "other", "exponent"}), call.broadcast_inputs())};
}

std::vector<TensorType> floating_binary(const Call& call) {
  return {plain(to_floating(promoted(call, {"self", "other"})), call.broadcast_inputs())};
}

std::vector<TensorType> divide(const Call& call) {
  const DType dtype = promoted(call, {"other"});
  const std::string_view mode = call.text_or("rounding_mode", "");
  if (mode != "" && mode != "floor" && mode != "trunc")
    call.invalid("rounding_mode is \"{}\", accepted are None, \"floor\" and \"trunc\"", mode);
  return {plain(mode.empty() ? to_floating(dtype) : dtype, call.broadcast_inputs())};
}

std::vector<TensorType> subtract(const Call& call) {
  const Attribute* number = call.find("other");
  bool boolean = number && std::holds_alternative<bool>(*number);
  for (const TensorType* type : call.inputs()) boolean = boolean || (type && type->dtype == DType::boolean);
  if (boolean) call.invalid("bool operands cannot be subtracted");
  return binary(call);
}

/// Arithmetic that PyTorch does not define between bools.
std::vector<TensorType> numeric_binary(const Call& call) {
  auto types = binary(call);
  if (types[0].dtype == DType::boolean) call.invalid("operands are bool, accepted are numbers");
  return types;
}

std::vector<TensorType> same(const Call& call) { return {plain(call.tensor(0).dtype, call.tensor(0).sizes)}; }

std::vector<TensorType> same_numeric(const Call& call) {
  if (call.tensor(0).dtype == DType::boolean) call.invalid("input is bool, accepted are numbers");
  return same(call);
}

std::vector<TensorType> square(const Call& call) {
  const TensorType& self = call.tensor(0);
  return {plain(self.dtype == DType::boolean ? DType::i64 : self.dtype, self.sizes)};
}

std::vector<TensorType> floating(const Call& call) {
  return {plain(to_floating(call.tensor(0).dtype), call.tensor(0).sizes)};
}

/// Functions that PyTorch defines for floating tensors only.
std::vector<TensorType> floating_only(const Call& call) {
  if (!is_floating(call.tensor(0).dtype))
    call.invalid("input is {}, accepted are floating dtypes", name_of(call.tensor(0).dtype));
  return same(call);
}

std::vector<TensorType> gelu(const Call& call) {
  const std::string_view mode = call.text_or("approximate", "none");
  if (mode != "none" && mode != "tanh") call.invalid("approximate is \"{}\", accepted are \"none\" and \"tanh\"", mode);
  return floating_only(call);
}

std::vector<TensorType> clamp(const Call& call) {
  const DType dtype = promoted(call, {"min", "max"});
  if (dtype == DType::boolean) call.invalid("input is bool, accepted are numbers");
  return {plain(dtype, call.broadcast_inputs())};
}

std::vector<TensorType> prelu(const Call& call) {
  const TensorType &self = call.tensor(0), &weight = call.tensor(1);
  const std::int64_t channels = self.sizes.size() < 2 ? 1 : self.sizes[1];
  if (weight.sizes.size() > 1 || (call.count(weight.sizes) != 1 && call.count(weight.sizes) != channels))
    call.invalid("weight {} does not fit input {}: accepted are 1 or {} elements", to_string(weight.sizes),
                 to_string(self.sizes), channels);
  return floating_only(call);
}

std::vector<TensorType> comparison(const Call& call) { return {plain(DType::boolean, call.broadcast_inputs())}; }

std::vector<TensorType> predicate(const Call& call) { return {plain(DType::boolean, call.tensor(0).sizes)}; }

std::vector<TensorType> bitwise(const Call& call) {
  const DType dtype = promoted(call, {"self", "other"});
  if (is_floating(dtype)) call.invalid("operands are {}, accepted are integers and bool", name_of(dtype));
  return {plain(dtype, call.broadcast_inputs())};
}

/// condition, then self and other, each a tensor or a number.
std::vector<TensorType> where(const Call& call) {
  const TensorType& condition = call.tensor(0);
  if (condition.dtype != DType::boolean && condition.dtype != DType::u8)
    call.invalid("condition is {}, accepted is bool", name_of(condition.dtype));
  std::vector<const Attribute*> scalars;
  for (const std::string_view name : {"self", "other"})
    if (const Attribute* scalar = call.find(name)) scalars.push_back(scalar);
  if (call.input_count() + scalars.size() != 3)
    call.invalid("{} tensors and {} numbers, needs condition, self and other", call.input_count(), scalars.size());
  return {plain(promote(call.inputs().subspan(1), scalars), call.broadcast_inputs())};
}

std::vector<TensorType> masked_fill(const Call& call) {
  const TensorType &self = call.tensor(0), &mask = call.tensor(1);
  if (mask.dtype != DType::boolean && mask.dtype != DType::u8)
    call.invalid("mask is {}, accepted is bool", name_of(mask.dtype));
  if (const TensorType* value = call.maybe(2); value && !value->sizes.empty())
    call.invalid("value {} must have no dimensions", to_string(value->sizes));
  return {plain(self.dtype, call.broadcast(self.sizes, mask.sizes))};
}

/// addcmul, addcdiv, lerp
std::vector<TensorType> combined(const Call& call) {
  return {plain(promoted(call, {"value", "weight"}), call.broadcast_inputs())};
}

std::vector<TensorType> dropout(const Call& call) {
  if (call.flag_or("train", false)) call.unsupported("dropout in training mode is not supported");
  return same(call);
}

std::vector<TensorType> softmax(const Call& call) {
  const TensorType& self = call.tensor(0);
  call.dimension_of("dim", self, -1);
  DType dtype = call.dtype_or("dtype", self.dtype);
  if (call.flag_or("half_to_float", false)) dtype = DType::f32;
  if (!is_floating(dtype)) call.invalid("input is {}, accepted are floating dtypes", name_of(dtype));
  return {plain(dtype, self.sizes)};
}

std::vector<TensorType> glu(const Call& call) {
  const TensorType& self = call.tensor(0);
  if (self.sizes.empty()) call.invalid("input has no dimension to halve");
  const std::int64_t dim = call.dimension_of("dim", self, -1);
  Dims sizes = self.sizes;
  if (sizes[static_cast<std::size_t>(dim)] % 2 != 0)
    call.invalid("input {} cannot be halved along dimension {}", to_string(sizes), dim);
  sizes[static_cast<std::size_t>(dim)] /= 2;
  return {plain(self.dtype, std::move(sizes))};
}

/// The core op: the program decides what is computed, the graph's type says what is stored.
std::vector<TensorType> program(const Call& call) {
  const Attribute* attribute = call.find("program");
  const auto* body = attribute ? std::get_if<expression::Program>(attribute) : nullptr;
  if (!body) call.invalid("attribute program is missing");
  if (body->inputs != static_cast<int>(call.input_count()))
    call.invalid("a program of {} operands has {}", body->inputs, call.input_count());
  constexpr DType kStored[] = {DType::f32, DType::f64, DType::i64};
  for (std::size_t i = 0; i < call.input_count(); ++i) call.tensor(i);
  return {plain(kStored[static_cast<std::size_t>(body->compute)], call.broadcast_inputs())};
}

}  // namespace

std::span<const Entry> elementwise_rules() {
  static constexpr Entry kRules[] = {
      {"aten::add", binary},
      {"aten::sub", subtract},
      {"aten::rsub", subtract},
      {"aten::mul", binary},
      {"aten::div", divide},
      {"aten::floor_divide", numeric_binary},
      {"aten::remainder", numeric_binary},
      {"aten::fmod", numeric_binary},
      {"aten::pow", binary},
      {"aten::maximum", binary},
      {"aten::minimum", binary},
      {"aten::fmax", binary},
      {"aten::fmin", binary},
      {"aten::atan2", floating_binary},
      {"aten::addcmul", combined},
      {"aten::addcdiv", combined},
      {"aten::lerp", combined},
      {"aten::square", square},
      {"aten::reciprocal", floating},
      {"aten::neg", same_numeric},
      {"aten::abs", same_numeric},
      {"aten::sign", same},
      {"aten::exp", floating},
      {"aten::exp2", floating},
      {"aten::expm1", floating},
      {"aten::log", floating},
      {"aten::log2", floating},
      {"aten::log10", floating},
      {"aten::log1p", floating},
      {"aten::sqrt", floating},
      {"aten::rsqrt", floating},
      {"aten::sin", floating},
      {"aten::cos", floating},
      {"aten::tan", floating},
      {"aten::asin", floating},
      {"aten::acos", floating},
      {"aten::atan", floating},
      {"aten::sinh", floating},
      {"aten::cosh", floating},
      {"aten::tanh", floating},
      {"aten::erf", floating},
      {"aten::sigmoid", floating},
      {"aten::logit", floating},
      {"aten::floor", same_numeric},
      {"aten::ceil", same_numeric},
      {"aten::round", same_numeric},
      {"aten::trunc", same_numeric},
      {"aten::nan_to_num", same},
      {"aten::clamp", clamp},
      {"aten::clamp_min", clamp},
      {"aten::clamp_max", clamp},
      {"aten::relu", same_numeric},
      {"aten::relu6", same_numeric},
      {"aten::hardtanh", same_numeric},
      {"aten::threshold", same},
      {"aten::hardswish", floating_only},
      {"aten::hardsigmoid", floating_only},
      {"aten::silu", floating_only},
      {"aten::gelu", gelu},
      {"aten::elu", floating_only},
      {"aten::celu", floating_only},
      {"aten::selu", floating_only},
      {"aten::leaky_relu", floating_only},
      {"aten::softplus", floating_only},
      {"aten::mish", floating_only},
      {"aten::log_sigmoid", floating_only},
      {"aten::hardshrink", floating_only},
      {"aten::softshrink", floating_only},
      {"aten::prelu", prelu},
      {"aten::glu", glu},
      {"aten::softmax", softmax},
      {"aten::log_softmax", softmax},
      {"aten::_softmax", softmax},
      {"aten::_log_softmax", softmax},
      {"aten::dropout", dropout},
      {"aten::feature_dropout", dropout},
      {"aten::alpha_dropout", dropout},
      {"aten::feature_alpha_dropout", dropout},
      {"aten::eq", comparison},
      {"aten::ne", comparison},
      {"aten::lt", comparison},
      {"aten::le", comparison},
      {"aten::gt", comparison},
      {"aten::ge", comparison},
      {"aten::logical_and", comparison},
      {"aten::logical_or", comparison},
      {"aten::logical_xor", comparison},
      {"aten::logical_not", predicate},
      {"aten::isnan", predicate},
      {"aten::isinf", predicate},
      {"aten::isfinite", predicate},
      {"aten::bitwise_and", bitwise},
      {"aten::bitwise_or", bitwise},
      {"aten::bitwise_xor", bitwise},
      {"aten::bitwise_not", bitwise},
      {"aten::__lshift__", bitwise},
      {"aten::__rshift__", bitwise},
      {"aten::where", where},
      {"aten::masked_fill", masked_fill},
      {"elementwise", program},
      {"softmax", softmax},
  };
  return kRules;
}

}  // namespace wherry::ir::infer
