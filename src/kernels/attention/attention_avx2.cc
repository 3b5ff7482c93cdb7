// Softmax of blocks of scores for base::Isa::avx2.
#define WHERRY_ATTENTION_TABLE kAttentionAvx2
#include "kernels/attention/attention_simd.h"

static_assert(HWY_TARGET == HWY_AVX2, "wherry_isa_sources gives other flags than Highway expects");
