// Ops that only rearrange or relabel elements. Signatures as PyTorch publishes
// them; where versions differ, the newest one, which accepts what the older ones wrote.

#include "ir/schemas/tables.h"

namespace wherry::ir::schemas {

const std::vector<std::string_view>& views() {
  // clang-format off
  static const std::vector<std::string_view> signatures = {
    "view(Tensor self, int[] size) -> Tensor",
    "view.dtype(Tensor self, ScalarType dtype) -> Tensor",
    "reshape(Tensor self, int[] shape) -> Tensor",
    "flatten.using_ints(Tensor self, int start_dim=0, int end_dim=-1) -> Tensor",
    "permute(Tensor self, int[] dims) -> Tensor",
    "transpose.int(Tensor self, int dim0, int dim1) -> Tensor",
    "t(Tensor self) -> Tensor",
    "unsqueeze(Tensor self, int dim) -> Tensor",
    "squeeze(Tensor self) -> Tensor",
    "squeeze.dim(Tensor self, int dim) -> Tensor",
    "squeeze.dims(Tensor self, int[] dim) -> Tensor",
    "expand(Tensor self, int[] size, *, bool implicit=False) -> Tensor",
    "expand_as(Tensor self, Tensor other) -> Tensor",
    "view_as(Tensor self, Tensor other) -> Tensor",
    "reshape_as(Tensor self, Tensor other) -> Tensor",
    "narrow(Tensor self, int dim, int start, int length) -> Tensor",
    "slice.Tensor(Tensor self, int dim=0, int? start=None, int? end=None, int step=1) -> Tensor",
    "select.int(Tensor self, int dim, int index) -> Tensor",
    "chunk(Tensor self, int chunks, int dim=0) -> Tensor[]",
    "split.Tensor(Tensor self, int split_size, int dim=0) -> Tensor[]",
    "split_with_sizes(Tensor self, int[] split_sizes, int dim=0) -> Tensor[]",
    "tensor_split.sections(Tensor self, int sections, int dim=0) -> Tensor[]",
    "tensor_split.indices(Tensor self, int[] indices, int dim=0) -> Tensor[]",
    "unbind.int(Tensor self, int dim=0) -> Tensor[]",
    "movedim.int(Tensor self, int source, int destination) -> Tensor",
    "movedim.intlist(Tensor self, int[] source, int[] destination) -> Tensor",
    "unflatten.int(Tensor self, int dim, int[] sizes) -> Tensor",
    "contiguous(Tensor self, *, MemoryFormat memory_format=contiguous_format) -> Tensor",
    "clone(Tensor self, *, MemoryFormat? memory_format=None) -> Tensor",
    "detach(Tensor self) -> Tensor",
    "alias(Tensor self) -> Tensor",
    "as_strided(Tensor self, int[] size, int[] stride, int? storage_offset=None) -> Tensor",
    "broadcast_tensors(Tensor[] tensors) -> Tensor[]",
    "ravel(Tensor self) -> Tensor",
    "split.sizes(Tensor self, int[] split_sizes, int dim=0) -> Tensor[] as split_with_sizes",
  };
  // clang-format on
  return signatures;
}

}  // namespace wherry::ir::schemas
