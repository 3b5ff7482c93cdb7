// Matmul micro-kernels for scalar.

#include <cstdint>

#include "kernels/matmul/tile_kernels.h"

namespace wherry::kernels {
namespace {

#include "kernels/matmul/vector_scalar.inc"

static_assert(Vector::kLanes == 4);

#include "kernels/matmul/tiles.inc"

}  // namespace

#define WHERRY_TILE_avx2(lanes, vectors, rows)
#define WHERRY_TILE_avx512(lanes, vectors, rows)
#define WHERRY_TILE_scalar(lanes, vectors, rows) \
  static_assert(lanes == Vector::kLanes);        \
  extern const TileRow kTile_scalar_##vectors;   \
  constinit const TileRow kTile_scalar_##vectors = tile_row<vectors, rows>();
#define WHERRY_TILE(isa, lanes, vectors, rows) WHERRY_TILE_##isa(lanes, vectors, rows)
#include "kernels/matmul/kernels.inc"

}  // namespace wherry::kernels
