// Reductions of fp32 rows and columns, and sums of bf16 ones, for one instruction set: reduction_<isa>.cc
// defines WHERRY_REDUCTION_TABLE and includes this. Sums take at most 16 values in fp32 before they
// go on in fp64.

#define HWY_DISABLE_PCLMUL_AES  // base/cpu.h does not promise them
#include <hwy/highway.h>

#include "kernels/reduction/reduction_kernels.h"

HWY_BEFORE_NAMESPACE();
namespace wherry::kernels {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

#include "kernels/simd_ops.h"

using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;
using D64 = hn::ScalableTag<double>;
using V64 = hn::Vec<D64>;

constexpr std::int64_t kShortSum = 16;

HWY_INLINE V64 lower(V x) { return hn::PromoteTo(D64(), hn::LowerHalf(x)); }
HWY_INLINE V64 upper(V x) { return hn::PromoteTo(D64(), hn::UpperHalf(hn::Half<D>(), x)); }

HWY_INLINE V load(const float* x) { return hn::LoadU(D(), x); }
HWY_INLINE V load(const std::uint16_t* x) {
  const hn::RebindToUnsigned<D> d32;
  return hn::BitCast(D(), hn::ShiftLeft<16>(hn::PromoteTo(d32, hn::LoadU(hn::Rebind<std::uint16_t, D>(), x))));
}
/// The first n, less than a vector; the other lanes are 0.
HWY_INLINE V load(const float* x, std::int64_t n) {
  return masked_load(hn::FirstN(D(), static_cast<std::size_t>(n)), D(), x);
}
HWY_INLINE V load(const std::uint16_t* x, std::int64_t n) {
  std::uint16_t values[HWY_LANES(float)] = {};
  for (std::int64_t i = 0; i < n; ++i) values[i] = x[i];
  return load(values);
}

template <class T>
double sum_row(const T* x, std::int64_t n) noexcept {
  const D d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  V64 low = hn::Zero(D64()), high = low;
  std::int64_t i = 0;
  for (; i + kShortSum * lanes <= n; i += kShortSum * lanes) {
    V s0 = load(x + i), s1 = load(x + i + lanes), s2 = load(x + i + 2 * lanes), s3 = load(x + i + 3 * lanes);
    for (std::int64_t k = 4; k < kShortSum; k += 4) {
      s0 = hn::Add(s0, load(x + i + k * lanes));
      s1 = hn::Add(s1, load(x + i + (k + 1) * lanes));
      s2 = hn::Add(s2, load(x + i + (k + 2) * lanes));
      s3 = hn::Add(s3, load(x + i + (k + 3) * lanes));
    }
    const V sum = hn::Add(hn::Add(s0, s1), hn::Add(s2, s3));
    low = hn::Add(low, lower(sum));
    high = hn::Add(high, upper(sum));
  }
  V rest = hn::Zero(d);
  for (; i + lanes <= n; i += lanes) rest = hn::Add(rest, load(x + i));
  if (i < n) rest = hn::Add(rest, load(x + i, n - i));
  const V64 sum = hn::Add(hn::Add(low, lower(rest)), hn::Add(high, upper(rest)));
  return hn::GetLane(hn::SumOfLanes(D64(), sum));
}

/// x86's max and min give their second operand where either is NaN, so x's NaN comes through and y's is kept.
struct Maximum {
  static HWY_INLINE V step(V y, V x) { return hn::IfThenElse(hn::IsNaN(y), y, maximum(y, x)); }
};
struct Minimum {
  static HWY_INLINE V step(V y, V x) { return hn::IfThenElse(hn::IsNaN(y), y, minimum(y, x)); }
};

template <class Op>
float extreme_row(float start, const float* x, std::int64_t n) noexcept {
  const D d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  V y0 = hn::Set(d, start), y1 = y0, y2 = y0, y3 = y0;
  std::int64_t i = 0;
  for (; i + 4 * lanes <= n; i += 4 * lanes) {
    y0 = Op::step(y0, hn::LoadU(d, x + i));
    y1 = Op::step(y1, hn::LoadU(d, x + i + lanes));
    y2 = Op::step(y2, hn::LoadU(d, x + i + 2 * lanes));
    y3 = Op::step(y3, hn::LoadU(d, x + i + 3 * lanes));
  }
  for (; i + lanes <= n; i += lanes) y0 = Op::step(y0, hn::LoadU(d, x + i));
  if (i < n) {
    const auto tail = hn::FirstN(d, static_cast<std::size_t>(n - i));
    y1 = Op::step(y1, hn::IfThenElse(tail, masked_load(tail, d, x + i), y1));
  }
  const V y = Op::step(Op::step(y0, y1), Op::step(y2, y3));
  HWY_ALIGN float values[HWY_LANES(float)];
  hn::Store(y, d, values);
  float result = values[0];
  for (std::int64_t k = 1; k < lanes; ++k) {
    const V both = Op::step(hn::Set(d, result), hn::Set(d, values[k]));
    result = hn::GetLane(both);
  }
  return result;
}

template <class T>
void sum_columns(double* y, const T* x, std::int64_t stride, std::int64_t rows, std::int64_t columns) noexcept {
  const D d;
  const D64 d64;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  HWY_ALIGN double widened[HWY_LANES(float)];
  for (std::int64_t i = 0; i < rows; i += kShortSum, x += kShortSum * stride) {
    const std::int64_t count = rows - i < kShortSum ? rows - i : kShortSum;
    std::int64_t j = 0;
    for (; j + lanes <= columns; j += lanes) {
      V sum = load(x + j);
      for (std::int64_t k = 1; k < count; ++k) sum = hn::Add(sum, load(x + k * stride + j));
      hn::StoreU(hn::Add(hn::LoadU(d64, y + j), lower(sum)), d64, y + j);
      hn::StoreU(hn::Add(hn::LoadU(d64, y + j + lanes / 2), upper(sum)), d64, y + j + lanes / 2);
    }
    if (j == columns) continue;
    V sum = load(x + j, columns - j);
    for (std::int64_t k = 1; k < count; ++k) sum = hn::Add(sum, load(x + k * stride + j, columns - j));
    hn::Store(lower(sum), d64, widened);
    hn::Store(upper(sum), d64, widened + lanes / 2);
    for (std::int64_t k = 0; j + k < columns; ++k) y[j + k] += widened[k];
  }
}

template <class Op>
void extreme_columns(float* y, const float* x, std::int64_t stride, std::int64_t rows, std::int64_t columns) noexcept {
  const D d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  std::int64_t j = 0;
  for (; j + lanes <= columns; j += lanes) {
    V value = hn::LoadU(d, y + j);
    for (std::int64_t i = 0; i < rows; ++i) value = Op::step(value, hn::LoadU(d, x + i * stride + j));
    hn::StoreU(value, d, y + j);
  }
  if (j == columns) return;
  const auto tail = hn::FirstN(d, static_cast<std::size_t>(columns - j));
  V value = masked_load(tail, d, y + j);
  for (std::int64_t i = 0; i < rows; ++i) value = Op::step(value, masked_load(tail, d, x + i * stride + j));
  masked_store(value, tail, d, y + j);
}

}  // namespace

constinit const ReductionKernels WHERRY_REDUCTION_TABLE = {
    sum_row<float>,           extreme_row<Maximum>,     extreme_row<Minimum>,   sum_columns<float>,
    extreme_columns<Maximum>, extreme_columns<Minimum>, sum_row<std::uint16_t>, sum_columns<std::uint16_t>,
};

}  // namespace wherry::kernels
HWY_AFTER_NAMESPACE();
