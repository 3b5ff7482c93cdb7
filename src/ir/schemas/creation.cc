// Ops that make a tensor out of numbers, and conversions. Signatures as PyTorch publishes
// them; where versions differ, the newest one, which accepts what the older ones wrote.

#include "ir/schemas/tables.h"

namespace wherry::ir::schemas {

// How a new tensor is to be made; only dtype means anything here.
#define OPTIONS "ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None"

const std::vector<std::string_view>& creation() {
  // clang-format off
  static const std::vector<std::string_view> signatures = {
    "arange(Scalar end, *, " OPTIONS ") -> Tensor",
    "arange.start(Scalar start, Scalar end, *, " OPTIONS ") -> Tensor",
    "arange.start_step(Scalar start, Scalar end, Scalar step=1, *, " OPTIONS ") -> Tensor",
    "zeros(int[] size, *, " OPTIONS ") -> Tensor",
    "ones(int[] size, *, " OPTIONS ") -> Tensor",
    "full(int[] size, Scalar fill_value, *, " OPTIONS ") -> Tensor",
    "empty.memory_format(int[] size, *, " OPTIONS ", MemoryFormat? memory_format=None) -> Tensor",
    "zeros_like(Tensor self, *, " OPTIONS ", MemoryFormat? memory_format=None) -> Tensor",
    "ones_like(Tensor self, *, " OPTIONS ", MemoryFormat? memory_format=None) -> Tensor",
    "full_like(Tensor self, Scalar fill_value, *, " OPTIONS ", MemoryFormat? memory_format=None) -> Tensor",
    "empty_like(Tensor self, *, " OPTIONS ", MemoryFormat? memory_format=None) -> Tensor",
    "new_zeros(Tensor self, int[] size, *, " OPTIONS ") -> Tensor",
    "new_ones(Tensor self, int[] size, *, " OPTIONS ") -> Tensor",
    "new_full(Tensor self, int[] size, Scalar fill_value, *, " OPTIONS ") -> Tensor",
    "new_empty(Tensor self, int[] size, *, " OPTIONS ") -> Tensor",
    "scalar_tensor(Scalar s, *, " OPTIONS ") -> Tensor",
    "fill.Scalar(Tensor self, Scalar value) -> Tensor",
    "fill.Tensor(Tensor self, Tensor value) -> Tensor",
    "zero(Tensor self) -> Tensor",
    "to.device(Tensor self, Device device, ScalarType dtype, bool non_blocking=False, bool copy=False, MemoryFormat? "
    "memory_format=None) -> Tensor",
    "to.dtype(Tensor self, ScalarType dtype, bool non_blocking=False, bool copy=False, MemoryFormat? "
    "memory_format=None) -> Tensor",
    "to.other(Tensor self, Tensor other, bool non_blocking=False, bool copy=False, MemoryFormat? memory_format=None) "
    "-> Tensor",
    "to.dtype_layout(Tensor self, *, " OPTIONS ", bool non_blocking=False, bool copy=False, MemoryFormat? "
    "memory_format=None) -> Tensor",
    "type_as(Tensor self, Tensor other) -> Tensor",
    "_to_copy(Tensor self, *, " OPTIONS ", bool non_blocking=False, MemoryFormat? memory_format=None) -> Tensor",
    "linspace(Scalar start, Scalar end, int steps, *, " OPTIONS ") -> Tensor",
    "tensor(Scalar data, *, ScalarType? dtype=None, Device? device=None, bool requires_grad=False) -> Tensor",
    "to.prim_Device(Tensor self, Device? device, ScalarType? dtype=None, bool non_blocking=False, bool copy=False) "
    "-> Tensor",
    "to.prim_dtype(Tensor self, ScalarType? dtype=None, bool non_blocking=False, bool copy=False) -> Tensor",
  };
  // clang-format on
  return signatures;
}

}  // namespace wherry::ir::schemas
