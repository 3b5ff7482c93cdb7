// Planes to pixels on NEON with BF16: an interleaved store puts the channels side by side.

#include <arm_neon.h>

#include "kernels/copy/pixels_kernels.h"

namespace wherry::kernels {
namespace {
#include "kernels/vector_neon_bf16.inc"
}  // namespace

void pixels_of_three_planes_neon_bf16(const float* x, std::int64_t plane, std::uint16_t* y,
                                      std::int64_t width) noexcept {
  const auto pixels = [&](const float* red, std::uint16_t* to) {
    const uint16x8x4_t channels = {
        {narrow(load(red)), narrow(load(red + plane)), narrow(load(red + 2 * plane)), vdupq_n_u16(0)}};
    vst4q_u16(to, channels);
  };
  std::int64_t w = 0;
  for (; w + 8 <= width; w += 8) pixels(x + w, y + 4 * w);
  if (w == width) return;
  const std::int64_t left = width - w;
  std::uint16_t last[32];
  const uint16x8x4_t channels = {{narrow(load_first(left, x + w)), narrow(load_first(left, x + plane + w)),
                                  narrow(load_first(left, x + 2 * plane + w)), vdupq_n_u16(0)}};
  vst4q_u16(last, channels);
  for (std::int64_t i = 0; i < 4 * left; ++i) y[4 * w + i] = last[i];
}

}  // namespace wherry::kernels
