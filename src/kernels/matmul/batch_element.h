#pragma once
// Where the operands of one element of a batch begin.

#include <cstdint>

#include "kernels/matmul/block.h"
#include "kernels/matmul/matmul.h"

namespace wherry::kernels {

/// The indices of element `number`, counted with the last dimension innermost.
inline BatchSizes batch_index(const BatchSizes& batch, std::int64_t number) {
  BatchSizes index = {};
  for (int d = kMaxBatchDims - 1; d >= 0; --d) {
    index[d] = number % batch[d];
    number /= batch[d];
  }
  return index;
}

/// Elements from the batch's first one to that of `index`.
inline std::int64_t batch_offset(const BatchSizes& index, const BatchSizes& strides) {
  std::int64_t offset = 0;
  for (int d = 0; d < kMaxBatchDims; ++d) offset += index[d] * strides[d];
  return offset;
}

/// Where the epilogue's operands begin; `operand_offsets` has room for kMaxEpilogueOperands, and is read as long as the
/// result is.
inline EpilogueOrigin epilogue_origin(const MatmulArguments& arguments, const BatchSizes& index,
                                      std::int64_t* operand_offsets) {
  EpilogueOrigin origin;
  origin.residual_offset = batch_offset(index, arguments.residual_batch_strides);
  if (arguments.operand_batch_strides == nullptr) return origin;
  for (int i = 0; i < arguments.epilogue.operand_count; ++i)
    operand_offsets[i] = batch_offset(index, arguments.operand_batch_strides[i]);
  origin.operand_offsets = operand_offsets;
  return origin;
}

}  // namespace wherry::kernels
