// The inner loops of copies for base::Isa::avx512.
#define WHERRY_COPY_TABLE kCopyAvx512
#include "kernels/copy/copy_simd.h"

static_assert(HWY_TARGET == HWY_AVX3, "wherry_isa_sources gives other flags than Highway expects");
