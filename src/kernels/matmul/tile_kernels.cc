// The table of micro-kernels, from the family's list.

#include "kernels/matmul/tile_kernels.h"

#include <array>

#include "base/check.h"
#include "kernels/lanes.h"

namespace wherry::kernels {

// Defined in tiles_<isa>.cc.
#define WHERRY_TILE(isa, lanes, vectors, gathering, strided) \
  extern const TileWidth kTile_##isa##_##vectors;            \
  extern const StrassenRows kStrassenRows_##isa;
#include "kernels/matmul/kernels.inc"
#undef WHERRY_TILE

namespace {

struct Entry {
  base::Isa isa;
  int lanes;
  int vectors;
  const TileWidth* width;
  const StrassenRows* strassen_rows;
};

#define WHERRY_TILE(isa, lanes, vectors, gathering, strided) \
  {base::Isa::isa, lanes, vectors, &kTile_##isa##_##vectors, &kStrassenRows_##isa},
constexpr Entry kEntries[] = {
#include "kernels/matmul/kernels.inc"
};
#undef WHERRY_TILE

/// Of an instruction set without kernels of its own: no vectors.
TileKernels collect(base::Isa isa) {
  TileKernels result{isa, 0, 0, nullptr, {}};
  for (const Entry& entry : kEntries) {
    if (entry.isa != isa) continue;
    result.lanes = lanes_of(entry.lanes);
    result.max_vectors = entry.vectors > result.max_vectors ? entry.vectors : result.max_vectors;
    result.strassen_rows = *entry.strassen_rows;
    result.widths[entry.vectors] = *entry.width;
  }
  return result;
}

}  // namespace

const TileKernels& tile_kernels(base::Isa isa) {
  static const auto all = [] {
    std::array<TileKernels, base::kIsas.size()> tables;
    for (const base::Isa each : base::kIsas) tables[static_cast<std::size_t>(each)] = collect(each);
    return tables;
  }();
  const TileKernels& kernels = all[static_cast<std::size_t>(base::fp32_isa(isa))];
  WHERRY_CHECK(kernels.max_vectors > 0);
  return kernels;
}

}  // namespace wherry::kernels
