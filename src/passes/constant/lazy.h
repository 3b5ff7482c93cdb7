#pragma once
// Constants made of constants, computed when somebody reads them: a transposed or batch-norm-scaled weight exists only
// while it is being packed. Keys derive from the parents' keys, so equal foldings are one constant.

#include <vector>

#include "expression/program.h"
#include "tensor/lazy_tensor.h"

namespace wherry::passes::constant {

using tensor::LazyTensorPtr;

/// `x`, computed when first read and kept: for small constants, which other constants may read many times over.
LazyTensorPtr remembered(const LazyTensorPtr& x);

LazyTensorPtr reshape(const LazyTensorPtr& x, const Dims& sizes);
LazyTensorPtr permute(const LazyTensorPtr& x, const Dims& dims);
LazyTensorPtr slice(const LazyTensorPtr& x, std::int64_t dim, std::int64_t start, std::int64_t end, std::int64_t step);
LazyTensorPtr expand(const LazyTensorPtr& x, const Dims& sizes);
LazyTensorPtr concat(const std::vector<LazyTensorPtr>& xs, std::int64_t dim);
/// Operands broadcast to `sizes`.
LazyTensorPtr elementwise(const expression::Program& program, const std::vector<LazyTensorPtr>& operands, DType dtype,
                          const Dims& sizes);
/// a[M, K] · b[K, N] + bias[N] (may be null), all float32, accumulated in float64. For small constants only.
LazyTensorPtr matmul(const LazyTensorPtr& a, const LazyTensorPtr& b, const LazyTensorPtr& bias);

}  // namespace wherry::passes::constant
