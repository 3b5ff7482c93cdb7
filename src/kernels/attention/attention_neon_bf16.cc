// What bf16 attention does between its products on NEON: softmax of fp32 scores to bf16 weights, and operands in the
// order of BFMMLA, four elements of depth at a time.

#include <arm_neon.h>

#include <cstdint>

#include "kernels/attention/attention_kernels.h"

namespace wherry::kernels {
namespace {

#include "kernels/vector_neon_bf16.inc"

constexpr int kStep = 4;
/// From one step of the depth to the next, in elements.
constexpr std::int64_t kRowsStep = std::int64_t{kAttentionRows} * kStep;

/// eˣ for x ≤ 0 within 1e-4, which vanishes in bf16: 2ᶠ · 2ⁿ with n the whole number next to x / ln 2 and f the rest, a
/// minimax polynomial on [-1/2, 1/2]. NaN passes.
inline float32x4_t exp_nonpositive(float32x4_t x) {
  // In a sum with this number the lowest bits are n + 127: as an exponent 2ⁿ, or 0 for n = −127.
  const float32x4_t round = vdupq_n_f32(0x1.8p23f + 127), per_ln2 = vdupq_n_f32(1.44269504f);
  x = vmaxq_f32(x, vdupq_n_f32(-88.029692f));
  const float32x4_t rounded = vfmaq_f32(round, x, per_ln2);
  const float32x4_t f = vfmaq_f32(vsubq_f32(round, rounded), x, per_ln2);
  float32x4_t p = vfmaq_f32(vdupq_n_f32(0.24261112f), f, vdupq_n_f32(0.05517167f));
  p = vfmaq_f32(vdupq_n_f32(0.69326099f), p, f);
  p = vfmaq_f32(vdupq_n_f32(0.99992807f), p, f);
  return vmulq_f32(p, vreinterpretq_f32_s32(vshlq_n_s32(vreinterpretq_s32_f32(rounded), 23)));
}

/// The first `count` of four lanes of x, −∞ in the others.
inline float32x4_t first_of(std::int64_t count, float32x4_t x) {
  const int32x4_t lanes = {0, 1, 2, 3};
  return vbslq_f32(vcltq_s32(lanes, vdupq_n_s32(static_cast<int>(count))), x, vdupq_n_f32(-__builtin_inff()));
}

inline float32x4_t load_mask(std::int64_t count, const float* mask) {
  if (count >= 4) return vld1q_f32(mask);
  float lanes[4] = {};
  for (std::int64_t i = 0; i < count; ++i) lanes[i] = mask[i];
  return vld1q_f32(lanes);
}

/// Scales and masks a row's first n scores where they lie; the rest of its last four become −∞. Returns the greatest.
template <bool kMasked>
inline float scale_row(float* x, std::int64_t block_stride, const float* mask, std::int64_t n, float scale) {
  float32x4_t greatest[2] = {vdupq_n_f32(-__builtin_inff()), vdupq_n_f32(-__builtin_inff())};
  const auto four = [&](float* at, std::int64_t key, std::int64_t count, float32x4_t& most) {
    float32x4_t s = vmulq_n_f32(vld1q_f32(at), scale);
    if constexpr (kMasked) s = vaddq_f32(s, load_mask(count, mask + key));
    if (count < 4) s = first_of(count, s);
    vst1q_f32(at, s);
    most = vmaxq_f32(most, s);
  };
  for (std::int64_t first = 0; first < n; first += kAttentionColumns, x += block_stride) {
    const std::int64_t left = n - first;
    std::int64_t i = 0;
    for (; i < kAttentionColumns && i + 8 <= left; i += 8) {
      four(x + i, first + i, 4, greatest[0]);
      four(x + i + 4, first + i + 4, 4, greatest[1]);
    }
    for (; i < kAttentionColumns && i < left; i += 4) four(x + i, first + i, left - i < 4 ? left - i : 4, greatest[0]);
  }
  return vmaxvq_f32(vmaxq_f32(greatest[0], greatest[1]));
}

/// Weights of a row's first n scores less `shift`; returns their sum.
inline float weigh_row(const float* x, std::int64_t block_stride, std::int64_t n, std::int64_t padded, float shift,
                       std::uint16_t* weights) {
  const float32x4_t greatest = vdupq_n_f32(shift);
  float32x4_t sum[2] = {vdupq_n_f32(0), vdupq_n_f32(0)};
  const auto four = [&](const float* at, float32x4_t& total) {
    const float32x4_t e = exp_nonpositive(vsubq_f32(vld1q_f32(at), greatest));
    total = vaddq_f32(total, e);
    vst1_u16(weights, vreinterpret_u16_bf16(vcvt_bf16_f32(e)));
    weights += kRowsStep;
  };
  for (std::int64_t first = 0; first < n; first += kAttentionColumns, x += block_stride) {
    const std::int64_t left = n - first;
    std::int64_t i = 0;
    for (; i < kAttentionColumns && i + 4 < left; i += 8) four(x + i, sum[0]), four(x + i + 4, sum[1]);
    if (i < kAttentionColumns && i < left) four(x + i, sum[0]);
  }
  for (std::int64_t key = (n + kStep - 1) / kStep * kStep; key < padded; key += kStep, weights += kRowsStep)
    vst1_u16(weights, vdup_n_u16(0));
  return vaddvq_f32(vaddq_f32(sum[0], sum[1]));
}

void softmax(const AttentionSoftmax& task) noexcept {
  for (int r = 0; r < task.rows; ++r) {
    float* const scores = task.scores + r * task.scores_lie.row_stride;
    std::int64_t n = task.visible + r * task.visible_step;
    n = n < 0 ? 0 : n > task.keys ? task.keys : n;
    const std::int64_t block_stride = task.scores_lie.block_stride;
    const float here = task.mask == nullptr
                           ? scale_row<false>(scores, block_stride, nullptr, n, task.scale)
                           : scale_row<true>(scores, block_stride, task.mask + r * task.mask_row_stride, n, task.scale);
    const float before = task.greatest[r], greatest = before > here ? before : here;
    task.greatest[r] = greatest;
    // Where nothing is visible yet, weights are exp(−∞ − 0) = 0; their sum of 0 makes the row NaN in the end.
    const float shift = greatest == -__builtin_inff() ? 0.0f : greatest;
    const float correction = vgetq_lane_f32(exp_nonpositive(vdupq_n_f32(before - shift)), 0);
    const float sum = weigh_row(scores, block_stride, n, task.padded_keys, shift,
                                static_cast<std::uint16_t*>(task.weights) + kStep * r);
    task.sum[r] = task.sum[r] * correction + sum;
    task.correction[r] = correction;
  }
}

void rescale(float* sums, const AttentionBlock& lie, const float* correction, int rows, std::int64_t columns) noexcept {
  const std::int64_t row_stride = lie.row_stride, block_stride = lie.block_stride;
  for (std::int64_t c = 0; c < columns; c += kAttentionColumns, sums += block_stride)
    for (int r = 0; r < rows; ++r) {
      float* const x = sums + r * row_stride;
      const Eight factor = splat(correction[r]);
#pragma GCC unroll 4
      for (int i = 0; i < kAttentionColumns; i += 8) store(x + i, multiply(load(x + i), factor));
    }
}

template <class Y>
inline void finish_rows(const AttentionFinish& task) {
  for (int r = 0; r < task.rows; ++r) {
    const Eight factor = splat(1.0f / task.weight_sums[r]);
    const float* const x = task.sums + r * task.sums_lie.row_stride;
    Y* const y = static_cast<Y*>(task.y) + r * task.y_row_stride;
    for (std::int64_t c = 0; c < task.columns; c += 8) {
      const Eight value =
          multiply(load(x + c / kAttentionColumns * task.sums_lie.block_stride + c % kAttentionColumns), factor);
      if (task.columns - c >= 8)
        store(y + c, value);
      else
        store_first(task.columns - c, y + c, value);
    }
  }
}

void finish(const AttentionFinish& task) noexcept {
  task.y_is_bf16 ? finish_rows<std::uint16_t>(task) : finish_rows<float>(task);
}

/// Rows of bf16 numbers, or keys: as one side of a product or the other they lie alike.
void pack(const std::uint16_t* from, std::int64_t row_stride, int rows, std::int64_t depth,
          std::uint16_t* to) noexcept {
  const std::int64_t steps = depth < kStep ? 1 : (depth + kStep - 1) / kStep;
  for (int r = 0; r < kAttentionRows; ++r, to += kStep, from += row_stride) {
    std::int64_t s = 0;
    if (r < rows) {
      for (; kStep * s + kStep <= depth; ++s) vst1_u16(to + s * kRowsStep, vld1_u16(from + kStep * s));
      if (kStep * s < depth) {
        std::uint16_t last[kStep] = {};
        for (std::int64_t i = kStep * s; i < depth; ++i) last[i - kStep * s] = from[i];
        vst1_u16(to + s * kRowsStep, vld1_u16(last)), ++s;
      }
    }
    for (; s < steps; ++s) vst1_u16(to + s * kRowsStep, vdup_n_u16(0));
  }
}

void pack_values(const std::uint16_t* from, std::int64_t row_stride, int keys, int columns, int tiles,
                 std::uint16_t* to) noexcept {
  constexpr int kTileColumns = kAttentionColumns / 2;
  const auto eight_of = [&](int key, int column) {
    const std::uint16_t* const at = from + key * row_stride + column;
    if (key >= keys || column >= columns) return vdupq_n_u16(0);
    if (columns - column >= 8) return vld1q_u16(at);
    std::uint16_t words[8] = {};
    for (int i = 0; i < columns - column; ++i) words[i] = at[i];
    return vld1q_u16(words);
  };
  for (int key = 0; key < kAttentionColumns; key += kStep)
    for (int column = 0; column < tiles * kTileColumns; column += 8, to += 8 * kStep) {
      // Four keys of each column side by side.
      const uint16x8x4_t four = {
          {eight_of(key, column), eight_of(key + 1, column), eight_of(key + 2, column), eight_of(key + 3, column)}};
      vst4q_u16(to, four);
    }
}

}  // namespace

constinit const AttentionKernels kAttentionNeonBf16 = {softmax, rescale, finish, nullptr,    nullptr,
                                                       nullptr, pack,    pack,   pack_values};

}  // namespace wherry::kernels
