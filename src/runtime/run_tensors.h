#pragma once
// The tensors that a run takes and gives.

#include <span>
#include <vector>

#include "base/check.h"
#include "ir/graph.h"
#include "wherry/tensor.h"

namespace wherry::runtime {

/// That callers have made the inputs what the plan was made for.
inline void check_inputs(std::span<const Tensor> inputs, const std::vector<ir::TensorType>& types) {
  WHERRY_CHECK_EQ(inputs.size(), types.size());
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    WHERRY_CHECK(inputs[i].dtype() == types[i].dtype && inputs[i].sizes() == types[i].sizes);
    WHERRY_CHECK(inputs[i].is_contiguous());
  }
}

inline std::vector<Tensor> empty_outputs(const std::vector<ir::TensorType>& types) {
  std::vector<Tensor> outputs;
  outputs.reserve(types.size());
  for (const ir::TensorType& type : types) outputs.push_back(Tensor::empty(type.dtype, type.sizes));
  return outputs;
}

}  // namespace wherry::runtime
