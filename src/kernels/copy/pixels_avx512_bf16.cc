// Planes to pixels with AVX-512 BF16.

#include <immintrin.h>

#include "kernels/copy/pixels_kernels.h"

namespace wherry::kernels {

void pixels_of_three_planes_avx512_bf16(const float* x, std::int64_t plane, std::uint16_t* y,
                                        std::int64_t width) noexcept {
  for (std::int64_t w = 0; w < width; w += 16) {
    const auto mask = static_cast<__mmask16>(width - w >= 16 ? 0xFFFFu : (1u << (width - w)) - 1u);
    const auto channel = [&](std::int64_t c) {
      return (__m256i)_mm512_cvtneps_pbh(_mm512_maskz_loadu_ps(mask, x + c * plane + w));
    };
    // As 32-bit lanes: red and green in one vector, blue and nothing in another; then the two side by side.
    const __m512i red = _mm512_maskz_cvtepu16_epi32(0xFFFF, channel(0));
    const __m512i green = _mm512_maskz_cvtepu16_epi32(0xFFFF, channel(1));
    const __m512i first = _mm512_or_si512(red, _mm512_maskz_slli_epi32(0xFFFF, green, 16));
    const __m512i second = _mm512_maskz_cvtepu16_epi32(0xFFFF, channel(2));
    const __m512i low = _mm512_set_epi32(23, 7, 22, 6, 21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
    const __m512i high = _mm512_set_epi32(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8);
    const std::int64_t pixels = width - w < 16 ? width - w : 16;
    const auto lanes = static_cast<std::uint32_t>((std::uint64_t{1} << (2 * pixels)) - 1u);
    _mm512_mask_storeu_epi32(y + 4 * w, static_cast<__mmask16>(lanes), _mm512_permutex2var_epi32(first, low, second));
    _mm512_mask_storeu_epi32(y + 4 * w + 32, static_cast<__mmask16>(lanes >> 16),
                             _mm512_permutex2var_epi32(first, high, second));
  }
}

}  // namespace wherry::kernels
