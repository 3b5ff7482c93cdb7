// What NEON with BF16 does better in elementwise programs: reading bf16, which is a shift, and rounding results to it.

#include <arm_neon.h>

#include <cstdint>

#include "kernels/elementwise/tile_kernels.h"

namespace wherry::kernels {
namespace {

#include "kernels/vector_neon_bf16.inc"

constexpr int kBf16 = static_cast<int>(DType::bf16);

void load_bf16(float* y, const void* x, std::int64_t row_stride, std::int64_t column_stride, std::int64_t rows,
               std::int64_t columns) noexcept {
  if (column_stride != 1) return kTileReference.load[kBf16](y, x, row_stride, column_stride, rows, columns);
  for (std::int64_t i = 0; i < rows; ++i, y += columns) {
    const std::uint16_t* const row = static_cast<const std::uint16_t*>(x) + i * row_stride;
    std::int64_t j = 0;
    for (; j + 8 <= columns; j += 8) store(y + j, load(row + j));
    if (j < columns) store_first(columns - j, y + j, load_first(columns - j, row + j));
  }
}

void store_bf16(void* y, std::int64_t row_stride, std::int64_t column_stride, const float* x, std::int64_t rows,
                std::int64_t columns) noexcept {
  if (column_stride != 1) return kTileReference.store[kBf16](y, row_stride, column_stride, x, rows, columns);
  for (std::int64_t i = 0; i < rows; ++i, x += columns) {
    std::uint16_t* const row = static_cast<std::uint16_t*>(y) + i * row_stride;
    std::int64_t j = 0;
    for (; j + 8 <= columns; j += 8) store(row + j, load(x + j));
    if (j < columns) store_first(columns - j, row + j, load_first(columns - j, x + j));
  }
}

constexpr TileKernels<float> make_table() {
  TileKernels<float> table{};
  table.load[kBf16] = load_bf16;
  table.store[kBf16] = store_bf16;
  return table;
}

}  // namespace

constinit const TileKernels<float> kTileNeonBf16 = make_table();

}  // namespace wherry::kernels
