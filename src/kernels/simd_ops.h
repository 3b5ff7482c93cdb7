// Operations on fp32 vectors that Highway defines more loosely than kernels need: loads and stores of a vector's first
// lanes that touch no memory past them (on NEON its own touch the whole vector), and minimum and maximum that let a NaN
// through. Included inside an anonymous namespace that has hn, without an include guard, as math_simd.h is.

/// b where either is NaN on x86, NaN on AArch64.
template <class V>
HWY_INLINE V maximum(V a, V b) {
#if HWY_TARGET == HWY_NEON
  return V(vmaxq_f32(a.raw, b.raw));
#elif HWY_TARGET == HWY_SVE
  return svmax_f32_x(svptrue_b32(), a, b);
#else
  return hn::Max(a, b);
#endif
}
template <class V>
HWY_INLINE V minimum(V a, V b) {
#if HWY_TARGET == HWY_NEON
  return V(vminq_f32(a.raw, b.raw));
#elif HWY_TARGET == HWY_SVE
  return svmin_f32_x(svptrue_b32(), a, b);
#else
  return hn::Min(a, b);
#endif
}

#if HWY_TARGET == HWY_NEON
#include "kernels/first_lanes_neon.inc"

/// How many lanes are in a mask of the first ones.
HWY_INLINE std::int64_t lanes_in(hn::Mask<hn::ScalableTag<float>> mask) {
  return -static_cast<std::int64_t>(vaddvq_s32(vreinterpretq_s32_u32(mask.raw)));
}
#endif

/// Zero in the other lanes.
HWY_INLINE hn::Vec<hn::ScalableTag<float>> masked_load(hn::Mask<hn::ScalableTag<float>> first,
                                                       [[maybe_unused]] hn::ScalableTag<float> d, const float* p) {
#if HWY_TARGET == HWY_NEON
  return hn::Vec<hn::ScalableTag<float>>(load_lanes(p, lanes_in(first)));
#else
  return hn::MaskedLoad(first, d, p);
#endif
}

HWY_INLINE void masked_store(hn::Vec<hn::ScalableTag<float>> x, hn::Mask<hn::ScalableTag<float>> first,
                             [[maybe_unused]] hn::ScalableTag<float> d, float* p) {
#if HWY_TARGET == HWY_NEON
  store_lanes(p, x.raw, lanes_in(first));
#else
  hn::BlendedStore(x, first, d, p);
#endif
}
