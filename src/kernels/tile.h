#pragma once
// The tile: how an elementwise program meets memory. As an epilogue it reads a block of accumulators that is still in
// L1 and writes the destination; alone it walks chunks of its operands. One function a program, one implementation an
// ISA.

#include <cstdint>
#include <memory>

#include "base/cpu.h"
#include "expression/program.h"
#include "kernels/activation.h"
#include "wherry/dtype.h"

namespace wherry::kernels {

/// One operand of a tile of rows × columns elements: element (i, j) is at data + i·row_stride + j·column_stride
/// (strides in elements of dtype; 0 repeats).
struct TileOperand {
  const void* data;
  std::int64_t row_stride;
  std::int64_t column_stride;
  std::int64_t element_bytes = 4;  ///< size of dtype: whoever cuts an operand into tiles moves `data` by it
};

/// Where a tile goes; columns are contiguous or strided alike.
struct TileDestination {
  void* data;
  std::int64_t row_stride;
  std::int64_t column_stride;
};

/// A program made ready for one ISA: registers assigned to tile buffers, conversions chosen. Immutable, shareable.
class TileProgram {
 public:
  virtual ~TileProgram() = default;
  /// Runs over rows × columns. The destination may be an operand's own memory (same address, same strides).
  /// Never allocates. rows, columns ≥ 0, any size.
  virtual void run(const TileOperand* operands, const TileDestination& destination, std::int64_t rows,
                   std::int64_t columns) const noexcept = 0;
};

/// `operand_dtypes` has program.inputs entries. `isa` may be any runnable one.
std::unique_ptr<const TileProgram> make_tile_program(const expression::Program& program, const DType* operand_dtypes,
                                                     DType result_dtype, base::Isa isa);

/// What happens to a block of matmul or convolution accumulators on its way out:
///   y = clamp(acc + bias[column] + residual[row, column], low, high), then y = program(y, operands…).
/// The first line runs in registers and covers bias, residual add, ReLU and ReLU6; `program` covers everything else.
struct Epilogue {
  const float* bias = nullptr;        ///< [columns], or null
  const void* residual = nullptr;     ///< same rows and columns as the output, column stride 1, or null
  DType residual_dtype = DType::f32;  ///< f32, or bf16 where the kernel multiplies bf16
  std::int64_t residual_row_stride = 0;
  float low = -__builtin_inff();  ///< NaN passes through a clamp
  float high = __builtin_inff();
  Activation activation = Activation::none;  ///< then; of bf16 products only, and without a program
  const TileProgram* program = nullptr;      ///< operand 0 is y (fp32); or null
  const TileOperand* operands = nullptr;     ///< operands 1 … of `program`, addressed from the output's origin
  int operand_count = 0;
};

}  // namespace wherry::kernels
