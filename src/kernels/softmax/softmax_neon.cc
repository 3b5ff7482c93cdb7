// Softmax of a dense row for base::Isa::neon.
#define WHERRY_SOFTMAX_TABLE kSoftmaxNeon
#include "kernels/softmax/softmax_simd.h"

static_assert(HWY_TARGET == HWY_NEON, "wherry_isa_sources gives other flags than Highway expects");
