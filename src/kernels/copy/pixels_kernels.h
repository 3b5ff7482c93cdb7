#pragma once
// What an instruction set supplies to pixels.h. Plain declarations only: files compiled for one set include this.

#include <cstdint>

namespace wherry::kernels {

/// Three fp32 planes, `plane` elements apart, to `width` pixels of four bf16 channels, the last zero.
using PixelsOfThreePlanes = void (*)(const float* x, std::int64_t plane, std::uint16_t* y, std::int64_t width) noexcept;

#define WHERRY_PIXELS(isa) \
  void pixels_of_three_planes_##isa(const float* x, std::int64_t plane, std::uint16_t* y, std::int64_t width) noexcept;
#include "kernels/copy/pixels_kernels.inc"
#undef WHERRY_PIXELS

}  // namespace wherry::kernels
