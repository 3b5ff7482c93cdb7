#pragma once
// How the oracles read and write elements of f32 and bf16.

#include <cstdint>

#include "tensor/half.h"
#include "wherry/dtype.h"

namespace wherry::kernels {

inline float load_element(const void* data, std::int64_t at, DType dtype) {
  return dtype == DType::bf16 ? tensor::bf16_to_float(static_cast<const std::uint16_t*>(data)[at])
                              : static_cast<const float*>(data)[at];
}

inline void store_element(void* data, DType dtype, float value) {
  if (dtype == DType::bf16)
    *static_cast<std::uint16_t*>(data) = tensor::float_to_bf16(value);
  else
    *static_cast<float*>(data) = value;
}

}  // namespace wherry::kernels
