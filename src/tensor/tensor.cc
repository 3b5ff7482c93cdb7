#include "wherry/tensor.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/aligned_buffer.h"
#include "base/check.h"
#include "base/checked_math.h"
#include "tensor/elements.h"

namespace wherry {

std::int64_t element_count(const Dims& sizes) {
  std::int64_t count = 1;
  bool zero = false;
  for (const std::int64_t size : sizes) {
    if (size < 0) base::fail<InvalidInput>("tensor sizes {}: a size is negative", to_string(sizes));
    if (size == 0) {
      zero = true;
      continue;
    }
    const auto product = base::checked_mul(count, size);
    if (!product) base::fail<InvalidInput>("tensor sizes {}: the number of elements overflows", to_string(sizes));
    count = *product;
  }
  return zero ? 0 : count;
}

Dims contiguous_strides(const Dims& sizes) {
  Dims strides(sizes.size());
  std::int64_t stride = 1;
  for (std::size_t i = sizes.size(); i-- > 0;) {
    strides[i] = stride;
    stride *= std::max<std::int64_t>(sizes[i], 1);
  }
  return strides;
}

// Written out, as keys and descriptions are made of it by the hundred when a graph is optimised.
std::string to_string(const Dims& dims) {
  std::string text = "[";
  for (std::size_t i = 0; i < dims.size(); ++i) {
    if (i > 0) text += ", ";
    const fmt::format_int digits(dims[i]);
    text.append(digits.data(), digits.size());
  }
  text += ']';
  return text;
}

namespace {

std::size_t checked_bytes(DType dtype, const Dims& sizes) {
  const auto bytes = base::checked_mul(element_count(sizes), static_cast<std::int64_t>(size_of(dtype)));
  if (!bytes) base::fail<InvalidInput>("tensor sizes {}: the number of bytes overflows", to_string(sizes));
  return static_cast<std::size_t>(*bytes);
}

/// Calls visit(linear, offset) for every element in row-major order.
template <typename Visit>
void for_each_element(const Dims& sizes, const Dims& strides, Visit visit) {
  const std::int64_t count = element_count(sizes);
  Dims index(sizes.size(), 0);
  std::int64_t offset = 0;
  for (std::int64_t linear = 0; linear < count; ++linear) {
    visit(linear, offset);
    for (std::size_t d = sizes.size(); d-- > 0;) {
      offset += strides[d];
      if (++index[d] < sizes[d]) break;
      offset -= strides[d] * sizes[d];
      index[d] = 0;
    }
  }
}

template <typename T>
bool matches(DType dtype);
template <>
bool matches<float>(DType d) {
  return d == DType::f32;
}
template <>
bool matches<double>(DType d) {
  return d == DType::f64;
}
template <>
bool matches<std::uint16_t>(DType d) {
  return d == DType::f16 || d == DType::bf16;
}
template <>
bool matches<std::int64_t>(DType d) {
  return d == DType::i64;
}
template <>
bool matches<std::int32_t>(DType d) {
  return d == DType::i32;
}
template <>
bool matches<std::int16_t>(DType d) {
  return d == DType::i16;
}
template <>
bool matches<std::int8_t>(DType d) {
  return d == DType::i8;
}
template <>
bool matches<std::uint8_t>(DType d) {
  return d == DType::u8 || d == DType::boolean;
}

template <typename T>
constexpr DType dtype_of();
template <>
constexpr DType dtype_of<float>() {
  return DType::f32;
}
template <>
constexpr DType dtype_of<double>() {
  return DType::f64;
}
template <>
constexpr DType dtype_of<std::int64_t>() {
  return DType::i64;
}
template <>
constexpr DType dtype_of<std::int32_t>() {
  return DType::i32;
}
template <>
constexpr DType dtype_of<std::int16_t>() {
  return DType::i16;
}
template <>
constexpr DType dtype_of<std::int8_t>() {
  return DType::i8;
}
template <>
constexpr DType dtype_of<std::uint8_t>() {
  return DType::u8;
}

}  // namespace

Tensor Tensor::empty(DType dtype, Dims sizes) {
  auto buffer = std::make_shared<base::AlignedBuffer>(checked_bytes(dtype, sizes));
  const void* data = buffer->data();
  return borrow(dtype, std::move(sizes), {}, data, std::move(buffer));
}

Tensor Tensor::zeros(DType dtype, Dims sizes) {
  Tensor tensor = empty(dtype, std::move(sizes));
  if (tensor.bytes() > 0) std::memset(tensor.mutable_data(), 0, tensor.bytes());
  return tensor;
}

Tensor Tensor::borrow(DType dtype, Dims sizes, Dims strides, const void* data, std::shared_ptr<const void> owner) {
  Tensor tensor;
  tensor.dtype_ = dtype;
  tensor.strides_ = strides.empty() ? contiguous_strides(sizes) : std::move(strides);
  tensor.sizes_ = std::move(sizes);
  tensor.data_ = data;
  tensor.owner_ = std::move(owner);
  WHERRY_CHECK_EQ(tensor.strides_.size(), tensor.sizes_.size());
  return tensor;
}

template <typename T>
Tensor Tensor::of(Dims sizes, std::span<const T> values) {
  Tensor tensor = empty(dtype_of<T>(), std::move(sizes));
  if (tensor.numel() != static_cast<std::int64_t>(values.size()))
    base::fail<InvalidInput>("tensor of sizes {}: {} values were given", to_string(tensor.sizes()), values.size());
  if (!values.empty()) std::memcpy(tensor.mutable_data(), values.data(), values.size_bytes());
  return tensor;
}

bool Tensor::is_contiguous() const {
  if (numel() == 0) return true;
  std::int64_t expected = 1;
  for (std::size_t i = sizes_.size(); i-- > 0;) {
    if (sizes_[i] != 1 && strides_[i] != expected) return false;
    expected *= sizes_[i];
  }
  return true;
}

Tensor Tensor::contiguous() const {
  if (is_contiguous()) {
    Tensor same = *this;
    same.strides_ = contiguous_strides(sizes_);
    return same;
  }
  Tensor copy = empty(dtype_, sizes_);
  const std::size_t width = size_of(dtype_);
  const char* from = static_cast<const char*>(data_);
  char* to = static_cast<char*>(copy.mutable_data());
  for_each_element(sizes_, strides_, [&](std::int64_t linear, std::int64_t offset) {
    std::memcpy(to + linear * static_cast<std::int64_t>(width), from + offset * static_cast<std::int64_t>(width),
                width);
  });
  return copy;
}

Tensor Tensor::view(Dims sizes, Dims strides, std::int64_t offset) const {
  const char* data = static_cast<const char*>(data_);
  if (data != nullptr) data += offset * static_cast<std::int64_t>(size_of(dtype_));  // null: there are no elements
  return borrow(dtype_, std::move(sizes), std::move(strides), data, owner_);
}

Tensor Tensor::to(DType dtype) const {
  if (dtype == dtype_) return contiguous();
  Tensor result = empty(dtype, sizes_);
  const bool integral = !is_floating(dtype_) && !is_floating(dtype);
  for_each_element(sizes_, strides_, [&](std::int64_t linear, std::int64_t offset) {
    if (integral)
      tensor::store_int(result.mutable_data(), dtype, linear, tensor::load_int(data_, dtype_, offset));
    else
      tensor::store_double(result.mutable_data(), dtype, linear, tensor::load_double(data_, dtype_, offset));
  });
  return result;
}

template <typename T>
std::span<const T> Tensor::values() const {
  if (!matches<T>(dtype_)) base::fail<InvalidInput>("a {} tensor was read as another type", name_of(dtype_));
  if (!is_contiguous()) base::fail<InvalidInput>("a tensor that is not row-major was read as a flat array");
  return {static_cast<const T*>(data_), static_cast<std::size_t>(numel())};
}

template <typename T>
std::span<T> Tensor::mutable_values() {
  const std::span<const T> all = std::as_const(*this).values<T>();
  return {const_cast<T*>(all.data()), all.size()};
}

#define WHERRY_ELEMENT_TYPE(T)                           \
  template std::span<const T> Tensor::values<T>() const; \
  template std::span<T> Tensor::mutable_values<T>();
WHERRY_ELEMENT_TYPE(float)
WHERRY_ELEMENT_TYPE(double)
WHERRY_ELEMENT_TYPE(std::uint16_t)
WHERRY_ELEMENT_TYPE(std::int64_t)
WHERRY_ELEMENT_TYPE(std::int32_t)
WHERRY_ELEMENT_TYPE(std::int16_t)
WHERRY_ELEMENT_TYPE(std::int8_t)
WHERRY_ELEMENT_TYPE(std::uint8_t)
#undef WHERRY_ELEMENT_TYPE

template Tensor Tensor::of<float>(Dims, std::span<const float>);
template Tensor Tensor::of<double>(Dims, std::span<const double>);
template Tensor Tensor::of<std::int64_t>(Dims, std::span<const std::int64_t>);
template Tensor Tensor::of<std::int32_t>(Dims, std::span<const std::int32_t>);
template Tensor Tensor::of<std::int16_t>(Dims, std::span<const std::int16_t>);
template Tensor Tensor::of<std::int8_t>(Dims, std::span<const std::int8_t>);
template Tensor Tensor::of<std::uint8_t>(Dims, std::span<const std::uint8_t>);

}  // namespace wherry
