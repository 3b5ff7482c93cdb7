// Softmax of a dense row for one instruction set: softmax_<isa>.cc defines WHERRY_SOFTMAX_TABLE and
// includes this. Three passes over a row that stays in L1: maximum, exponentials and their sum, scaling.

#define HWY_DISABLE_PCLMUL_AES  // base/cpu.h does not promise them
#include <hwy/highway.h>

#include "kernels/softmax/softmax_kernels.h"

HWY_BEFORE_NAMESPACE();
namespace wherry::kernels {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

#include "kernels/elementwise/math_simd.h"

using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;

/// A NaN in the row may get lost here; its exponential is NaN all the same, and so is the sum.
HWY_INLINE V row_maximum(const float* x, std::int64_t n) {
  const D d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  const V lowest = hn::Set(d, -__builtin_inff());
  V m0 = lowest, m1 = lowest, m2 = lowest, m3 = lowest;
  std::int64_t i = 0;
  for (; i + 4 * lanes <= n; i += 4 * lanes) {
    m0 = maximum(m0, hn::LoadU(d, x + i));
    m1 = maximum(m1, hn::LoadU(d, x + i + lanes));
    m2 = maximum(m2, hn::LoadU(d, x + i + 2 * lanes));
    m3 = maximum(m3, hn::LoadU(d, x + i + 3 * lanes));
  }
  for (; i + lanes <= n; i += lanes) m0 = maximum(m0, hn::LoadU(d, x + i));
  if (i < n) {
    const auto tail = hn::FirstN(d, static_cast<std::size_t>(n - i));
    m1 = maximum(m1, hn::IfThenElse(tail, masked_load(tail, d, x + i), lowest));
  }
  return hn::MaxOfLanes(d, maximum(maximum(m0, m1), maximum(m2, m3)));
}

/// Σ exp(x − m), and the exponentials to y where `keep`.
template <bool keep>
HWY_INLINE V row_exponentials(float* y, const float* x, std::int64_t n, V m) {
  const D d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  V s0 = hn::Zero(d), s1 = hn::Zero(d);
  std::int64_t i = 0;
  for (; i + 2 * lanes <= n; i += 2 * lanes) {
    const V e0 = exp_nonpositive(d, hn::Sub(hn::LoadU(d, x + i), m));
    const V e1 = exp_nonpositive(d, hn::Sub(hn::LoadU(d, x + i + lanes), m));
    s0 = hn::Add(s0, e0);
    s1 = hn::Add(s1, e1);
    if (keep) hn::StoreU(e0, d, y + i);
    if (keep) hn::StoreU(e1, d, y + i + lanes);
  }
  for (; i < n; i += lanes) {
    const auto tail = hn::FirstN(d, static_cast<std::size_t>(n - i));
    const V e = hn::IfThenElseZero(tail, exp_nonpositive(d, hn::Sub(masked_load(tail, d, x + i), m)));
    s0 = hn::Add(s0, e);
    if (keep) masked_store(e, tail, d, y + i);
  }
  return hn::SumOfLanes(d, hn::Add(s0, s1));
}

void softmax_row(float* y, const float* x, std::int64_t n) noexcept {
  const D d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  const V sum = row_exponentials<true>(y, x, n, row_maximum(x, n));
  const V scale = hn::Div(hn::Set(d, 1.0f), sum);
  std::int64_t i = 0;
  for (; i + lanes <= n; i += lanes) hn::StoreU(hn::Mul(hn::LoadU(d, y + i), scale), d, y + i);
  if (i == n) return;
  const auto tail = hn::FirstN(d, static_cast<std::size_t>(n - i));
  masked_store(hn::Mul(masked_load(tail, d, y + i), scale), tail, d, y + i);
}

void log_softmax_row(float* y, const float* x, std::int64_t n) noexcept {
  const D d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  const V m = row_maximum(x, n);
  const V log_sum = log(d, row_exponentials<false>(y, x, n, m));
  std::int64_t i = 0;
  for (; i + lanes <= n; i += lanes) hn::StoreU(hn::Sub(hn::Sub(hn::LoadU(d, x + i), m), log_sum), d, y + i);
  if (i == n) return;
  const auto tail = hn::FirstN(d, static_cast<std::size_t>(n - i));
  masked_store(hn::Sub(hn::Sub(masked_load(tail, d, x + i), m), log_sum), tail, d, y + i);
}

}  // namespace

constinit const SoftmaxKernels WHERRY_SOFTMAX_TABLE = {softmax_row, log_softmax_row};

}  // namespace wherry::kernels
HWY_AFTER_NAMESPACE();
