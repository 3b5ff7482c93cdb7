#pragma once
// The packed form of a constant B: columns cut into panels as wide as a tile, each panel stored depth by depth so that
// a micro-kernel reads it as one stream.

#include <cstdint>

#include "kernels/matmul/tile_kernels.h"

namespace wherry::kernels {

/// How `columns` are cut. Panels hold whole vectors and differ by at most one vector in width; only the last vector may
/// have columns that do not exist (packed as zeros).
struct Panels {
  std::int64_t columns = 0;
  std::int64_t lanes = 0;
  std::int64_t vectors = 0;  ///< in all panels together
  std::int64_t count = 0;

  std::int64_t first_vector(std::int64_t panel) const { return vectors * panel / count; }
  std::int64_t first_column(std::int64_t panel) const { return first_vector(panel) * lanes; }
  /// Vectors of one panel.
  std::int64_t width(std::int64_t panel) const { return first_vector(panel + 1) - first_vector(panel); }
  std::int64_t widest() const { return count == 0 ? 0 : (vectors + count - 1) / count; }
  /// Columns of one panel that exist.
  std::int64_t columns_of(std::int64_t panel) const {
    const std::int64_t end = first_column(panel + 1);
    return (end < columns ? end : columns) - first_column(panel);
  }
  /// Elements of all panels of `depth` rows.
  std::int64_t elements(std::int64_t depth) const { return vectors * lanes * depth; }
  /// Where a panel starts, in elements.
  std::int64_t offset(std::int64_t panel, std::int64_t depth) const { return first_column(panel) * depth; }
};

Panels make_panels(std::int64_t columns, const TileKernels& kernels);

/// Packs rows [first_depth, first_depth + rows) of one panel of B; `source` is at the first of those rows and at column
/// 0 of B. `packed` is where the panel starts.
void pack_panel(const Panels& panels, std::int64_t panel, const float* source, std::int64_t depth_stride,
                std::int64_t column_stride, std::int64_t first_depth, std::int64_t rows, float* packed);

}  // namespace wherry::kernels
