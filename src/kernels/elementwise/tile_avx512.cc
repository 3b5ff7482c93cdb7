// The loops of elementwise programs for base::Isa::avx512.
#define WHERRY_TILE_TABLE kTileAvx512
#include "kernels/elementwise/tile_simd.h"

static_assert(HWY_TARGET == HWY_AVX3, "wherry_isa_sources gives other flags than Highway expects");
