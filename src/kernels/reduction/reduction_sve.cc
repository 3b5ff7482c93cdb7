// Reductions of fp32 rows and columns, and sums of bf16 ones, for base::Isa::sve.
#define WHERRY_REDUCTION_TABLE kReductionSve
#include "kernels/reduction/reduction_simd.h"

static_assert(HWY_TARGET == HWY_SVE, "wherry_isa_sources gives other flags than Highway expects");
