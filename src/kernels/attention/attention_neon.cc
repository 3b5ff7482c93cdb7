// Softmax of blocks of scores for base::Isa::neon.
#define WHERRY_ATTENTION_TABLE kAttentionNeon
#include "kernels/attention/attention_simd.h"

static_assert(HWY_TARGET == HWY_NEON, "wherry_isa_sources gives other flags than Highway expects");
