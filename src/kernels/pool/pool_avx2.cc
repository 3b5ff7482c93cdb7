// Pooling windows for base::Isa::avx2.
#define WHERRY_POOL_TABLE kPoolAvx2
#include "kernels/pool/pool_simd.h"

static_assert(HWY_TARGET == HWY_AVX2, "wherry_isa_sources gives other flags than Highway expects");
