#pragma once
// matmul.h for bf16 operands: what make_matmul, pack and their kin do where a shape says bf16.

#include <memory>

#include "kernels/matmul/bf16_panels.h"
#include "kernels/matmul/matmul.h"

namespace wherry::kernels {

Bf16Panels bf16_panels(const PackedMatrix& b);
std::unique_ptr<const Matmul> make_bf16_matmul(const MatmulShape& shape, base::Isa isa, int threads,
                                               const Choice& choice);

}  // namespace wherry::kernels
