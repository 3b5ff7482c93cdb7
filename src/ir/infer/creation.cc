// Types of ops that make a tensor out of numbers, and of conversions.

#include <cmath>

#include "ir/infer/rules.h"

namespace wherry::ir::infer {
namespace {

Dims checked_sizes(const Call& call) {
  const Dims& sizes = call.integers("size");
  for (const std::int64_t size : sizes)
    if (size < 0) call.invalid("size {} has a negative number", to_string(sizes));
  return sizes;
}

std::vector<TensorType> of_size(const Call& call) {
  return {plain(call.dtype_or("dtype", DType::f32), checked_sizes(call))};
}

const Attribute& scalar(const Call& call, std::string_view name) {
  const Attribute* attribute = call.find(name);
  if (!attribute) call.invalid("argument {} is missing", name);
  call.number(name);
  return *attribute;
}

std::vector<TensorType> full(const Call& call) {
  return {plain(call.dtype_or("dtype", dtype_of(scalar(call, "fill_value"))), checked_sizes(call))};
}

std::vector<TensorType> like(const Call& call) {
  return {plain(call.dtype_or("dtype", call.tensor(0).dtype), call.tensor(0).sizes)};
}

std::vector<TensorType> new_of_size(const Call& call) {
  return {plain(call.dtype_or("dtype", call.tensor(0).dtype), checked_sizes(call))};
}

std::vector<TensorType> full_like(const Call& call) {
  scalar(call, "fill_value");
  return like(call);
}

std::vector<TensorType> new_full(const Call& call) {
  scalar(call, "fill_value");
  return new_of_size(call);
}

std::vector<TensorType> scalar_tensor(const Call& call) {
  scalar(call, "s");
  return {plain(call.dtype_or("dtype", DType::f32), {})};
}

std::vector<TensorType> tensor(const Call& call) {
  return {plain(call.dtype_or("dtype", dtype_of(scalar(call, "data"))), {})};
}

std::vector<TensorType> arange(const Call& call) {
  const Attribute zero = std::int64_t{0}, one = std::int64_t{1};
  const Attribute& start = call.has("start") ? scalar(call, "start") : zero;
  const Attribute& end = scalar(call, "end");
  const Attribute& step = call.has("step") ? scalar(call, "step") : one;
  bool integral = true;
  for (const Attribute* number : {&start, &end, &step}) integral = integral && !std::holds_alternative<double>(*number);
  std::int64_t count = 0;
  if (integral) {
    const std::int64_t from = call.integer_or("start", 0), to = call.integer("end"), by = call.integer_or("step", 1);
    if (by == 0 || (by > 0 && from > to) || (by < 0 && from < to))
      call.invalid("from {} to {} in steps of {} never arrives", from, to, by);
    // Distances as unsigned numbers cannot overflow.
    const std::uint64_t distance = by > 0 ? static_cast<std::uint64_t>(to) - static_cast<std::uint64_t>(from)
                                          : static_cast<std::uint64_t>(from) - static_cast<std::uint64_t>(to);
    const std::uint64_t stride = by > 0 ? static_cast<std::uint64_t>(by) : 0 - static_cast<std::uint64_t>(by);
    const std::uint64_t steps = distance / stride + (distance % stride != 0 ? 1 : 0);
    if (steps > static_cast<std::uint64_t>(kMaxSize)) call.invalid("from {} to {} are too many elements", from, to);
    count = static_cast<std::int64_t>(steps);
  } else {
    const double from = call.number_or("start", 0), to = call.number("end"), by = call.number_or("step", 1);
    const double steps = std::ceil((to - from) / by);
    if (!(steps >= 0 && steps <= static_cast<double>(kMaxSize)))
      call.invalid("from {} to {} in steps of {} never arrives", from, to, by);
    count = static_cast<std::int64_t>(steps);
  }
  return {plain(call.dtype_or("dtype", integral ? DType::i64 : DType::f32), {count})};
}

std::vector<TensorType> linspace(const Call& call) {
  scalar(call, "start");
  scalar(call, "end");
  const std::int64_t steps = call.integer("steps");
  if (steps < 0) call.invalid("steps is {}, accepted are 0 and more", steps);
  return {plain(call.dtype_or("dtype", DType::f32), {steps})};
}

/// The other tensor's dtype, or the one that is named, or none: the device moves, the tensor stays.
std::vector<TensorType> to(const Call& call) {
  const TensorType& self = call.tensor(0);
  const DType fallback = call.maybe(1) ? call.maybe(1)->dtype : self.dtype;
  return {plain(call.dtype_or("dtype", fallback), self.sizes)};
}

}  // namespace

std::span<const Entry> creation_rules() {
  static constexpr Entry kRules[] = {
      {"aten::zeros", of_size},
      {"aten::ones", of_size},
      {"aten::empty", of_size},
      {"aten::full", full},
      {"aten::zeros_like", like},
      {"aten::ones_like", like},
      {"aten::empty_like", like},
      {"aten::full_like", full_like},
      {"aten::new_zeros", new_of_size},
      {"aten::new_ones", new_of_size},
      {"aten::new_empty", new_of_size},
      {"aten::new_full", new_full},
      {"aten::scalar_tensor", scalar_tensor},
      {"aten::tensor", tensor},
      {"aten::arange", arange},
      {"aten::linspace", linspace},
      {"aten::to", to},
      {"aten::_to_copy", to},
      {"aten::type_as", to},
  };
  return kRules;
}

}  // namespace wherry::ir::infer
