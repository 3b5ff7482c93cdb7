// Normalisation of a block for one instruction set: normalization_<isa>.cc defines
// WHERRY_NORMALIZATION_TABLE and includes this. Three passes over a block that mostly stays in cache: mean, squared
// deviations, result.

#define HWY_DISABLE_PCLMUL_AES  // base/cpu.h does not promise them
#include <hwy/highway.h>

#include "kernels/normalization/normalization_kernels.h"

HWY_BEFORE_NAMESPACE();
namespace wherry::kernels {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

#include "kernels/simd_ops.h"

using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;

/// Σ f(x) over the block: each row in four chains, rows added up apart, so that no chain gets long.
template <class F>
HWY_INLINE float block_sum(const NormalizedBlock& b, F f) {
  const D d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  V total = hn::Zero(d);
  for (std::int64_t i = 0; i < b.rows; ++i) {
    const float* x = b.x + i * b.x_stride;
    V s0 = hn::Zero(d), s1 = s0, s2 = s0, s3 = s0;
    std::int64_t j = 0;
    for (; j + 4 * lanes <= b.columns; j += 4 * lanes) {
      s0 = hn::Add(s0, f(hn::LoadU(d, x + j)));
      s1 = hn::Add(s1, f(hn::LoadU(d, x + j + lanes)));
      s2 = hn::Add(s2, f(hn::LoadU(d, x + j + 2 * lanes)));
      s3 = hn::Add(s3, f(hn::LoadU(d, x + j + 3 * lanes)));
    }
    for (; j + lanes <= b.columns; j += lanes) s0 = hn::Add(s0, f(hn::LoadU(d, x + j)));
    if (j < b.columns) {
      const auto tail = hn::FirstN(d, static_cast<std::size_t>(b.columns - j));
      s1 = hn::Add(s1, hn::IfThenElseZero(tail, f(masked_load(tail, d, x + j))));
    }
    total = hn::Add(total, hn::Add(hn::Add(s0, s1), hn::Add(s2, s3)));
  }
  return hn::GetLane(hn::SumOfLanes(d, total));
}

/// (x − mean) · scale, · weight and + bias where there are such.
template <bool weighted, bool biased>
HWY_INLINE void write_row(float* y, const float* x, const float* weight, const float* bias, std::int64_t n, V mean,
                          V scale) {
  const D d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  const auto value = [&](V input, V w, V shift) HWY_ATTR {
    return hn::MulAdd(hn::Sub(input, mean), weighted ? hn::Mul(scale, w) : scale, shift);
  };
  std::int64_t j = 0;
  for (; j + lanes <= n; j += lanes) {
    const V w = weighted ? hn::LoadU(d, weight + j) : scale;
    const V shift = biased ? hn::LoadU(d, bias + j) : hn::Zero(d);
    hn::StoreU(value(hn::LoadU(d, x + j), w, shift), d, y + j);
  }
  if (j == n) return;
  const auto tail = hn::FirstN(d, static_cast<std::size_t>(n - j));
  const V w = weighted ? masked_load(tail, d, weight + j) : scale;
  const V shift = biased ? masked_load(tail, d, bias + j) : hn::Zero(d);
  masked_store(value(masked_load(tail, d, x + j), w, shift), tail, d, y + j);
}

/// The same with one weight and bias for the whole row.
HWY_INLINE void write_row(float* y, const float* x, std::int64_t n, V mean, V scale, V shift) {
  const D d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  std::int64_t j = 0;
  for (; j + lanes <= n; j += lanes) hn::StoreU(hn::MulAdd(hn::Sub(hn::LoadU(d, x + j), mean), scale, shift), d, y + j);
  if (j == n) return;
  const auto tail = hn::FirstN(d, static_cast<std::size_t>(n - j));
  masked_store(hn::MulAdd(hn::Sub(masked_load(tail, d, x + j), mean), scale, shift), tail, d, y + j);
}

void normalize(const NormalizedBlock& b) noexcept {
  const D d;
  const auto count = static_cast<float>(b.rows * b.columns);
  const float mean = block_sum(b, [](V x) HWY_ATTR { return x; }) / count;
  const V vmean = hn::Set(d, mean);
  const auto squared_deviation = [&vmean](V x) HWY_ATTR {
    const V deviation = hn::Sub(x, vmean);
    return hn::Mul(deviation, deviation);
  };
  const float variance = block_sum(b, squared_deviation) / count;
  const float scale = 1.0f / __builtin_sqrtf(variance + b.epsilon);
  const V vscale = hn::Set(d, scale);
  for (std::int64_t i = 0; i < b.rows; ++i) {
    float* y = b.y + i * b.y_stride;
    const float* x = b.x + i * b.x_stride;
    if (b.weights_by_row)
      write_row(y, x, b.columns, vmean, b.weight ? hn::Set(d, scale * b.weight[i]) : vscale,
                b.bias ? hn::Set(d, b.bias[i]) : hn::Zero(d));
    else if (b.weight && b.bias)
      write_row<true, true>(y, x, b.weight, b.bias, b.columns, vmean, vscale);
    else if (b.weight)
      write_row<true, false>(y, x, b.weight, nullptr, b.columns, vmean, vscale);
    else if (b.bias)
      write_row<false, true>(y, x, nullptr, b.bias, b.columns, vmean, vscale);
    else
      write_row<false, false>(y, x, nullptr, nullptr, b.columns, vmean, vscale);
  }
}

}  // namespace

constinit const NormalizationKernels WHERRY_NORMALIZATION_TABLE = {normalize};

}  // namespace wherry::kernels
HWY_AFTER_NAMESPACE();
