// Pooling windows for one instruction set: pool_<isa>.cc defines WHERRY_POOL_TABLE and includes this.

#define HWY_DISABLE_PCLMUL_AES  // base/cpu.h does not promise them
#include <hwy/highway.h>

#include "kernels/pool/pool_kernels.h"

HWY_BEFORE_NAMESPACE();
namespace wherry::kernels {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

#include "kernels/simd_ops.h"

using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;

struct Maximum {
  static HWY_INLINE V start() { return hn::Set(D(), -__builtin_inff()); }
  /// x86's max gives its second operand where either is NaN, so x's NaN comes through and y's is kept.
  static HWY_INLINE V step(V y, V x) { return hn::IfThenElse(hn::IsNaN(y), y, maximum(y, x)); }
};

struct Sum {
  static HWY_INLINE V start() { return hn::Zero(D()); }
  static HWY_INLINE V step(V y, V x) { return hn::Add(y, x); }
};

/// Four vectors of channels at once keep four independent chains going.
template <class Op>
HWY_INLINE void window_of_four(float* y, const PoolWindow& w, std::int64_t channel, V scale) {
  const D d;
  const std::size_t lanes = hn::Lanes(d);
  V y0 = Op::start(), y1 = Op::start(), y2 = Op::start(), y3 = Op::start();
  for (std::int64_t i = 0; i < w.rows; ++i) {
    const float* x = static_cast<const float*>(w.x) + i * w.row_stride + channel;
    for (std::int64_t j = 0; j < w.columns; ++j, x += w.column_stride) {
      y0 = Op::step(y0, hn::LoadU(d, x));
      y1 = Op::step(y1, hn::LoadU(d, x + lanes));
      y2 = Op::step(y2, hn::LoadU(d, x + 2 * lanes));
      y3 = Op::step(y3, hn::LoadU(d, x + 3 * lanes));
    }
  }
  hn::StoreU(hn::Mul(y0, scale), d, y);
  hn::StoreU(hn::Mul(y1, scale), d, y + lanes);
  hn::StoreU(hn::Mul(y2, scale), d, y + 2 * lanes);
  hn::StoreU(hn::Mul(y3, scale), d, y + 3 * lanes);
}

template <class Op, class Load>
HWY_INLINE V window_of_one(const PoolWindow& w, std::int64_t channel, Load load) {
  V y = Op::start();
  for (std::int64_t i = 0; i < w.rows; ++i) {
    const float* x = static_cast<const float*>(w.x) + i * w.row_stride + channel;
    for (std::int64_t j = 0; j < w.columns; ++j, x += w.column_stride) y = Op::step(y, load(x));
  }
  return y;
}

template <class Op>
HWY_INLINE void window_of_all(float* y, const PoolWindow& w, std::int64_t channels, V scale) {
  const D d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  std::int64_t c = 0;
  for (; c + 4 * lanes <= channels; c += 4 * lanes) window_of_four<Op>(y + c, w, c, scale);
  for (; c + lanes <= channels; c += lanes) {
    const V sum = window_of_one<Op>(w, c, [](const float* x) { return hn::LoadU(D(), x); });
    hn::StoreU(hn::Mul(sum, scale), d, y + c);
  }
  if (c == channels) return;
  const auto tail = hn::FirstN(d, static_cast<std::size_t>(channels - c));
  const V last = window_of_one<Op>(w, c, [&tail](const float* x) { return masked_load(tail, D(), x); });
  masked_store(hn::Mul(last, scale), tail, d, y + c);
}

void max_window(void* y, const PoolWindow& window, std::int64_t channels) noexcept {
  window_of_all<Maximum>(static_cast<float*>(y), window, channels, hn::Set(D(), 1.0f));
}

void sum_window(void* y, const PoolWindow& window, std::int64_t channels, float scale) noexcept {
  window_of_all<Sum>(static_cast<float*>(y), window, channels, hn::Set(D(), scale));
}

}  // namespace

constinit const PoolKernels WHERRY_POOL_TABLE = {max_window, sum_window};

}  // namespace wherry::kernels
HWY_AFTER_NAMESPACE();
