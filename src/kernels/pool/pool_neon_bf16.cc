// Pooling windows of bf16 images on NEON, 8 channels a load. Maxima are fp32's too: AArch64's gives NaN where either
// number is one, and what comes out is what went in.

#include <arm_neon.h>

#include <cstdint>

#include "kernels/pool/pool_kernels.h"

namespace wherry::kernels {
namespace {

#include "kernels/vector_neon_bf16.inc"

struct Maximum {
  static Eight start() { return splat(-__builtin_inff()); }
  static Eight take(Eight y, Eight x) { return maximum(y, x); }
  static Eight result(Eight y, float) { return y; }
};

struct Sum {
  static Eight start() { return splat(0); }
  static Eight take(Eight y, Eight x) { return add(y, x); }
  static Eight result(Eight y, float scale) { return multiply(y, splat(scale)); }
};

/// kVectors vectors of channels at once keep as many independent chains going.
template <class Op, int kVectors>
inline void vectors(std::uint16_t* y, const PoolWindow& w, std::int64_t channel, float scale) {
  Eight value[kVectors];
#pragma GCC unroll 4
  for (int v = 0; v < kVectors; ++v) value[v] = Op::start();
  for (std::int64_t i = 0; i < w.rows; ++i) {
    const std::uint16_t* x = static_cast<const std::uint16_t*>(w.x) + i * w.row_stride + channel;
    for (std::int64_t j = w.columns; j > 0; --j, x += w.column_stride) {
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v) value[v] = Op::take(value[v], load(x + 8 * v));
    }
  }
#pragma GCC unroll 4
  for (int v = 0; v < kVectors; ++v) store(y + channel + 8 * v, Op::result(value[v], scale));
}

template <class Op>
inline void tail(std::uint16_t* y, const PoolWindow& w, std::int64_t channel, std::int64_t count, float scale) {
  Eight value = Op::start();
  for (std::int64_t i = 0; i < w.rows; ++i) {
    const std::uint16_t* x = static_cast<const std::uint16_t*>(w.x) + i * w.row_stride + channel;
    for (std::int64_t j = w.columns; j > 0; --j, x += w.column_stride) value = Op::take(value, load_first(count, x));
  }
  store_first(count, y + channel, Op::result(value, scale));
}

template <class Op>
inline void window(void* to, const PoolWindow& w, std::int64_t channels, float scale) {
  auto* y = static_cast<std::uint16_t*>(to);
  std::int64_t c = 0;
  for (; c + 32 <= channels; c += 32) vectors<Op, 4>(y, w, c, scale);
  for (; c + 8 <= channels; c += 8) vectors<Op, 1>(y, w, c, scale);
  if (c < channels) tail<Op>(y, w, c, channels - c, scale);
}

void max_window(void* y, const PoolWindow& w, std::int64_t channels) noexcept { window<Maximum>(y, w, channels, 1.0f); }

void sum_window(void* y, const PoolWindow& w, std::int64_t channels, float scale) noexcept {
  window<Sum>(y, w, channels, scale);
}

}  // namespace

extern const PoolKernels kPoolNeonBf16;
constinit const PoolKernels kPoolNeonBf16 = {max_window, sum_window};

}  // namespace wherry::kernels
