#pragma once
// The names of primitives: family, every member of the shape, instruction set and threads, as text. Two primitives have
// one key only where they are the same, and a key means the same on every machine, so tuning files use it too.

#include <span>
#include <string>

#include "base/cpu.h"
#include "kernels/attention/attention.h"
#include "kernels/convolution/convolution.h"
#include "kernels/copy/copy.h"
#include "kernels/copy/pixels.h"
#include "kernels/elementwise/elementwise.h"
#include "kernels/gather/gather.h"
#include "kernels/matmul/matmul.h"
#include "kernels/normalization/normalization.h"
#include "kernels/pool/pool.h"
#include "kernels/reduction/reduction.h"
#include "kernels/softmax/softmax.h"

namespace wherry::runtime {

std::string primitive_key(const kernels::ConvolutionShape& shape, base::Isa isa, int threads);
std::string primitive_key(const kernels::MatmulShape& shape, base::Isa isa, int threads);
std::string primitive_key(const kernels::AttentionShape& shape, base::Isa isa);
std::string primitive_key(const kernels::PoolShape& shape, base::Isa isa);
std::string primitive_key(const kernels::CopyShape& shape, base::Isa isa);
std::string primitive_key(const kernels::FillShape& shape, base::Isa isa);
std::string primitive_key(const kernels::PixelsShape& shape, base::Isa isa);
std::string primitive_key(const kernels::GatherShape& shape, base::Isa isa);
std::string primitive_key(const kernels::LayerNormShape& shape, base::Isa isa);
std::string primitive_key(const kernels::GroupNormShape& shape, base::Isa isa);
std::string primitive_key(const kernels::SoftmaxShape& shape, base::Isa isa);
std::string primitive_key(const kernels::ReductionShape& shape, base::Isa isa);
std::string primitive_key(const expression::Program& program, const kernels::ElementwiseShape& shape, base::Isa isa);
/// Of a tile program (kernels/tile.h).
std::string primitive_key(const expression::Program& program, std::span<const DType> operands, DType result,
                          base::Isa isa);

}  // namespace wherry::runtime
