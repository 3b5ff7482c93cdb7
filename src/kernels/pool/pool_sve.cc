// Pooling windows for base::Isa::sve.
#define WHERRY_POOL_TABLE kPoolSve
#include "kernels/pool/pool_simd.h"

static_assert(HWY_TARGET == HWY_SVE, "wherry_isa_sources gives other flags than Highway expects");
