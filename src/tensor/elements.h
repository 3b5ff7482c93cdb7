#pragma once
// One element of any dtype, read and written as a double or an int64: for references and conversions, not for speed.

#include <cstdint>
#include <cstring>

#include "base/truncate_to_int.h"
#include "tensor/half.h"
#include "wherry/dtype.h"

namespace wherry::tensor {

/// Calls f with a value of the dtype's C++ storage type; 16-bit floats arrive as std::uint16_t bits.
template <typename T>
T load_as(const void* data, std::int64_t index) {
  T value;
  std::memcpy(&value, static_cast<const char*>(data) + index * static_cast<std::int64_t>(sizeof(T)), sizeof(T));
  return value;
}

template <typename T>
void store_as(void* data, std::int64_t index, T value) {
  std::memcpy(static_cast<char*>(data) + index * static_cast<std::int64_t>(sizeof(T)), &value, sizeof(T));
}

inline double load_double(const void* data, DType dtype, std::int64_t index) {
  switch (dtype) {
    case DType::f32: return load_as<float>(data, index);
    case DType::f64: return load_as<double>(data, index);
    case DType::f16: return f16_to_float(load_as<std::uint16_t>(data, index));
    case DType::bf16: return bf16_to_float(load_as<std::uint16_t>(data, index));
    case DType::i64: return static_cast<double>(load_as<std::int64_t>(data, index));
    case DType::i32: return load_as<std::int32_t>(data, index);
    case DType::i16: return load_as<std::int16_t>(data, index);
    case DType::i8: return load_as<std::int8_t>(data, index);
    case DType::u8: return load_as<std::uint8_t>(data, index);
    case DType::boolean: return load_as<std::uint8_t>(data, index) != 0;
  }
  return 0;
}

inline std::int64_t load_int(const void* data, DType dtype, std::int64_t index) {
  switch (dtype) {
    case DType::i64: return load_as<std::int64_t>(data, index);
    case DType::i32: return load_as<std::int32_t>(data, index);
    case DType::i16: return load_as<std::int16_t>(data, index);
    case DType::i8: return load_as<std::int8_t>(data, index);
    case DType::u8: return load_as<std::uint8_t>(data, index);
    case DType::boolean: return load_as<std::uint8_t>(data, index) != 0;
    default: return base::truncate_to_int(load_double(data, dtype, index));
  }
}

inline void store_int(void* data, DType dtype, std::int64_t index, std::int64_t value);

inline void store_double(void* data, DType dtype, std::int64_t index, double value) {
  switch (dtype) {
    case DType::f32: return store_as(data, index, static_cast<float>(value));
    case DType::f64: return store_as(data, index, value);
    case DType::f16: return store_as(data, index, float_to_f16(static_cast<float>(value)));
    case DType::bf16: return store_as(data, index, float_to_bf16(static_cast<float>(value)));
    case DType::boolean: return store_as(data, index, static_cast<std::uint8_t>(value != 0));
    default: return store_int(data, dtype, index, base::truncate_to_int(value));
  }
}

inline void store_int(void* data, DType dtype, std::int64_t index, std::int64_t value) {
  switch (dtype) {
    case DType::i64: return store_as(data, index, value);
    case DType::i32: return store_as(data, index, static_cast<std::int32_t>(value));
    case DType::i16: return store_as(data, index, static_cast<std::int16_t>(value));
    case DType::i8: return store_as(data, index, static_cast<std::int8_t>(value));
    case DType::u8: return store_as(data, index, static_cast<std::uint8_t>(value));
    case DType::boolean: return store_as(data, index, static_cast<std::uint8_t>(value != 0));
    default: return store_double(data, dtype, index, static_cast<double>(value));
  }
}

}  // namespace wherry::tensor
