#pragma once
// Runs an elementwise program over constants: batch norm folded into tens of megabytes of weights must not cost
// seconds.

#include <span>

#include "expression/program.h"
#include "wherry/tensor.h"

namespace wherry::passes::constant {

/// The row-major result of `program` with the operands broadcast to `sizes`. Means what expression::evaluate means.
Tensor evaluate_program(const expression::Program& program, std::span<const Tensor> operands, DType dtype,
                        const Dims& sizes);

}  // namespace wherry::passes::constant
