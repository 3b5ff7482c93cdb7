// Matmul micro-kernels for avx512.

#include <immintrin.h>

#include <cstdint>

#include "kernels/matmul/tile_kernels.h"

namespace wherry::kernels {
namespace {

#include "kernels/matmul/vector_avx512.inc"

static_assert(Vector::kLanes == 16);

#include "kernels/matmul/tiles.inc"

}  // namespace

extern const StrassenRows kStrassenRows_avx512;
constinit const StrassenRows kStrassenRows_avx512 = strassen_rows;

#define WHERRY_TILE_scalar(lanes, vectors, gathering, strided)
#define WHERRY_TILE_avx2(lanes, vectors, gathering, strided)
#define WHERRY_TILE_avx512(lanes, vectors, gathering, strided) \
  static_assert(lanes == Vector::kLanes);                      \
  extern const TileWidth kTile_avx512_##vectors;               \
  constinit const TileWidth kTile_avx512_##vectors = tile_width<vectors, gathering, strided>();
#define WHERRY_TILE(isa, lanes, vectors, gathering, strided) WHERRY_TILE_##isa(lanes, vectors, gathering, strided)
#include "kernels/matmul/kernels.inc"

}  // namespace wherry::kernels
