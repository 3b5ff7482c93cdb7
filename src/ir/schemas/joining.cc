// Ops that build a tensor out of others: joins, shifts, padding, functional forms of slice assignment.
// Signatures as PyTorch publishes them; where versions differ, the newest one, which accepts what the older ones wrote.

#include "ir/schemas/tables.h"

namespace wherry::ir::schemas {

const std::vector<std::string_view>& joining() {
  // clang-format off
  static const std::vector<std::string_view> signatures = {
    "cat(Tensor[] tensors, int dim=0) -> Tensor",
    "stack(Tensor[] tensors, int dim=0) -> Tensor",
    "hstack(Tensor[] tensors) -> Tensor",
    "vstack(Tensor[] tensors) -> Tensor",
    "roll(Tensor self, int[1] shifts, int[1] dims=[]) -> Tensor",
    "flip(Tensor self, int[] dims) -> Tensor",
    "pad(Tensor self, int[] pad, str mode='constant', float? value=None) -> Tensor",
    "constant_pad_nd(Tensor self, int[] pad, Scalar value=0) -> Tensor",
    "repeat(Tensor self, int[] repeats) -> Tensor",
    "repeat_interleave.self_int(Tensor self, int repeats, int? dim=None, *, int? output_size=None) -> Tensor",
    "tile(Tensor self, int[] dims) -> Tensor",
    "meshgrid(Tensor[] tensors) -> Tensor[]",
    "meshgrid.indexing(Tensor[] tensors, *, str indexing) -> Tensor[]",
    "tril(Tensor self, int diagonal=0) -> Tensor",
    "triu(Tensor self, int diagonal=0) -> Tensor",
    "slice_scatter(Tensor self, Tensor src, int dim=0, int? start=None, int? end=None, int step=1) -> Tensor",
    "select_scatter(Tensor self, Tensor src, int dim, int index) -> Tensor",
    "copy(Tensor self, Tensor src, bool non_blocking=False) -> Tensor",
  };
  // clang-format on
  return signatures;
}

}  // namespace wherry::ir::schemas
