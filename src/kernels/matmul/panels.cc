// Cutting a matrix into panels and packing them.

#include "kernels/matmul/panels.h"

#include <algorithm>

namespace wherry::kernels {

Panels make_panels(std::int64_t columns, const TileKernels& kernels) {
  Panels panels;
  panels.columns = columns;
  panels.lanes = kernels.lanes;
  panels.vectors = (columns + kernels.lanes - 1) / kernels.lanes;
  panels.count = (panels.vectors + kernels.max_vectors - 1) / kernels.max_vectors;
  return panels;
}

void pack_panel(const Panels& panels, std::int64_t panel, const float* source, std::int64_t depth_stride,
                std::int64_t column_stride, std::int64_t first_depth, std::int64_t rows, float* packed) {
  if (rows <= 0) return;
  const std::int64_t width = panels.width(panel) * panels.lanes;
  const std::int64_t columns = panels.columns_of(panel);
  source += panels.first_column(panel) * column_stride;
  packed += first_depth * width;
  // Sixteen rows at a time: where a column of B is contiguous, its cache line is then read once.
  constexpr std::int64_t kRows = 16;
  for (std::int64_t k0 = 0; k0 < rows; k0 += kRows) {
    const std::int64_t k1 = std::min(rows, k0 + kRows);
    if (column_stride == 1) {
      for (std::int64_t k = k0; k < k1; ++k) std::copy_n(source + k * depth_stride, columns, packed + k * width);
    } else {
      for (std::int64_t n = 0; n < columns; ++n)
        for (std::int64_t k = k0; k < k1; ++k) packed[k * width + n] = source[k * depth_stride + n * column_stride];
    }
    for (std::int64_t k = k0; k < k1; ++k) std::fill(packed + k * width + columns, packed + (k + 1) * width, 0.0f);
  }
}

}  // namespace wherry::kernels
