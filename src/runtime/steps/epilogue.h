#pragma once
// What matmul and convolution share: the graph's epilogue program, split into the part that kernels run on accumulators
// in registers and the part that runs over the tile.

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "expression/program.h"
#include "runtime/lowering.h"

namespace wherry::runtime {

/// y = clamp(acc + residual, low, high), then `rest`.
struct EpilogueParts {
  int residual = 0;  ///< operand of the program that is added first, 0 for none
  float low = -__builtin_inff();
  float high = __builtin_inff();
  std::optional<expression::Program> rest;  ///< operand 0 is y
  std::vector<int> operands;                ///< which operands of the whole program are operands 1 … of `rest`
};

/// Splits off as long a prefix as fits. `may_be_residual(i)` says whether operand i is of a type that the kernel
/// adds, of the output's sizes and addressable by rows.
EpilogueParts split_epilogue(const expression::Program& program, const std::function<bool(int)>& may_be_residual);

/// One operand of an epilogue, addressed by rows and columns of one image or matrix, and how it moves with the batch.
struct RowOperand {
  Slot slot;
  DType dtype = DType::f32;
  std::int64_t row_stride = 0;
  std::int64_t column_stride = 0;
  Dims batch_strides;
};

/// An epilogue ready to run: what a step keeps, and how it becomes a kernel's argument.
struct EpilogueRun {
  std::optional<Slot> bias;
  std::optional<RowOperand> residual;
  float low = -__builtin_inff();
  float high = __builtin_inff();
  kernels::Activation activation = kernels::Activation::none;
  const kernels::TileProgram* program = nullptr;
  std::vector<RowOperand> operands;

  /// `tiles` has operands.size() entries and must outlive the result; `offset_of(operand)` is where the operand's
  /// elements begin, in elements from its slot.
  template <typename OffsetOf>
  kernels::Epilogue bind(const RunContext& context, kernels::TileOperand* tiles, OffsetOf&& offset_of) const noexcept {
    kernels::Epilogue epilogue;
    if (bias) epilogue.bias = context.at<const float>(*bias);
    if (residual) {
      const auto bytes = offset_of(*residual) * static_cast<std::int64_t>(size_of(residual->dtype));
      epilogue.residual = context.at<const std::byte>(residual->slot) + bytes;
      epilogue.residual_dtype = residual->dtype;
      epilogue.residual_row_stride = residual->row_stride;
    }
    epilogue.low = low;
    epilogue.high = high;
    epilogue.activation = activation;
    epilogue.program = program;
    for (std::size_t i = 0; i < operands.size(); ++i) {
      const RowOperand& operand = operands[i];
      const auto element = static_cast<std::int64_t>(size_of(operand.dtype));
      tiles[i] = {context.at<const std::byte>(operand.slot) + offset_of(operand) * element, operand.row_stride,
                  operand.column_stride, element};
    }
    epilogue.operands = tiles;
    epilogue.operand_count = static_cast<int>(operands.size());
    return epilogue;
  }
};

/// Most operands an epilogue may have in one step; longer ones run as a step of their own.
inline constexpr std::size_t kMaxEpilogueOperands = 16;

/// Joins the parts of a node's epilogue. `rows[i]` addresses the node's operand i + 1 of the program; bias is the
/// node's input 2. Without an epilogue and with an fp32 result, that is bias alone. `activates`: the kernel knows
/// activations.
EpilogueRun make_epilogue(const ir::Node& node, std::span<const RowOperand> rows, Lowering& lowering,
                          bool activates = false);

/// The operands of a node's epilogue program beyond the accumulator.
std::vector<const ir::Value*> epilogue_operands(const ir::Node& node);

/// "+residual+relu+tile" and the like, for StepInfo::kernel; empty where nothing is fused but the bias.
std::string epilogue_name(const EpilogueRun& epilogue);

/// Copies fp32 accumulators to the node's result, in its memory order and dtype.
void lower_separate_cast(const ir::Node& node, const Operand& accumulators, Lowering& lowering);

/// Runs a node's epilogue as a step of its own: from fp32 accumulators (bias added) to the node's result.
void lower_separate_epilogue(const ir::Node& node, const Operand& accumulators, Lowering& lowering);

}  // namespace wherry::runtime
