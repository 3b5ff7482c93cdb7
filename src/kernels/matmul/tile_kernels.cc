// The table of micro-kernels, from the family's list.

#include "kernels/matmul/tile_kernels.h"

#include "base/check.h"

namespace wherry::kernels {

// Defined in tiles_<isa>.cc.
#define WHERRY_TILE(isa, lanes, vectors, gathering, strided) extern const TileWidth kTile_##isa##_##vectors;
#include "kernels/matmul/kernels.inc"
#undef WHERRY_TILE

namespace {

struct Entry {
  base::Isa isa;
  int lanes;
  int vectors;
  const TileWidth* width;
};

#define WHERRY_TILE(isa, lanes, vectors, gathering, strided) {base::Isa::isa, lanes, vectors, &kTile_##isa##_##vectors},
constexpr Entry kEntries[] = {
#include "kernels/matmul/kernels.inc"
};
#undef WHERRY_TILE

TileKernels collect(base::Isa isa) {
  TileKernels result{isa, 0, 0, {}};
  for (const Entry& entry : kEntries) {
    if (entry.isa != isa) continue;
    result.lanes = entry.lanes;
    result.max_vectors = entry.vectors > result.max_vectors ? entry.vectors : result.max_vectors;
    result.widths[entry.vectors] = *entry.width;
  }
  WHERRY_CHECK(result.max_vectors > 0);
  return result;
}

}  // namespace

const TileKernels& tile_kernels(base::Isa isa) {
  static const TileKernels all[] = {collect(base::Isa::scalar), collect(base::Isa::avx2), collect(base::Isa::avx512)};
  return all[static_cast<int>(base::fp32_isa(isa))];
}

}  // namespace wherry::kernels
