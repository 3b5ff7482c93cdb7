// The loops of elementwise programs for base::Isa::sve.
#define WHERRY_TILE_TABLE kTileSve
#include "kernels/elementwise/tile_simd.h"

static_assert(HWY_TARGET == HWY_SVE, "wherry_isa_sources gives other flags than Highway expects");
