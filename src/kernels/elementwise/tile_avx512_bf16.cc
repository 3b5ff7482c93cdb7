// What AVX-512 BF16 does better in elementwise programs: rounding results to bf16. As in products, numbers below the
// normal range become 0.

#include <immintrin.h>

#include <cstdint>

#include "kernels/elementwise/tile_kernels.h"

namespace wherry::kernels {
namespace {

void store_bf16(void* y, std::int64_t row_stride, std::int64_t column_stride, const float* x, std::int64_t rows,
                std::int64_t columns) noexcept {
  if (column_stride != 1)
    return kTileReference.store[static_cast<int>(DType::bf16)](y, row_stride, column_stride, x, rows, columns);
  for (std::int64_t i = 0; i < rows; ++i, x += columns) {
    std::uint16_t* const row = static_cast<std::uint16_t*>(y) + i * row_stride;
    std::int64_t j = 0;
    for (; j + 32 <= columns; j += 32)
      _mm512_storeu_si512(row + j, (__m512i)_mm512_cvtne2ps_pbh(_mm512_loadu_ps(x + j + 16), _mm512_loadu_ps(x + j)));
    for (; j < columns; j += 16) {
      const auto there = static_cast<__mmask16>(columns - j >= 16 ? 0xFFFFu : (1u << (columns - j)) - 1u);
      _mm256_mask_storeu_epi16(row + j, there, (__m256i)_mm512_cvtneps_pbh(_mm512_maskz_loadu_ps(there, x + j)));
    }
  }
}

constexpr TileKernels<float> make_table() {
  TileKernels<float> table{};
  table.store[static_cast<int>(DType::bf16)] = store_bf16;
  return table;
}

}  // namespace

constinit const TileKernels<float> kTileAvx512Bf16 = make_table();

}  // namespace wherry::kernels
