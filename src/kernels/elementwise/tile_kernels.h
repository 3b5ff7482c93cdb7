#pragma once
// What an instruction set supplies to elementwise programs: one loop an opcode, one an operand type. Plain structs
// only: the files compiled for one instruction set include this.

#include <cstddef>
#include <cstdint>

#include "expression/program.h"
#include "wherry/dtype.h"

namespace wherry::kernels {

/// Bytes of a splat: one value repeated, as long as the longest vector.
inline constexpr int kSplatBytes = 64;

/// One instruction over n elements: y[i] = op(a[i & a_mask], b[i & b_mask], c[i & c_mask]). A mask is all ones, or 0
/// where the operand is a splat. y may be a, b or c unless that is a splat.
template <typename T>
struct TileArguments {
  T* y;
  const T* a;
  const T* b;
  const T* c;
  std::size_t a_mask, b_mask, c_mask;
  std::int64_t n;
};

template <typename T>
using TileKernel = void (*)(const TileArguments<T>& arguments) noexcept;

/// y[i·columns + j] = x[i·row_stride + j·column_stride] converted to T.
template <typename T>
using TileLoad = void (*)(T* y, const void* x, std::int64_t row_stride, std::int64_t column_stride, std::int64_t rows,
                          std::int64_t columns) noexcept;

/// y[i·row_stride + j·column_stride] = x[i·columns + j] converted from T.
template <typename T>
using TileStore = void (*)(void* y, std::int64_t row_stride, std::int64_t column_stride, const T* x, std::int64_t rows,
                           std::int64_t columns) noexcept;

inline constexpr int kOpcodes = static_cast<int>(expression::Opcode::count_);
inline constexpr int kDTypes = static_cast<int>(DType::boolean) + 1;

/// Null where the instruction set has nothing better than those before it.
template <typename T>
struct TileKernels {
  TileKernel<T> opcodes[kOpcodes];
  TileKernel<T> copy;  ///< y = a
  TileLoad<T> load[kDTypes];
  TileStore<T> store[kDTypes];
};

#define WHERRY_TILE_KERNELS(isa, table) extern const TileKernels<float> table;
#include "kernels/elementwise/kernels.inc"
#undef WHERRY_TILE_KERNELS

/// Scalar loops of the other two arithmetics.
extern const TileKernels<double> kTileReferenceF64;
extern const TileKernels<std::int64_t> kTileReferenceI64;

}  // namespace wherry::kernels
