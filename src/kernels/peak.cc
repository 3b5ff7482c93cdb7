// Loops of one instruction on so many sums that its latency does not show.

#include "kernels/peak.h"

#include <chrono>
#include <cstdint>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace wherry::kernels {
namespace {

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

#if defined(__x86_64__)

#define WHERRY_PEAK(name, features, type, set, fma)                                                            \
  __attribute__((target(features), noinline)) double name(long steps) {                                        \
    type a0 = set(0.0f), a1 = a0, a2 = a0, a3 = a0, a4 = a0, a5 = a0, a6 = a0, a7 = a0, a8 = a0, a9 = a0;      \
    const type x = set(0.999f), y = set(1e-9f);                                                                \
    const double start = now();                                                                                \
    for (long i = 0; i < steps; ++i) {                                                                         \
      a0 = fma(a0, x, y), a1 = fma(a1, x, y), a2 = fma(a2, x, y), a3 = fma(a3, x, y), a4 = fma(a4, x, y);      \
      a5 = fma(a5, x, y), a6 = fma(a6, x, y), a7 = fma(a7, x, y), a8 = fma(a8, x, y), a9 = fma(a9, x, y);      \
      asm volatile(""                                                                                          \
                   : "+x"(a0), "+x"(a1), "+x"(a2), "+x"(a3), "+x"(a4), "+x"(a5), "+x"(a6), "+x"(a7), "+x"(a8), \
                     "+x"(a9));                                                                                \
    }                                                                                                          \
    return static_cast<double>(steps) * 10 * 2 * (sizeof(type) / 4) / (now() - start);                         \
  }
WHERRY_PEAK(peak_avx512, "avx512f", __m512, _mm512_set1_ps, _mm512_fmadd_ps)
WHERRY_PEAK(peak_avx2, "avx2,fma", __m256, _mm256_set1_ps, _mm256_fmadd_ps)
#undef WHERRY_PEAK

#if defined(WHERRY_EMULATE_AMX)
constexpr bool kHasTiles = false;
#else
constexpr bool kHasTiles = true;
#endif

/// Tile products of four sums from four operand tiles, all in registers.
__attribute__((target("amx-tile,amx-bf16"))) double peak_amx(std::int64_t steps) {
  struct alignas(64) {
    std::uint8_t palette = 1, reserved[15] = {};
    std::uint16_t column_bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
    std::uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
  } config;
  __asm__ volatile("ldtilecfg %0" : : "m"(config));
  __asm__ volatile("tilezero %tmm0; tilezero %tmm1; tilezero %tmm2; tilezero %tmm3");
  __asm__ volatile("tilezero %tmm4; tilezero %tmm5; tilezero %tmm6; tilezero %tmm7");
  const double start = now();
  for (std::int64_t i = 0; i < steps; ++i)
    __asm__ volatile(
        "tdpbf16ps %tmm6, %tmm4, %tmm0; tdpbf16ps %tmm7, %tmm4, %tmm1;"
        "tdpbf16ps %tmm6, %tmm5, %tmm2; tdpbf16ps %tmm7, %tmm5, %tmm3");
  const double seconds = now() - start;
  __asm__ volatile("tilerelease");
  return static_cast<double>(steps) * 4 * 2 * 16 * 16 * 32 / seconds;
}

/// vdpbf16ps on ten sums.
__attribute__((target("avx512f,avx512bf16"))) double peak_avx512_bf16(std::int64_t steps) {
  const double start = now();
  for (std::int64_t i = 0; i < steps; ++i)
    __asm__ volatile(
        "vdpbf16ps %%zmm16, %%zmm16, %%zmm0; vdpbf16ps %%zmm16, %%zmm16, %%zmm1; vdpbf16ps %%zmm16, %%zmm16, %%zmm2;"
        "vdpbf16ps %%zmm16, %%zmm16, %%zmm3; vdpbf16ps %%zmm16, %%zmm16, %%zmm4; vdpbf16ps %%zmm16, %%zmm16, %%zmm5;"
        "vdpbf16ps %%zmm16, %%zmm16, %%zmm6; vdpbf16ps %%zmm16, %%zmm16, %%zmm7; vdpbf16ps %%zmm16, %%zmm16, %%zmm8;"
        "vdpbf16ps %%zmm16, %%zmm16, %%zmm9" ::
            : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9");
  return static_cast<double>(steps) * 10 * 2 * 32 / (now() - start);
}

#elif defined(__aarch64__)

/// One instruction on each of sixteen sums: `before`, the sum's number, `after`.
#define WHERRY_ON_16_SUMS(before, after)                                                                         \
  before "0" after before "1" after before "2" after before "3" after before "4" after before "5" after before   \
         "6" after before "7" after before "8" after before "9" after before "10" after before "11" after before \
         "12" after before "13" after before "14" after before "15" after
#define WHERRY_PEAK(name, setup, before, after, operations)                                                          \
  double name(std::int64_t steps) {                                                                                  \
    const double start = now();                                                                                      \
    for (std::int64_t i = 0; i < steps; ++i)                                                                         \
      __asm__ volatile(setup WHERRY_ON_16_SUMS(before, after)::                                                      \
                           : "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9", "v10", "v11", "v12", "v13", \
                             "v14", "v15", "p0");                                                                    \
    return static_cast<double>(steps) * 16 * static_cast<double>(operations) / (now() - start);                      \
  }

WHERRY_PEAK(peak_neon, "", "fmla v", ".4s, v16.4s, v17.4s\n", 2 * 4)
WHERRY_PEAK(peak_neon_bf16, ".arch_extension bf16\n", "bfmmla v", ".4s, v16.8h, v17.8h\n", 2 * 16)
WHERRY_PEAK(peak_sve, ".arch_extension sve\n ptrue p0.s\n", "fmla z", ".s, p0/m, z16.s, z17.s\n",
            2 * base::sve_bytes() / 4)
WHERRY_PEAK(peak_sve_bf16, ".arch_extension sve\n .arch_extension bf16\n", "bfmmla z", ".s, z16.h, z17.h\n",
            2 * base::sve_bytes())
#undef WHERRY_PEAK
#undef WHERRY_ON_16_SUMS

#endif

}  // namespace

double core_peak([[maybe_unused]] base::Isa isa) {
#if defined(__x86_64__)
  if (isa == base::Isa::avx512) return peak_avx512(150000);
  if (isa == base::Isa::avx512_bf16) return peak_avx512_bf16(150000);
  if (isa == base::Isa::amx) return kHasTiles ? peak_amx(15000) : peak_avx512_bf16(150000);
  if (isa == base::Isa::avx2) return peak_avx2(150000);
#elif defined(__aarch64__)
  if (isa == base::Isa::neon) return peak_neon(100000);
  if (isa == base::Isa::neon_bf16) return peak_neon_bf16(100000);
  if (isa == base::Isa::sve) return peak_sve(100000);
  if (isa == base::Isa::sve_bf16) return peak_sve_bf16(100000);
#endif
  return 0;
}

}  // namespace wherry::kernels
