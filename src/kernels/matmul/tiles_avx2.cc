// Matmul micro-kernels for avx2.

#include <immintrin.h>

#include <cstdint>

#include "kernels/matmul/tile_kernels.h"

namespace wherry::kernels {
namespace {

#include "kernels/matmul/vector_avx2.inc"

static_assert(Vector::kLanes == 8);

#include "kernels/matmul/tiles.inc"

}  // namespace

#define WHERRY_TILE_scalar(lanes, vectors, rows)
#define WHERRY_TILE_avx512(lanes, vectors, rows)
#define WHERRY_TILE_avx2(lanes, vectors, rows) \
  static_assert(lanes == Vector::kLanes);      \
  extern const TileRow kTile_avx2_##vectors;   \
  constinit const TileRow kTile_avx2_##vectors = tile_row<vectors, rows>();
#define WHERRY_TILE(isa, lanes, vectors, rows) WHERRY_TILE_##isa(lanes, vectors, rows)
#include "kernels/matmul/kernels.inc"

}  // namespace wherry::kernels
