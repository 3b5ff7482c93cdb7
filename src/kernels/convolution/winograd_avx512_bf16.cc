// Winograd transforms of bf16 images for avx512_bf16; frequencies are fp32.

#include <immintrin.h>

#include <cstdint>

#include "kernels/convolution/winograd_kernels.h"

namespace wherry::kernels {
namespace {

#include "kernels/matmul/vector_avx512.inc"

static_assert(Vector::kLanes == 16);

#include "kernels/convolution/elements_bf16.inc"

static_assert(sizeof(Element) == 2);

#include "kernels/convolution/winograd.inc"

}  // namespace

#define WHERRY_WINOGRAD_scalar(lanes, tile)
#define WHERRY_WINOGRAD_avx2(lanes, tile)
#define WHERRY_WINOGRAD_avx512(lanes, tile)
#define WHERRY_WINOGRAD_avx512_bf16(lanes, tile)             \
  static_assert(lanes == Vector::kLanes);                    \
  extern const WinogradKernels kWinograd_avx512_bf16_##tile; \
  constinit const WinogradKernels kWinograd_avx512_bf16_##tile = winograd_table<tile>();
#define WHERRY_WINOGRAD(isa, lanes, tile) WHERRY_WINOGRAD_##isa(lanes, tile)
#include "kernels/convolution/winograd_kernels.inc"

}  // namespace wherry::kernels
