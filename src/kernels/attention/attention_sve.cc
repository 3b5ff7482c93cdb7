// Softmax of blocks of scores for base::Isa::sve.
#define WHERRY_ATTENTION_TABLE kAttentionSve
#include "kernels/attention/attention_simd.h"

static_assert(HWY_TARGET == HWY_SVE, "wherry_isa_sources gives other flags than Highway expects");
