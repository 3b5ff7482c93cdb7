// The inner loops of copies for one instruction set: copy_<isa>.cc defines WHERRY_COPY_TABLE and
// includes this.

#define HWY_DISABLE_PCLMUL_AES  // base/cpu.h does not promise them
#include <hwy/highway.h>

#include "kernels/copy/copy_kernels.h"

HWY_BEFORE_NAMESPACE();
namespace wherry::kernels {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

#include "kernels/simd_ops.h"

using D = hn::ScalableTag<float>;

HWY_INLINE void copy_run(unsigned char* y, const unsigned char* x, std::int64_t bytes) {
  const hn::ScalableTag<std::uint8_t> d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  std::int64_t i = 0;
  for (; i + lanes <= bytes; i += lanes) hn::StoreU(hn::LoadU(d, x + i), d, y + i);
  if (i == bytes) return;
  if (bytes >= lanes) {  // the last vector overlaps the one before
    hn::StoreU(hn::LoadU(d, x + bytes - lanes), d, y + bytes - lanes);
    return;
  }
  const D d4;
  const auto lanes4 = static_cast<std::int64_t>(hn::Lanes(d4));
  for (; i + 4 <= bytes; i += 4 * lanes4) {
    const std::int64_t words = (bytes - i) / 4;
    const auto tail = hn::FirstN(d4, static_cast<std::size_t>(words));
    masked_store(masked_load(tail, d4, reinterpret_cast<const float*>(x + i)), tail, d4,
                 reinterpret_cast<float*>(y + i));
  }
  for (i = bytes / 4 * 4; i < bytes; ++i) y[i] = x[i];
}

void copy_rows(void* y, std::int64_t y_stride, const void* x, std::int64_t x_stride, std::int64_t rows,
               std::int64_t bytes) noexcept {
  for (std::int64_t i = 0; i < rows; ++i)
    copy_run(static_cast<unsigned char*>(y) + i * y_stride, static_cast<const unsigned char*>(x) + i * x_stride, bytes);
}

void transpose_scalar(float* y, std::int64_t y_stride, const float* x, std::int64_t x_stride, std::int64_t rows,
                      std::int64_t columns) {
  for (std::int64_t i = 0; i < rows; ++i)
    for (std::int64_t j = 0; j < columns; ++j) y[i * y_stride + j] = x[j * x_stride + i];
}

/// Four by four in 128-bit vectors.
HWY_INLINE void transpose_4x4(float* y, std::int64_t y_stride, const float* x, std::int64_t x_stride) {
  const hn::CappedTag<float, 4> d;
  const hn::RepartitionToWide<decltype(d)> dw;
  const auto r0 = hn::LoadU(d, x), r1 = hn::LoadU(d, x + x_stride);
  const auto r2 = hn::LoadU(d, x + 2 * x_stride), r3 = hn::LoadU(d, x + 3 * x_stride);
  const auto low01 = hn::BitCast(dw, hn::InterleaveLower(d, r0, r1));
  const auto high01 = hn::BitCast(dw, hn::InterleaveUpper(d, r0, r1));
  const auto low23 = hn::BitCast(dw, hn::InterleaveLower(d, r2, r3));
  const auto high23 = hn::BitCast(dw, hn::InterleaveUpper(d, r2, r3));
  hn::StoreU(hn::BitCast(d, hn::InterleaveLower(dw, low01, low23)), d, y);
  hn::StoreU(hn::BitCast(d, hn::InterleaveUpper(dw, low01, low23)), d, y + y_stride);
  hn::StoreU(hn::BitCast(d, hn::InterleaveLower(dw, high01, high23)), d, y + 2 * y_stride);
  hn::StoreU(hn::BitCast(d, hn::InterleaveUpper(dw, high01, high23)), d, y + 3 * y_stride);
}

/// Planes to pixels: an image of two to four channels, the destination dense.
std::int64_t interleave(float* y, const float* x, std::int64_t x_stride, std::int64_t rows, std::int64_t columns) {
  const D d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  std::int64_t i = 0;
  for (; i + lanes <= rows; i += lanes) {
    const auto a = hn::LoadU(d, x + i), b = hn::LoadU(d, x + x_stride + i);
    if (columns == 2) {
      hn::StoreInterleaved2(a, b, d, y + 2 * i);
      continue;
    }
    const auto c = hn::LoadU(d, x + 2 * x_stride + i);
    if (columns == 3)
      hn::StoreInterleaved3(a, b, c, d, y + 3 * i);
    else
      hn::StoreInterleaved4(a, b, c, hn::LoadU(d, x + 3 * x_stride + i), d, y + 4 * i);
  }
  return i;
}

/// Pixels to planes.
std::int64_t deinterleave(float* y, std::int64_t y_stride, const float* x, std::int64_t rows, std::int64_t columns) {
  const D d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  std::int64_t j = 0;
  for (; j + lanes <= columns; j += lanes) {
    hn::Vec<D> a, b, c, e;
    if (rows == 2) {
      hn::LoadInterleaved2(d, x + 2 * j, a, b);
    } else if (rows == 3) {
      hn::LoadInterleaved3(d, x + 3 * j, a, b, c);
    } else {
      hn::LoadInterleaved4(d, x + 4 * j, a, b, c, e);
      hn::StoreU(e, d, y + 3 * y_stride + j);
    }
    hn::StoreU(a, d, y + j);
    hn::StoreU(b, d, y + y_stride + j);
    if (rows >= 3) hn::StoreU(c, d, y + 2 * y_stride + j);
  }
  return j;
}

void transpose4(void* to, std::int64_t y_stride, const void* from, std::int64_t x_stride, std::int64_t rows,
                std::int64_t columns) noexcept {
  auto* y = static_cast<float*>(to);
  const auto* x = static_cast<const float*>(from);
  if (columns == y_stride && 2 <= columns && columns <= 4) {
    const std::int64_t i = interleave(y, x, x_stride, rows, columns);
    return transpose_scalar(y + i * y_stride, y_stride, x + i, x_stride, rows - i, columns);
  }
  if (rows == x_stride && 2 <= rows && rows <= 4) {
    const std::int64_t j = deinterleave(y, y_stride, x, rows, columns);
    return transpose_scalar(y + j, y_stride, x + j * x_stride, x_stride, rows, columns - j);
  }
  // Sixteen rows at a time: they are one cache line of each source row.
  const std::int64_t whole_rows = rows / 4 * 4, whole_columns = columns / 4 * 4;
  for (std::int64_t i0 = 0; i0 < whole_rows; i0 += 16) {
    const std::int64_t i1 = i0 + 16 < whole_rows ? i0 + 16 : whole_rows;
    for (std::int64_t j = 0; j < whole_columns; j += 4)
      for (std::int64_t i = i0; i < i1; i += 4)
        transpose_4x4(y + i * y_stride + j, y_stride, x + j * x_stride + i, x_stride);
  }
  transpose_scalar(y + whole_columns, y_stride, x + whole_columns * x_stride, x_stride, whole_rows,
                   columns - whole_columns);
  transpose_scalar(y + whole_rows * y_stride, y_stride, x + whole_rows, x_stride, rows - whole_rows, columns);
}

}  // namespace

constinit const CopyKernels WHERRY_COPY_TABLE = {copy_rows, transpose4};

}  // namespace wherry::kernels
HWY_AFTER_NAMESPACE();
