// Softmax of a dense row for base::Isa::avx512.
#define WHERRY_SOFTMAX_TABLE kSoftmaxAvx512
#include "kernels/softmax/softmax_simd.h"

static_assert(HWY_TARGET == HWY_AVX3, "wherry_isa_sources gives other flags than Highway expects");
