// Softmax of blocks of scores for base::Isa::avx512.
#define WHERRY_ATTENTION_TABLE kAttentionAvx512
#include "kernels/attention/attention_simd.h"

static_assert(HWY_TARGET == HWY_AVX3, "wherry_isa_sources gives other flags than Highway expects");
