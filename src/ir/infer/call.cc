// Checked access to a call's inputs and attributes, and the size arithmetic that the rules share.

#include <algorithm>
#include <numeric>

#include "base/checked_math.h"
#include "ir/infer/rules.h"

namespace wherry::ir::infer {
namespace {

template <typename T>
const T* as(const Attribute* attribute) {
  return attribute ? std::get_if<T>(attribute) : nullptr;
}

std::optional<std::int64_t> as_integer(const Attribute* attribute) {
  if (const auto* value = as<std::int64_t>(attribute)) return *value;
  if (const auto* value = as<bool>(attribute)) return *value ? 1 : 0;
  return std::nullopt;
}

std::optional<double> as_number(const Attribute* attribute) {
  if (const auto* value = as<double>(attribute)) return *value;
  if (const auto value = as_integer(attribute)) return static_cast<double>(*value);
  return std::nullopt;
}

}  // namespace

const TensorType& Call::tensor(std::size_t i) const {
  const TensorType* type = maybe(i);
  if (!type) invalid("tensor argument {} is missing", i);
  return *type;
}

const Attribute* Call::find(std::string_view name) const {
  const auto found = attributes_.find(name);
  if (found == attributes_.end() || std::holds_alternative<std::monostate>(found->second)) return nullptr;
  return &found->second;
}

std::int64_t Call::integer(std::string_view name) const {
  const auto value = as_integer(find(name));
  if (!value) invalid("argument {} is no integer", name);
  return *value;
}

std::int64_t Call::integer_or(std::string_view name, std::int64_t fallback) const {
  return has(name) ? integer(name) : fallback;
}

bool Call::flag(std::string_view name) const { return integer(name) != 0; }

bool Call::flag_or(std::string_view name, bool fallback) const { return has(name) ? flag(name) : fallback; }

double Call::number(std::string_view name) const {
  const auto value = as_number(find(name));
  if (!value) invalid("argument {} is no number", name);
  return *value;
}

double Call::number_or(std::string_view name, double fallback) const { return has(name) ? number(name) : fallback; }

std::string_view Call::text_or(std::string_view name, std::string_view fallback) const {
  if (!has(name)) return fallback;
  const auto* value = as<std::string>(find(name));
  if (!value) invalid("argument {} is no string", name);
  return *value;
}

DType Call::dtype_or(std::string_view name, DType fallback) const {
  if (!has(name)) return fallback;
  const auto* value = as<DType>(find(name));
  if (!value) invalid("argument {} is no dtype", name);
  return *value;
}

const Dims& Call::integers(std::string_view name) const {
  const auto* value = as<Dims>(find(name));
  if (!value) invalid("argument {} is no list of integers", name);
  return *value;
}

Dims Call::per_dimension(std::string_view name, std::size_t count, std::int64_t low) const {
  const Attribute* attribute = find(name);
  Dims values;
  if (const auto single = as_integer(attribute)) {
    values.assign(count, *single);
  } else {
    values = integers(name);
    if (values.size() == 1) values.assign(count, values[0]);
  }
  if (values.size() != count) invalid("{} {} has {} numbers, needs {}", name, to_string(values), values.size(), count);
  for (const std::int64_t value : values)
    if (value < low || value > kMaxParameter)
      invalid("{} {} is out of range, accepted are {} to {}", name, to_string(values), low, kMaxParameter);
  return values;
}

std::int64_t Call::add(std::int64_t a, std::int64_t b) const {
  const auto sum = base::checked_add(a, b);
  if (!sum) invalid("the size {} + {} overflows", a, b);
  return *sum;
}

std::int64_t Call::multiply(std::int64_t a, std::int64_t b) const {
  const auto product = base::checked_mul(a, b);
  if (!product) invalid("the size {} x {} overflows", a, b);
  return *product;
}

std::int64_t Call::count(const Dims& sizes) const {
  try {
    return element_count(sizes);
  } catch (const InvalidInput& error) {
    invalid("{}", error.what());
  }
}

std::int64_t Call::dimension(std::int64_t dim, std::int64_t rank) const {
  const std::int64_t range = std::max<std::int64_t>(rank, 1);
  if (dim < -range || dim >= range)
    invalid("dimension {} does not exist, accepted are {} to {}", dim, -range, range - 1);
  return dim < 0 ? dim + range : dim;
}

std::int64_t Call::dimension_of(std::string_view name, const TensorType& type, std::int64_t fallback) const {
  return dimension(integer_or(name, fallback), rank(type));
}

Dims Call::dimensions(std::string_view name, const TensorType& type) const {
  Dims dims;
  const Attribute* attribute = find(name);
  if (const auto single = as_integer(attribute))
    dims = {*single};
  else if (attribute)
    dims = integers(name);
  if (dims.empty()) {
    dims.resize(type.sizes.size());
    std::iota(dims.begin(), dims.end(), 0);
    return dims;
  }
  for (std::int64_t& dim : dims) dim = dimension(dim, rank(type));
  std::sort(dims.begin(), dims.end());
  if (std::adjacent_find(dims.begin(), dims.end()) != dims.end())
    invalid("{} {} names a dimension twice", name, to_string(dims));
  if (type.sizes.empty()) dims.clear();
  return dims;
}

Dims Call::broadcast(const Dims& a, const Dims& b) const {
  Dims result = a.size() >= b.size() ? a : b;
  const Dims& shorter = a.size() >= b.size() ? b : a;
  const std::size_t lead = result.size() - shorter.size();
  for (std::size_t i = 0; i < shorter.size(); ++i) {
    std::int64_t& size = result[lead + i];
    if (size == 1)
      size = shorter[i];
    else if (shorter[i] != 1 && shorter[i] != size)
      invalid("shapes {} and {} do not broadcast: sizes must be equal or 1", to_string(a), to_string(b));
  }
  return result;
}

Dims Call::broadcast_inputs() const {
  Dims sizes;
  for (const TensorType* type : inputs_)
    if (type) sizes = broadcast(sizes, type->sizes);
  return sizes;
}

DType dtype_of(const Attribute& scalar) {
  if (std::holds_alternative<bool>(scalar)) return DType::boolean;
  if (std::holds_alternative<double>(scalar)) return DType::f32;
  return DType::i64;
}

Dims reduced(const Dims& sizes, const Dims& dims, bool keepdim) {
  Dims result;
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    const bool gone = std::find(dims.begin(), dims.end(), static_cast<std::int64_t>(i)) != dims.end();
    if (!gone)
      result.push_back(sizes[i]);
    else if (keepdim)
      result.push_back(1);
  }
  return result;
}

std::int64_t window_count(const Call& call, std::int64_t in, std::int64_t before, std::int64_t after,
                          std::int64_t kernel, std::int64_t stride, std::int64_t dilation, bool ceil_mode) {
  // in ≤ 2^61, parameters < 2^30: nothing here can overflow.
  const std::int64_t span = dilation * (kernel - 1) + 1;
  const std::int64_t room = in + before + after - span;
  if (room < 0)
    call.invalid("a window of {} (kernel {}, dilation {}) does not fit {} elements padded by {} and {}", span, kernel,
                 dilation, in, before, after);
  std::int64_t count = room / stride + 1;
  if (ceil_mode && room % stride != 0) {
    // The last window may hang over the end, but must start inside the input or its left padding.
    if (count * stride < in + before) ++count;
  }
  return count;
}

}  // namespace wherry::ir::infer
