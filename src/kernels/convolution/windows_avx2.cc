// Depthwise and grouped convolution micro-kernels for avx2.

#include <immintrin.h>

#include <cstdint>

#include "kernels/convolution/window_kernels.h"

namespace wherry::kernels {
namespace {

#include "kernels/matmul/vector_avx2.inc"

static_assert(Vector::kLanes == 8);

#include "kernels/convolution/elements_f32.inc"

static_assert(sizeof(Element) == 4);

#include "kernels/convolution/windows.inc"

}  // namespace

#define WHERRY_WINDOW_scalar(kind, lanes, pixels)
#define WHERRY_WINDOW_avx512(kind, lanes, pixels)
#define WHERRY_WINDOW_avx2(kind, lanes, pixels)                         \
  static_assert(lanes == Vector::kLanes && pixels <= kMaxWindowPixels); \
  extern const WindowKernels kWindow_##kind##_avx2;                     \
  constinit const WindowKernels kWindow_##kind##_avx2 = table_##kind<pixels>();
#define WHERRY_WINDOW_avx512_bf16(kind, lanes, pixels)
#define WHERRY_WINDOW(kind, isa, lanes, pixels) WHERRY_WINDOW_##isa(kind, lanes, pixels)
#include "kernels/convolution/kernels.inc"

}  // namespace wherry::kernels
