// Normalisation of a block for base::Isa::neon.
#define WHERRY_NORMALIZATION_TABLE kNormalizationNeon
#include "kernels/normalization/normalization_simd.h"

static_assert(HWY_TARGET == HWY_NEON, "wherry_isa_sources gives other flags than Highway expects");
