// Softmax of a dense row for base::Isa::sve.
#define WHERRY_SOFTMAX_TABLE kSoftmaxSve
#include "kernels/softmax/softmax_simd.h"

static_assert(HWY_TARGET == HWY_SVE, "wherry_isa_sources gives other flags than Highway expects");
