// Reductions of fp32 rows and columns, and sums of bf16 ones, for base::Isa::avx2.
#define WHERRY_REDUCTION_TABLE kReductionAvx2
#include "kernels/reduction/reduction_simd.h"

static_assert(HWY_TARGET == HWY_AVX2, "wherry_isa_sources gives other flags than Highway expects");
