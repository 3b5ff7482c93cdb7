#pragma once
// Inputs of the small models in tests/engine/data.

#include <cstdint>
#include <utility>
#include <vector>

#include "wherry/tensor.h"

namespace wherry {

/// Numbers in [-1, 1] that make_models.py computes alike, and integers of 0 … 1 from them where the dtype is one.
inline Tensor ramp(Dims sizes, DType dtype = DType::f32) {
  Tensor tensor = Tensor::empty(DType::f32, std::move(sizes));
  std::int64_t i = 0;
  for (float& value : tensor.mutable_values<float>()) value = static_cast<float>(i++ * 37 % 101) / 50 - 1;
  return dtype == DType::f32 ? tensor : tensor.to(dtype);
}

inline Tensor tokens(std::vector<std::int64_t> values) {
  const Dims sizes{static_cast<std::int64_t>(values.size())};
  return Tensor::of<std::int64_t>(sizes, values);
}

}  // namespace wherry
