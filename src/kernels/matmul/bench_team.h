#pragma once
// What the benches of matmul and convolution share: threads that meet at a spinning barrier, as the runtime's do, and
// the machine's measured peak.

#include <immintrin.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <thread>
#include <vector>

#include "base/cpu.h"

namespace wherry::kernels::bench {

inline double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// A barrier of a fixed number of threads.
class Barrier {
 public:
  explicit Barrier(int threads) : threads_(threads) {}
  void wait() {
    const unsigned phase = phase_.load(std::memory_order_acquire);
    if (arrived_.fetch_add(1, std::memory_order_acq_rel) + 1 == threads_) {
      arrived_.store(0, std::memory_order_relaxed);
      phase_.store(phase + 1, std::memory_order_release);
      return;
    }
    while (phase_.load(std::memory_order_acquire) == phase) _mm_pause();
  }

 private:
  int threads_;
  std::atomic<int> arrived_ = 0;
  std::atomic<unsigned> phase_ = 0;
};

/// Runs body(thread) on `threads` threads at once, the caller being thread 0.
inline void run_team(int threads, const std::function<void(int)>& body) {
  std::vector<std::thread> others;
  for (int t = 1; t < threads; ++t) others.emplace_back(body, t);
  body(0);
  for (std::thread& other : others) other.join();
}

#define WHERRY_PEAK(name, features, type, set, fma)                                                            \
  __attribute__((target(features), noinline)) inline double name(long steps) {                                 \
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

/// Tile products of four sums from four operand tiles, all in registers.
__attribute__((target("amx-tile,amx-bf16"))) inline double peak_amx(std::int64_t steps) {
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
__attribute__((target("avx512f,avx512bf16"))) inline double peak_avx512_bf16(std::int64_t steps) {
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

/// Operations a second of multiply-adds that never leave registers, all threads together; 0 for scalar code.
inline double measured_peak(base::Isa isa, int threads) {
  double best = 0;
  for (int repeat = 0; repeat < 60; ++repeat) {
    std::vector<double> each(threads, 0.0);
    run_team(threads, [&](int t) {
      if (isa == base::Isa::avx512) each[t] = peak_avx512(150000);
      if (isa == base::Isa::avx512_bf16) each[t] = peak_avx512_bf16(150000);
      if (isa == base::Isa::amx) each[t] = peak_amx(15000);
      if (isa == base::Isa::avx2) each[t] = peak_avx2(150000);
    });
    double sum = 0;
    for (const double one : each) sum += one;
    best = std::max(best, sum);
  }
  return best;
}

}  // namespace wherry::kernels::bench
