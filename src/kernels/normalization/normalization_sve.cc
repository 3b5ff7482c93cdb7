// Normalisation of a block for base::Isa::sve.
#define WHERRY_NORMALIZATION_TABLE kNormalizationSve
#include "kernels/normalization/normalization_simd.h"

static_assert(HWY_TARGET == HWY_SVE, "wherry_isa_sources gives other flags than Highway expects");
