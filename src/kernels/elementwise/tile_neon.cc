// The loops of elementwise programs for base::Isa::neon.
#define WHERRY_TILE_TABLE kTileNeon
#include "kernels/elementwise/tile_simd.h"

static_assert(HWY_TARGET == HWY_NEON, "wherry_isa_sources gives other flags than Highway expects");
