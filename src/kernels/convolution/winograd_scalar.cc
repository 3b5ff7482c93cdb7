// Winograd transforms for scalar.

#include <cstdint>

#include "kernels/convolution/winograd_kernels.h"

namespace wherry::kernels {
namespace {

#include "kernels/matmul/vector_scalar.inc"

static_assert(Vector::kLanes == 4);

#include "kernels/convolution/elements_f32.inc"

static_assert(sizeof(Element) == 4);

#include "kernels/convolution/winograd.inc"

}  // namespace

#define WHERRY_WINOGRAD_avx2(lanes, tile)
#define WHERRY_WINOGRAD_avx512(lanes, tile)
#define WHERRY_WINOGRAD_neon(lanes, tile)
#define WHERRY_WINOGRAD_sve(lanes, tile)
#define WHERRY_WINOGRAD_scalar(lanes, tile)             \
  static_assert(lanes == Vector::kLanes);               \
  extern const WinogradKernels kWinograd_scalar_##tile; \
  constinit const WinogradKernels kWinograd_scalar_##tile = winograd_table<tile>();
#define WHERRY_WINOGRAD_avx512_bf16(lanes, tile)
#define WHERRY_WINOGRAD(isa, lanes, tile) WHERRY_WINOGRAD_##isa(lanes, tile)
#include "kernels/convolution/winograd_kernels.inc"

}  // namespace wherry::kernels
