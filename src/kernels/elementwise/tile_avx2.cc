// The loops of elementwise programs for base::Isa::avx2.
#define WHERRY_TILE_TABLE kTileAvx2
#include "kernels/elementwise/tile_simd.h"

static_assert(HWY_TARGET == HWY_AVX2, "wherry_isa_sources gives other flags than Highway expects");
