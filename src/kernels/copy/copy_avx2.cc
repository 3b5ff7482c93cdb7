// The inner loops of copies for base::Isa::avx2.
#define WHERRY_COPY_TABLE kCopyAvx2
#include "kernels/copy/copy_simd.h"

static_assert(HWY_TARGET == HWY_AVX2, "wherry_isa_sources gives other flags than Highway expects");
