// Normalisation of a block for base::Isa::avx512.
#define WHERRY_NORMALIZATION_TABLE kNormalizationAvx512
#include "kernels/normalization/normalization_simd.h"

static_assert(HWY_TARGET == HWY_AVX3, "wherry_isa_sources gives other flags than Highway expects");
