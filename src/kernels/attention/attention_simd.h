// What happens to a block of fp32 scores, for one instruction set: attention_<isa>.cc defines
// WHERRY_ATTENTION_TABLE and includes this. Two passes over a row that stays in L1: scale, mask and maximum;
// exponentials and their sum. What the row is divided by waits until the product with V.

#define HWY_DISABLE_PCLMUL_AES  // base/cpu.h does not promise them
#include <hwy/highway.h>

#include "kernels/attention/attention_kernels.h"

HWY_BEFORE_NAMESPACE();
namespace wherry::kernels {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

#include "kernels/elementwise/math_simd.h"

using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;
using M = hn::Mask<D>;

/// Rows are dense here: block_stride is the number of neighbours.
void softmax(const AttentionSoftmax& task) noexcept {
  const D d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  const V lowest = hn::Set(d, -__builtin_inff()), scale = hn::Set(d, task.scale);
  for (int r = 0; r < task.rows; ++r) {
    float* const x = task.scores + r * task.scores_lie.row_stride;
    const float* const mask = task.mask == nullptr ? nullptr : task.mask + r * task.mask_row_stride;
    std::int64_t n = task.visible + r * task.visible_step;
    n = n < 0 ? 0 : n > task.keys ? task.keys : n;

    V most = lowest;
    std::int64_t i = 0;
    for (; i + lanes <= n; i += lanes) {
      V s = hn::Mul(hn::LoadU(d, x + i), scale);
      if (mask != nullptr) s = hn::Add(s, hn::LoadU(d, mask + i));
      hn::StoreU(s, d, x + i);
      most = maximum(most, s);
    }
    if (i < n) {
      const M tail = hn::FirstN(d, static_cast<std::size_t>(n - i));
      V s = hn::Mul(masked_load(tail, d, x + i), scale);
      if (mask != nullptr) s = hn::Add(s, masked_load(tail, d, mask + i));
      masked_store(s, tail, d, x + i);
      most = maximum(most, hn::IfThenElse(tail, s, lowest));
    }

    const float before = task.greatest[r];
    const float here = hn::GetLane(hn::MaxOfLanes(d, most));
    const float greatest = before > here ? before : here;
    task.greatest[r] = greatest;
    // Where nothing is visible yet, weights are exp(−∞ − 0) = 0; their sum of 0 makes the row NaN in the end.
    const V shift = hn::Set(d, greatest == -__builtin_inff() ? 0.0f : greatest);
    const float correction = hn::GetLane(exp_nonpositive(d, hn::Sub(hn::Set(d, before), shift)));

    V s0 = hn::Zero(d);
    for (i = 0; i + lanes <= n; i += lanes) {
      const V e = exp_nonpositive(d, hn::Sub(hn::LoadU(d, x + i), shift));
      s0 = hn::Add(s0, e);
      hn::StoreU(e, d, x + i);
    }
    if (i < n) {
      const M tail = hn::FirstN(d, static_cast<std::size_t>(n - i));
      const V e = hn::IfThenElseZero(tail, exp_nonpositive(d, hn::Sub(masked_load(tail, d, x + i), shift)));
      s0 = hn::Add(s0, e);
      masked_store(e, tail, d, x + i);
    }
    for (i = n; i < task.padded_keys; ++i) x[i] = 0;
    task.sum[r] = task.sum[r] * correction + hn::GetLane(hn::SumOfLanes(d, s0));
    task.correction[r] = correction;
  }
}

void rescale(float* sums, const AttentionBlock& lie, const float* correction, int rows, std::int64_t columns) noexcept {
  const D d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  for (int r = 0; r < rows; ++r) {
    const V factor = hn::Set(d, correction[r]);
    float* const x = sums + r * lie.row_stride;
    // (Rows are padded to whole vectors.)
    for (std::int64_t i = 0; i < columns; i += lanes) hn::StoreU(hn::Mul(hn::LoadU(d, x + i), factor), d, x + i);
  }
}

void finish(const AttentionFinish& task) noexcept {
  const D d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  for (int r = 0; r < task.rows; ++r) {
    const V factor = hn::Set(d, 1.0f / task.weight_sums[r]);
    const float* const x = task.sums + r * task.sums_lie.row_stride;
    float* const y = static_cast<float*>(task.y) + r * task.y_row_stride;
    std::int64_t i = 0;
    for (; i + lanes <= task.columns; i += lanes) hn::StoreU(hn::Mul(hn::LoadU(d, x + i), factor), d, y + i);
    if (i < task.columns)
      masked_store(hn::Mul(hn::LoadU(d, x + i), factor), hn::FirstN(d, static_cast<std::size_t>(task.columns - i)), d,
                   y + i);
  }
}

HWY_INLINE float greatest(const float* x, std::int64_t n) {
  const D d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  V m0 = hn::Set(d, -__builtin_inff()), m1 = m0;
  std::int64_t i = 0;
  for (; i + 2 * lanes <= n; i += 2 * lanes) {
    m0 = maximum(hn::LoadU(d, x + i), m0);
    m1 = maximum(hn::LoadU(d, x + i + lanes), m1);
  }
  float most = hn::GetLane(hn::MaxOfLanes(d, maximum(m0, m1)));
  for (; i < n; ++i) most = x[i] > most ? x[i] : most;
  return most;
}

std::int64_t visible_keys(const float* mask, std::int64_t row_stride, std::int64_t rows, std::int64_t keys) noexcept {
  const D d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  std::int64_t visible = 0;
  for (std::int64_t r = 0; r < rows && visible < keys; ++r, mask += row_stride) {
    // NaN is not hidden, nor is a row that is low everywhere.
    const float limit = greatest(mask, keys) - kHiddenBelow;
    std::int64_t end = keys;
    while (end - lanes >= visible && hn::AllTrue(d, hn::Lt(hn::LoadU(d, mask + end - lanes), hn::Set(d, limit))))
      end -= lanes;
    while (end > visible && mask[end - 1] < limit) --end;
    visible = end;
  }
  return visible;
}

std::int64_t hidden_keys(const float* mask, std::int64_t row_stride, std::int64_t rows, std::int64_t keys) noexcept {
  const D d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  std::int64_t hidden = keys;
  for (std::int64_t r = 0; r < rows && hidden > 0; ++r, mask += row_stride) {
    const float limit = greatest(mask, keys) - kHiddenBelow;
    std::int64_t begin = 0;
    while (begin + lanes <= hidden && hn::AllTrue(d, hn::Lt(hn::LoadU(d, mask + begin), hn::Set(d, limit))))
      begin += lanes;
    while (begin < hidden && mask[begin] < limit) ++begin;
    hidden = begin;
  }
  return hidden;
}

#if HWY_TARGET == HWY_AVX3
constexpr __mmask16 kAll = 0xFFFF;

#include "kernels/attention/transpose_avx512.inc"

void pack_panel(const float* from, std::int64_t row_stride, std::int64_t keys, std::int64_t depth, std::int64_t width,
                float* to) noexcept {
  for (std::int64_t e = 0; e < depth; e += 16) {
    const std::int64_t left = depth - e;
    const auto there = static_cast<__mmask16>(left >= 16 ? 0xFFFFu : (1u << left) - 1u);
    for (std::int64_t first = 0; first < width; first += 16) {
      __m512i rows[16];
#pragma GCC unroll 16
      for (int r = 0; r < 16; ++r)
        rows[r] = _mm512_maskz_loadu_epi32(first + r < keys ? there : 0, from + (first + r) * row_stride + e);
      transpose(rows);
#pragma GCC unroll 16
      for (int r = 0; r < 16; ++r)
        if (r < left) _mm512_store_si512(to + (e + r) * width + first, rows[r]);
    }
  }
}
#else
constexpr void (*pack_panel)(const float*, std::int64_t, std::int64_t, std::int64_t, std::int64_t,
                             float*) noexcept = nullptr;
#endif

}  // namespace

constinit const AttentionKernels WHERRY_ATTENTION_TABLE = {softmax,    rescale, finish,  visible_keys, hidden_keys,
                                                           pack_panel, nullptr, nullptr, nullptr};

}  // namespace wherry::kernels
HWY_AFTER_NAMESPACE();
