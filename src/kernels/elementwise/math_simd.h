// Elementary functions on fp32 vectors, for every instruction set that Highway knows. Included only by files compiled
// for one instruction set, inside their own anonymous namespace; so it has no include guard and no namespace of its
// own (tile_simd.h and softmax_simd.h do so).
//
// elementwise_test.cc holds these error bounds against fp80, over samples of all floats and densely around 0; the
// polynomials are minimax fits (Remez; erf: a rational least-squares fit, reweighted towards equal errors) made for
// these intervals.
//   exp, exp2 ≤ 1.5 ulp   expm1, log, log1p, log2 ≤ 2.5 ulp   tanh, sigmoid ≤ 3 ulp   erf ≤ 4e-7 absolute, 6 ulp
// Infinities and NaN come out as IEEE functions give them; results below the normal range round as denormals.

#include "kernels/simd_ops.h"

template <class D>
using Vector = hn::Vec<D>;

/// c[0] + x·(c[1] + x·(…)).
template <class D, class V>
HWY_INLINE V horner(D d, V x, float c0, float c1) {
  return hn::MulAdd(hn::Set(d, c1), x, hn::Set(d, c0));
}
template <class D, class V, class... Rest>
HWY_INLINE V horner(D d, V x, float c0, float c1, float c2, Rest... rest) {
  return hn::MulAdd(horner(d, x, c1, c2, rest...), x, hn::Set(d, c0));
}

/// y·2ⁿ for whole n in [−252, 254], y in [1/2, 2].
template <class D, class V>
HWY_INLINE V scale_by_power([[maybe_unused]] D d, V y, V n) {
#if HWY_TARGET == HWY_AVX3
  return V{_mm512_scalef_ps(y.raw, n.raw)};
#elif HWY_TARGET == HWY_SVE
  return svscale_f32_x(svptrue_b32(), y, hn::ConvertTo(hn::RebindToSigned<D>(), n));
#else
  const hn::RebindToSigned<D> di;
  const auto whole = hn::NearestInt(n);
  const auto half = hn::ShiftRight<1>(whole);
  const auto bias = hn::Set(di, 127);
  const V first = hn::BitCast(d, hn::ShiftLeft<23>(hn::Add(half, bias)));
  const V second = hn::BitCast(d, hn::ShiftLeft<23>(hn::Add(hn::Sub(whole, half), bias)));
  return hn::Mul(hn::Mul(y, first), second);
#endif
}

/// Smaller and larger of a constant and x; NaN where x is NaN.
template <class D, class V>
HWY_INLINE V at_most(D d, float limit, V x) {
  return minimum(hn::Set(d, limit), x);
}
template <class D, class V>
HWY_INLINE V at_least(D d, float limit, V x) {
  return maximum(hn::Set(d, limit), x);
}

/// 1/x for normal x, within 1.5 ulp: where a division keeps its unit busy for sixteen cycles, an approximation and a
/// Newton step take four.
template <class D, class V>
HWY_INLINE V reciprocal(D d, V x) {
#if HWY_TARGET == HWY_AVX3
  const V y = V{_mm512_maskz_rcp14_ps(0xFFFF, x.raw)};
  return hn::MulAdd(hn::NegMulAdd(x, y, hn::Set(d, 1.0f)), y, y);
#else
  return hn::Div(hn::Set(d, 1.0f), x);
#endif
}

/// n = the whole number nearest to x / ln 2, and x − n·ln 2.
template <class D, class V>
HWY_INLINE V reduce_by_ln2(D d, V x, V& n) {
  n = hn::Round(hn::Mul(x, hn::Set(d, 1.44269504f)));
  const V r = hn::NegMulAdd(n, hn::Set(d, 0.693359375f), x);
  return hn::NegMulAdd(n, hn::Set(d, -2.12194440e-4f), r);
}

/// eʳ for |r| ≤ ln 2 / 2.
template <class D, class V>
HWY_INLINE V exp_reduced(D d, V r) {
  const V p = horner(d, r, 0.49999994f, 0.16666521f, 0.041668389f, 0.0083687101f, 0.0013814609f);
  return hn::Add(hn::MulAdd(hn::Mul(r, r), p, r), hn::Set(d, 1.0f));
}

template <class D, class V>
HWY_INLINE V exp(D d, V x) {
  V n;
  const V r = reduce_by_ln2(d, at_least(d, -104.0f, at_most(d, 89.0f, x)), n);
  return scale_by_power(d, exp_reduced(d, r), n);
}

/// exp for x ≤ 0, cheaper: results below the normal range are 0.
template <class D, class V>
HWY_INLINE V exp_nonpositive(D d, V x) {
#if HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_SVE
  V n;
  const V r = reduce_by_ln2(d, at_least(d, -104.0f, x), n);
  return scale_by_power(d, exp_reduced(d, r), n);
#else
  V n;
  const hn::RebindToSigned<D> di;
  const V r = reduce_by_ln2(d, at_least(d, -87.0f, x), n);
  const V power = hn::BitCast(d, hn::ShiftLeft<23>(hn::Add(hn::NearestInt(n), hn::Set(di, 127))));
  return hn::IfThenZeroElse(hn::Lt(x, hn::Set(d, -87.0f)), hn::Mul(exp_reduced(d, r), power));
#endif
}

template <class D, class V>
HWY_INLINE V exp2(D d, V x) {
  const V limited = at_least(d, -151.0f, at_most(d, 129.0f, x));
  const V n = hn::Round(limited);
  return scale_by_power(d, exp_reduced(d, hn::Mul(hn::Sub(limited, n), hn::Set(d, 0.693147181f))), n);
}

/// eˣ − 1, without cancellation: 2ⁿ(eʳ − 1) + (2ⁿ − 1), halved while it could overflow.
template <class D, class V>
HWY_INLINE V expm1(D d, V x) {
  V n;
  const V r = reduce_by_ln2(d, at_least(d, -25.0f, at_most(d, 89.0f, x)), n);
  const V p = horner(d, r, 0.49999997f, 0.16666543f, 0.0416672f, 0.0083665140f, 0.0013882531f);
  const V e = hn::MulAdd(hn::Mul(r, r), p, r);
  const hn::RebindToSigned<D> di;
  const V half = hn::BitCast(d, hn::ShiftLeft<23>(hn::Add(hn::NearestInt(n), hn::Set(di, 126))));  // 2ⁿ⁻¹
  const V y = hn::MulAdd(half, e, hn::Sub(half, hn::Set(d, 0.5f)));
  return hn::Add(y, y);
}

template <class D, class V>
HWY_INLINE V tanh(D d, V x) {
  const V two = hn::Set(d, 2.0f);
  const V t = expm1(d, at_most(d, 20.0f, hn::Mul(hn::Abs(x), two)));
  return hn::CopySignToAbs(hn::Mul(t, reciprocal(d, hn::Add(t, two))), x);
}

template <class D, class V>
HWY_INLINE V sigmoid(D d, V x) {
  const V one = hn::Set(d, 1.0f);
  return hn::Div(one, hn::Add(one, exp(d, hn::Neg(x))));
}

/// x·P(x²)/Q(x²) up to 3.924; from there on erf rounds to 1, and is that exactly, so that 1 + erf of −∞ is 0.
template <class D, class V>
HWY_INLINE V erf(D d, V x) {
  const V one = hn::Set(d, 1.0f), last = hn::Set(d, 3.924f);
  const auto beyond = hn::Ge(hn::Abs(x), last);
  const V a = at_most(d, 3.924f, hn::Abs(x));
  const V t = hn::Mul(a, a);
  const V p = horner(d, t, 1.1283791f, 0.19056605f, 0.052766133f, 0.0037714862f, 0.00028484184f, 2.0465434e-06f);
  const V q = horner(d, t, 1.0f, 0.50221753f, 0.11417172f, 0.014981065f, 0.0011636402f, 3.8053000e-05f);
  return hn::CopySignToAbs(hn::IfThenElse(beyond, one, at_most(d, 1.0f, hn::Mul(hn::Mul(a, p), reciprocal(d, q)))), x);
}

/// x/2 · (1 + erf(x/√2)), and with tanh as an approximation of that erf.
template <class D, class V>
HWY_INLINE V gelu(D d, V x) {
  const V half = hn::Mul(x, hn::Set(d, 0.5f));
  return hn::MulAdd(half, erf(d, hn::Mul(x, hn::Set(d, 0.707106781f))), half);
}
template <class D, class V>
HWY_INLINE V gelu_tanh(D d, V x) {
  const V half = hn::Mul(x, hn::Set(d, 0.5f));
  const V cubic = hn::MulAdd(hn::Mul(hn::Set(d, 0.044715f), hn::Mul(x, x)), x, x);
  return hn::MulAdd(half, tanh(d, hn::Mul(cubic, hn::Set(d, 0.797884561f))), half);
}

/// log m for x = m·2ᵉ, √½ ≤ m < √2, as f + rest (f = m − 1 is exact); e.
template <class D, class V>
HWY_INLINE V log_parts(D d, V x, V& f, V& e) {
  const hn::RebindToSigned<D> di;
  const auto tiny = hn::Lt(x, hn::Set(d, 1.17549435e-38f));
  const V normal = hn::IfThenElse(tiny, hn::Mul(x, hn::Set(d, 33554432.0f)), x);
  const auto bits = hn::BitCast(di, normal);
  const auto exponent = hn::ShiftRight<23>(hn::Sub(bits, hn::Set(di, 0x3f3504f3)));
  const V m = hn::BitCast(d, hn::Sub(bits, hn::ShiftLeft<23>(exponent)));
  e = hn::ConvertTo(d, exponent);
  e = hn::IfThenElse(tiny, hn::Sub(e, hn::Set(d, 25.0f)), e);
  f = hn::Sub(m, hn::Set(d, 1.0f));
  const V p = horner(d, f, 0.33333331f, -0.2500082f, 0.20001227f, -0.16623358f, 0.14201759f, -0.13160166f, 0.12761571f,
                     -0.076345302f);
  return hn::Mul(hn::Mul(hn::Mul(f, f), f), p);
}

/// What log and log2 give outside of (0, ∞).
template <class D, class V>
HWY_INLINE V log_edges(D d, V x, V y) {
  const V infinity = hn::Inf(d);
  y = hn::IfThenElse(hn::Lt(x, infinity), y, x);  // +∞ and NaN
  y = hn::IfThenElse(hn::Eq(x, hn::Zero(d)), hn::Neg(infinity), y);
  return hn::IfThenElse(hn::Lt(x, hn::Zero(d)), hn::NaN(d), y);
}

template <class D, class V>
HWY_INLINE V log(D d, V x) {
  V f, e;
  V y = log_parts(d, x, f, e);
  y = hn::MulAdd(e, hn::Set(d, -2.12194440e-4f), y);
  y = hn::NegMulAdd(hn::Mul(f, f), hn::Set(d, 0.5f), y);
  y = hn::MulAdd(e, hn::Set(d, 0.693359375f), hn::Add(f, y));
  return log_edges(d, x, y);
}

/// Exact at powers of two.
template <class D, class V>
HWY_INLINE V log2(D d, V x) {
  V f, e;
  V y = log_parts(d, x, f, e);
  y = hn::Add(f, hn::NegMulAdd(hn::Mul(f, f), hn::Set(d, 0.5f), y));
  return log_edges(d, x, hn::MulAdd(y, hn::Set(d, 1.44269504f), e));
}

/// log(u) + (x − (u − 1))/u with u = 1 + x: the second term puts back what rounding u took.
template <class D, class V>
HWY_INLINE V log1p(D d, V x) {
  const V one = hn::Set(d, 1.0f);
  const V u = hn::Add(one, x);
  const auto ordinary = hn::And(hn::Gt(u, hn::Zero(d)), hn::Lt(u, hn::Inf(d)));
  const V lost = hn::IfThenElseZero(ordinary, hn::Div(hn::Sub(x, hn::Sub(u, one)), u));
  return hn::IfThenElse(hn::Eq(u, one), x, hn::Add(log(d, u), lost));
}
