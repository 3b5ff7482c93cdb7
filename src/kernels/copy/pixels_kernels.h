#pragma once
// What an instruction set supplies to pixels.h. Plain declarations only: files compiled for one set include this.

#include <cstdint>

namespace wherry::kernels {

/// Three fp32 planes, `plane` elements apart, to `width` pixels of four bf16 channels, the last zero.
void pixels_of_three_planes_avx512_bf16(const float* x, std::int64_t plane, std::uint16_t* y,
                                        std::int64_t width) noexcept;

}  // namespace wherry::kernels
