// Reductions of fp32 rows and columns, and sums of bf16 ones, for base::Isa::avx512.
#define WHERRY_REDUCTION_TABLE kReductionAvx512
#include "kernels/reduction/reduction_simd.h"

static_assert(HWY_TARGET == HWY_AVX3, "wherry_isa_sources gives other flags than Highway expects");
