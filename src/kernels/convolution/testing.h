#pragma once
// What the tests of convolution share, beside matmul's.

#include <cstdint>
#include <cstring>

#include "base/aligned_buffer.h"
#include "kernels/convolution/convolution.h"

namespace wherry::kernels::testing {

/// Elements from the first one of an image batch to its last one.
inline std::int64_t extent(std::int64_t n, std::int64_t stride_n, std::int64_t h, std::int64_t stride_h, std::int64_t w,
                           std::int64_t stride_w, std::int64_t channels) {
  return (n - 1) * stride_n + (h - 1) * stride_h + (w - 1) * stride_w + channels;
}

/// The weights in packed form; `source` and `strides` as `pack` takes them.
inline base::AlignedBuffer packed_copy(const ConvolutionWeights& weights, base::Isa isa, const float* source,
                                       const std::int64_t strides[4]) {
  base::AlignedBuffer packed(packed_bytes(weights, isa));
  std::memset(packed.data(), 0xFF, packed.size());
  pack(weights, isa, source, strides, packed.data());
  return packed;
}

}  // namespace wherry::kernels::testing
