// Normalisation of a block for base::Isa::avx2.
#define WHERRY_NORMALIZATION_TABLE kNormalizationAvx2
#include "kernels/normalization/normalization_simd.h"

static_assert(HWY_TARGET == HWY_AVX2, "wherry_isa_sources gives other flags than Highway expects");
