// Grouped convolution micro-kernels for bf16 images on NEON with BF16: vectors of eight channels in two registers, so
// that two groups of four fit. Depthwise ones have a file of their own.

#include <arm_neon.h>

#include <cstdint>

#include "kernels/convolution/window_kernels.h"

namespace wherry::kernels {
namespace {

#include "kernels/vector_neon_bf16.inc"

struct Vector {
  static constexpr int kLanes = 8;
  using Type = Eight;
  using Mask = std::int64_t;  ///< lanes

  static Mask mask(std::int64_t lanes) { return lanes < kLanes ? lanes : kLanes; }
  static Type zero() { return splat(0); }
  static Type broadcast(float x) { return splat(x); }
  static Type load(const float* p) { return kernels::load(p); }
  static Type load(const float* p, Mask m) { return m == kLanes ? kernels::load(p) : load_first(m, p); }
  static Type load_aligned(const float* p) { return kernels::load(p); }
  static Type add(Type a, Type b) { return kernels::add(a, b); }
  static Type fma(Type a, Type b, Type c) { return multiply_add(a, b, c); }
  static Type clamp(Type x, Type low, Type high) { return minimum(maximum(x, low), high); }

  /// Of the bytes of each lane.
  struct Index {
    uint8x16_t low, high;
  };
  static Index load_index(const std::int32_t* p) {
    const auto bytes = [](const std::int32_t* four) {
      const uint32x4_t lanes = vreinterpretq_u32_s32(vld1q_s32(four));
      return vreinterpretq_u8_u32(vmlaq_n_u32(vdupq_n_u32(0x03020100), lanes, 0x04040404));
    };
    return {bytes(p), bytes(p + 4)};
  }
  /// Lane i of the result is lane index[i] of x.
  static Type permute(Type x, Index index) {
    const uint8x16x2_t bytes = {{vreinterpretq_u8_f32(x.low), vreinterpretq_u8_f32(x.high)}};
    return {vreinterpretq_f32_u8(vqtbl2q_u8(bytes, index.low)), vreinterpretq_f32_u8(vqtbl2q_u8(bytes, index.high))};
  }
};

using Element = std::uint16_t;

inline Eight load_x(const Element* x) { return load(x); }
inline Eight load_x(const Element* x, Vector::Mask mask) {
  return mask == Vector::kLanes ? load(x) : load_first(mask, x);
}
inline Eight load_residual(const WindowTask& task, std::int64_t at, Vector::Mask mask) {
  if (task.residual_is_bf16) return load_x(static_cast<const Element*>(task.residual) + at, mask);
  return Vector::load(static_cast<const float*>(task.residual) + at, mask);
}
template <class Y>
inline void store_lanes(void* y, std::int64_t at, Eight x, Vector::Mask mask) {
  Y* const to = static_cast<Y*>(y) + at;
  mask == Vector::kLanes ? store(to, x) : store_first(mask, to, x);
}
inline void store_y(const WindowTask& task, std::int64_t at, Eight y, Vector::Mask mask) {
  task.y_is_bf16 ? store_lanes<Element>(task.y, at, y, mask) : store_lanes<float>(task.y, at, y, mask);
}

#include "kernels/convolution/windows.inc"

}  // namespace

#define WHERRY_WINDOW_scalar(kind, lanes, pixels)
#define WHERRY_WINDOW_neon(kind, lanes, pixels)
#define WHERRY_WINDOW_sve(kind, lanes, pixels)
#define WHERRY_WINDOW_neon_bf16(kind, lanes, pixels)                    \
  static_assert(lanes == Vector::kLanes && pixels <= kMaxWindowPixels); \
  extern const WindowKernels kWindow_##kind##_neon_bf16;                \
  constinit const WindowKernels kWindow_##kind##_neon_bf16 = table_##kind<pixels>();
#define WHERRY_WINDOW(kind, isa, lanes, pixels) WHERRY_WINDOW_##isa(kind, lanes, pixels)
#include "kernels/convolution/kernels.inc"

}  // namespace wherry::kernels
