// PyTorch's type promotion: which dtype an op computes in when its operands differ.

#include <optional>

#include "ir/infer/rules.h"

namespace wherry::ir {
namespace {

/// The dtype that holds both; PyTorch's promotion table in rule form.
DType join(DType a, DType b) {
  if (a == b) return a;
  if (a == DType::boolean) return b;
  if (b == DType::boolean) return a;
  if (is_floating(a) && is_floating(b)) {
    if (a == DType::f64 || b == DType::f64) return DType::f64;
    return DType::f32;  // also float16 with bfloat16
  }
  if (is_floating(a)) return a;
  if (is_floating(b)) return b;
  // uint8 and int8 meet in int16; else the wider integer.
  const bool bytes = size_of(a) == 1 && size_of(b) == 1;
  if (bytes) return DType::i16;
  return size_of(a) > size_of(b) ? a : b;
}

using Maybe = std::optional<DType>;

Maybe join(Maybe a, DType b) { return a ? join(*a, b) : b; }

/// A lower rank counts only where its category is higher.
Maybe outrank(Maybe higher, Maybe lower) {
  if (!higher) return lower;
  if (!lower || is_floating(*higher)) return higher;
  if (*higher == DType::boolean || is_floating(*lower)) return join(*higher, *lower);
  return higher;
}

}  // namespace

DType promote(std::span<const TensorType* const> inputs, std::span<const Attribute* const> scalars) {
  Maybe dimensioned, zero_dim, numbers;
  for (const TensorType* type : inputs) {
    if (!type) continue;
    Maybe& state = type->sizes.empty() ? zero_dim : dimensioned;
    state = join(state, type->dtype);
  }
  for (const Attribute* scalar : scalars)
    if (scalar && !std::holds_alternative<std::monostate>(*scalar)) numbers = join(numbers, infer::dtype_of(*scalar));
  return outrank(dimensioned, outrank(zero_dim, numbers)).value_or(DType::f32);
}

}  // namespace wherry::ir
