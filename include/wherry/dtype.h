#pragma once
// Element types of tensors, with the names people know from PyTorch and NumPy.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace wherry {

enum class DType : std::uint8_t { f32, f64, f16, bf16, i64, i32, i16, i8, u8, boolean };

/// Bytes of one element.
std::size_t size_of(DType dtype);

/// PyTorch's name: "float32", "bfloat16", "int64", "bool", …
std::string_view name_of(DType dtype);

/// The inverse of name_of; empty for a name that is no dtype of ours.
std::optional<DType> dtype_from_name(std::string_view name);

constexpr bool is_floating(DType dtype) {
  return dtype == DType::f32 || dtype == DType::f64 || dtype == DType::f16 || dtype == DType::bf16;
}

}  // namespace wherry
