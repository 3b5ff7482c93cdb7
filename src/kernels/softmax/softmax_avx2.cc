// Softmax of a dense row for base::Isa::avx2.
#define WHERRY_SOFTMAX_TABLE kSoftmaxAvx2
#include "kernels/softmax/softmax_simd.h"

static_assert(HWY_TARGET == HWY_AVX2, "wherry_isa_sources gives other flags than Highway expects");
