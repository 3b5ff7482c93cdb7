// Pooling windows for base::Isa::neon.
#define WHERRY_POOL_TABLE kPoolNeon
#include "kernels/pool/pool_simd.h"

static_assert(HWY_TARGET == HWY_NEON, "wherry_isa_sources gives other flags than Highway expects");
