// The inner loops of copies for base::Isa::sve.
#define WHERRY_COPY_TABLE kCopySve
#include "kernels/copy/copy_simd.h"

static_assert(HWY_TARGET == HWY_SVE, "wherry_isa_sources gives other flags than Highway expects");
