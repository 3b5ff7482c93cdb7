// Pooling windows for base::Isa::avx512.
#define WHERRY_POOL_TABLE kPoolAvx512
#include "kernels/pool/pool_simd.h"

static_assert(HWY_TARGET == HWY_AVX3, "wherry_isa_sources gives other flags than Highway expects");
