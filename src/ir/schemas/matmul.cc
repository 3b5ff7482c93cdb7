// Matrix products and attention. Signatures as PyTorch publishes
// them; where versions differ, the newest one, which accepts what the older ones wrote.

#include "ir/schemas/tables.h"

namespace wherry::ir::schemas {

const std::vector<std::string_view>& matmul() {
  // clang-format off
  static const std::vector<std::string_view> signatures = {
    "linear(Tensor input, Tensor weight, Tensor? bias=None) -> Tensor",
    "addmm(Tensor self, Tensor mat1, Tensor mat2, *, Scalar beta=1, Scalar alpha=1) -> Tensor",
    "matmul(Tensor self, Tensor other) -> Tensor",
    "mm(Tensor self, Tensor mat2) -> Tensor",
    "bmm(Tensor self, Tensor mat2) -> Tensor",
    "baddbmm(Tensor self, Tensor batch1, Tensor batch2, *, Scalar beta=1, Scalar alpha=1) -> Tensor",
    "einsum(str equation, Tensor[] tensors, *, int[]? path=None) -> Tensor",
    "dot(Tensor self, Tensor tensor) -> Tensor",
    "mv(Tensor self, Tensor vec) -> Tensor",
    "addmv(Tensor self, Tensor mat, Tensor vec, *, Scalar beta=1, Scalar alpha=1) -> Tensor",
    "addbmm(Tensor self, Tensor batch1, Tensor batch2, *, Scalar beta=1, Scalar alpha=1) -> Tensor",
    "scaled_dot_product_attention(Tensor query, Tensor key, Tensor value, Tensor? attn_mask=None, float "
    "dropout_p=0.0, bool is_causal=False, *, float? scale=None, bool enable_gqa=False) -> Tensor",
    "_native_multi_head_attention(Tensor query, Tensor key, Tensor value, int embed_dim, int num_head, "
    "Tensor qkv_weight, Tensor qkv_bias, Tensor proj_weight, Tensor proj_bias, Tensor? mask=None, "
    "bool need_weights=True, bool average_attn_weights=True, int? mask_type=None) -> (Tensor, Tensor)",
  };
  // clang-format on
  return signatures;
}

}  // namespace wherry::ir::schemas
