// The inner loops of copies for base::Isa::neon.
#define WHERRY_COPY_TABLE kCopyNeon
#include "kernels/copy/copy_simd.h"

static_assert(HWY_TARGET == HWY_NEON, "wherry_isa_sources gives other flags than Highway expects");
