// Winograd transforms for neon.

#include <arm_neon.h>

#include <cstdint>

#include "kernels/convolution/winograd_kernels.h"

namespace wherry::kernels {
namespace {

#include "kernels/matmul/vector_neon.inc"

static_assert(Vector::kLanes == 4);

#include "kernels/convolution/elements_f32.inc"

static_assert(sizeof(Element) == 4);

#include "kernels/convolution/winograd.inc"

}  // namespace

#define WHERRY_WINOGRAD_scalar(lanes, tile)
#define WHERRY_WINOGRAD_sve(lanes, tile)
#define WHERRY_WINOGRAD_neon(lanes, tile)             \
  static_assert(lanes == Vector::kLanes);             \
  extern const WinogradKernels kWinograd_neon_##tile; \
  constinit const WinogradKernels kWinograd_neon_##tile = winograd_table<tile>();
#define WHERRY_WINOGRAD(isa, lanes, tile) WHERRY_WINOGRAD_##isa(lanes, tile)
#include "kernels/convolution/winograd_kernels.inc"

}  // namespace wherry::kernels
