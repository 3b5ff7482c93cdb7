// Activations, softmax, and the dropouts that do nothing in evaluation. Signatures as PyTorch publishes
// them; where versions differ, the newest one, which accepts what the older ones wrote.

#include "ir/schemas/tables.h"

namespace wherry::ir::schemas {

const std::vector<std::string_view>& activation() {
  // clang-format off
  static const std::vector<std::string_view> signatures = {
    "relu(Tensor self) -> Tensor",
    "relu6(Tensor self) -> Tensor",
    "hardtanh(Tensor self, Scalar min_val=-1, Scalar max_val=1) -> Tensor",
    "hardswish(Tensor self) -> Tensor",
    "hardsigmoid(Tensor self) -> Tensor",
    "silu(Tensor self) -> Tensor",
    "gelu(Tensor self, *, str approximate='none') -> Tensor",
    "sigmoid(Tensor self) -> Tensor",
    "tanh(Tensor self) -> Tensor",
    "elu(Tensor self, Scalar alpha=1, Scalar scale=1, Scalar input_scale=1) -> Tensor",
    "leaky_relu(Tensor self, Scalar negative_slope=0.01) -> Tensor",
    "prelu(Tensor self, Tensor weight) -> Tensor",
    "softplus(Tensor self, Scalar beta=1, Scalar threshold=20) -> Tensor",
    "mish(Tensor self) -> Tensor",
    "celu(Tensor self, Scalar alpha=1.0) -> Tensor",
    "selu(Tensor self) -> Tensor",
    "threshold(Tensor self, Scalar threshold, Scalar value) -> Tensor",
    "log_sigmoid(Tensor self) -> Tensor",
    "hardshrink(Tensor self, Scalar lambd=0.5) -> Tensor",
    "softshrink(Tensor self, Scalar lambd=0.5) -> Tensor",
    "logit(Tensor self, float? eps=None) -> Tensor",
    "glu(Tensor self, int dim=-1) -> Tensor",
    "softmax.int(Tensor self, int dim, ScalarType? dtype=None) -> Tensor",
    "log_softmax.int(Tensor self, int dim, ScalarType? dtype=None) -> Tensor",
    "_softmax(Tensor self, int dim, bool half_to_float) -> Tensor",
    "_log_softmax(Tensor self, int dim, bool half_to_float) -> Tensor",
    "dropout(Tensor input, float p, bool train) -> Tensor",
    "feature_dropout(Tensor input, float p, bool train) -> Tensor",
    "alpha_dropout(Tensor input, float p, bool train) -> Tensor",
    "feature_alpha_dropout(Tensor input, float p, bool train) -> Tensor",
  };
  // clang-format on
  return signatures;
}

}  // namespace wherry::ir::schemas
