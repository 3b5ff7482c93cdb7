#pragma once
// Attention, softmax(scale · Q Kᵀ + mask) · V, without ever storing the matrix of scores: a block of rows at a time,
// its scores in L1 for a chunk of keys.
//
// Like a `Matmul`, an `Attention` is a primitive: it owns no memory, and one may run on several threads at once.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "base/cpu.h"
#include "wherry/dtype.h"

namespace wherry::kernels {

/// For every index of `outer_sizes` (batch, head; any rank): Q [rows, depth], K [keys, depth], V [keys, columns],
/// Y [rows, columns]. Strides are in elements, those of the last dimension are 1, and an outer stride is 0 where an
/// operand is repeated. So Q, K and V may be heads of one [batch, row, 3, head, depth], and Y one of [batch, row, head,
/// columns].
///   Y[i] = Σ_j w_j · V[j] / Σ_j w_j,   w_j = exp(s_j − max s),   s_j = scale · Q[i]·K[j] + mask[i, j]
/// over all keys j, or those with j ≤ i where `causal`. A row whose scores are all −∞ gives NaN, as in PyTorch's
/// softmax, or 0 where `zero_hidden`, as in its scaled_dot_product_attention; one whose mask is the same finite number
/// everywhere gives what it would without it. No keys give 0.
struct AttentionShape {
  std::vector<std::int64_t> outer_sizes;
  std::int64_t rows = 0, keys = 0, depth = 0, columns = 0;
  DType dtype = DType::f32;    ///< of Q, K and V: f32; or bf16 with fp32 sums and softmax, where the ISA has it
  DType y_dtype = DType::f32;  ///< f32; or bf16 where dtype is
  float scale = 1;
  bool causal = false;
  bool zero_hidden = false;
  bool masked = false;  ///< there is a mask, fp32, of stride 1 along the keys

  std::int64_t q_row_stride = 0, k_row_stride = 0, v_row_stride = 0, y_row_stride = 0;
  std::int64_t mask_row_stride = 0;  ///< 0: one row for all, whose last keys cost nothing where they are hidden
  std::vector<std::int64_t> q_outer_strides, k_outer_strides, v_outer_strides, y_outer_strides, mask_outer_strides;

  bool operator==(const AttentionShape&) const = default;
};

struct AttentionArguments {
  const void* q = nullptr;
  const void* k = nullptr;
  const void* v = nullptr;
  const float* mask = nullptr;
  void* y = nullptr;  ///< overlaps none of the others
};

class Attention {
 public:
  virtual ~Attention() = default;
  virtual std::string_view name() const = 0;  ///< "attention_f32_avx512", "attention_bf16_amx"
  /// Blocks of rows; any partition of [0, items()) gives the same result. Those of one head follow each other: a run of
  /// them packs its keys and values once.
  virtual std::int64_t items() const = 0;
  /// Of each concurrent `run`, on a 64-byte boundary. Its contents before and after mean nothing.
  virtual std::size_t scratch_bytes() const = 0;
  virtual void run(const AttentionArguments& arguments, std::int64_t begin, std::int64_t end,
                   void* scratch) const noexcept = 0;
};

/// `isa` must have bf16 where shape.dtype is.
std::unique_ptr<const Attention> make_attention(const AttentionShape& shape, base::Isa isa);

/// The oracle, in fp64.
void attention_reference(const AttentionShape& shape, const AttentionArguments& arguments);

}  // namespace wherry::kernels
