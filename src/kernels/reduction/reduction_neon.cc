// Reductions of fp32 rows and columns, and sums of bf16 ones, for base::Isa::neon.
#define WHERRY_REDUCTION_TABLE kReductionNeon
#include "kernels/reduction/reduction_simd.h"

static_assert(HWY_TARGET == HWY_NEON, "wherry_isa_sources gives other flags than Highway expects");
