// The oracle of matmul: the formula, element by element.

#include <algorithm>
#include <vector>

#include "kernels/element.h"
#include "kernels/matmul/matmul.h"

namespace wherry::kernels {

void matmul_reference(const MatmulShape& shape, const MatmulArguments& arguments) {
  const Epilogue& epilogue = arguments.epilogue;
  const std::int64_t c_bytes = static_cast<std::int64_t>(size_of(shape.c_dtype));
  BatchSizes index = {};
  for (index[0] = 0; index[0] < shape.batch[0]; ++index[0])
    for (index[1] = 0; index[1] < shape.batch[1]; ++index[1])
      for (index[2] = 0; index[2] < shape.batch[2]; ++index[2])
        for (index[3] = 0; index[3] < shape.batch[3]; ++index[3]) {
          const auto offset = [&](const BatchSizes& strides) {
            std::int64_t sum = 0;
            for (int d = 0; d < kMaxBatchDims; ++d) sum += index[d] * strides[d];
            return sum;
          };
          for (std::int64_t m = 0; m < shape.rows; ++m)
            for (std::int64_t n = 0; n < shape.columns; ++n) {
              double sum = epilogue.bias == nullptr ? 0.0 : epilogue.bias[n];
              const std::int64_t a_at = offset(shape.a_batch_strides) + m * shape.a_row_stride;
              const std::int64_t b_at = offset(shape.b_batch_strides) + n * shape.b_column_stride;
              for (std::int64_t k = 0; k < shape.depth; ++k)
                sum += static_cast<double>(load_element(arguments.a, a_at + k * shape.a_depth_stride, shape.dtype)) *
                       load_element(arguments.b, b_at + k * shape.b_depth_stride, shape.dtype);
              if (epilogue.residual != nullptr)
                sum += load_element(epilogue.residual,
                                    offset(arguments.residual_batch_strides) + m * epilogue.residual_row_stride + n,
                                    epilogue.residual_dtype);
              float y = static_cast<float>(sum);
              if (y < epilogue.low) y = epilogue.low;
              if (y > epilogue.high) y = epilogue.high;
              y = static_cast<float>(activate(epilogue.activation, y));
              std::byte* c = static_cast<std::byte*>(arguments.c) +
                             (offset(shape.c_batch_strides) + m * shape.c_row_stride + n) * c_bytes;
              if (epilogue.program == nullptr) {
                store_element(c, shape.c_dtype, y);
                continue;
              }
              std::vector<TileOperand> operands = {{&y, 0, 0}};
              for (int o = 0; o < epilogue.operand_count; ++o) {
                TileOperand operand = epilogue.operands[o];
                std::int64_t at = m * operand.row_stride + n * operand.column_stride;
                if (arguments.operand_batch_strides != nullptr) at += offset(arguments.operand_batch_strides[o]);
                operand.data = static_cast<const std::byte*>(operand.data) + at * operand.element_bytes;
                operands.push_back(operand);
              }
              epilogue.program->run(operands.data(), {c, 0, 0}, 1, 1);
            }
        }
}

}  // namespace wherry::kernels
