// bf16 blocks with BFMMLA on NEON, and how AArch64 finishes and gathers rows.

#include <arm_neon.h>

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "kernels/matmul/bf16_block.h"
#include "kernels/matmul/bf16_quads.h"

namespace wherry::kernels {
namespace {

#include "kernels/matmul/bf16_activations_neon.inc"
#include "kernels/matmul/bf16_rows_neon.inc"

/// Of sums at a time: eight columns.
constexpr int kVectors = 4;
constexpr int kColumns = 2 * kVectors;

/// The product of 2 · kPairs rows and eight columns, to or onto `sums` (of the first row and column).
template <int kPairs>
__attribute__((noinline)) void product(const Bf16QuadTask& task, const std::byte* a, const std::byte* b,
                                       float* sums) noexcept {
  float32x4_t sum[kPairs][kVectors];
#pragma GCC unroll 8
  for (int p = 0; p < kPairs; ++p) {
    const float* const row = sums + 2 * p * kBf16BlockColumns;
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v)
      sum[p][v] =
          task.adds ? vcombine_f32(vld1_f32(row + 2 * v), vld1_f32(row + kBf16BlockColumns + 2 * v)) : vdupq_n_f32(0);
  }
  const std::int64_t b_bytes = task.b_quad_bytes;
  for (std::int64_t tap = 0; tap < task.taps; ++tap) {
    const std::byte* at = a + task.tap_bytes[tap];
    const std::byte* const end = at + task.quads * kBf16QuadRowsBytes;
    for (; at != end; at += kBf16QuadRowsBytes, b += b_bytes) {
      const auto* const rows = reinterpret_cast<const bfloat16_t*>(at);
      const auto* const columns = reinterpret_cast<const bfloat16_t*>(b);
      bfloat16x8_t column[kVectors];
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v) column[v] = vld1q_bf16(columns + 8 * v);
#pragma GCC unroll 8
      for (int p = 0; p < kPairs; ++p) {
        // Loads of A stay where they are written: all of them ahead of the products would not fit the registers.
        if (p % 2 == 0) __asm__ volatile("" ::: "memory");
        const bfloat16x8_t pair = vld1q_bf16(rows + 8 * p);
#pragma GCC unroll 4
        for (int v = 0; v < kVectors; ++v) sum[p][v] = vbfmmlaq_f32(sum[p][v], pair, column[v]);
      }
    }
  }
#pragma GCC unroll 8
  for (int p = 0; p < kPairs; ++p) {
    float* const row = sums + 2 * p * kBf16BlockColumns;
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; v += 2) {
      const float64x2_t first = vreinterpretq_f64_f32(sum[p][v]), second = vreinterpretq_f64_f32(sum[p][v + 1]);
      vst1q_f32(row + 2 * v, vreinterpretq_f32_f64(vuzp1q_f64(first, second)));
      vst1q_f32(row + kBf16BlockColumns + 2 * v, vreinterpretq_f32_f64(vuzp2q_f64(first, second)));
    }
  }
}

void product_of(int pairs, const Bf16QuadTask& task, const std::byte* a, const std::byte* b, float* sums) noexcept {
  switch (pairs) {
    case 1: return product<1>(task, a, b, sums);
    case 2: return product<2>(task, a, b, sums);
    case 3: return product<3>(task, a, b, sums);
    case 4: return product<4>(task, a, b, sums);
    case 5: return product<5>(task, a, b, sums);
    default: return product<6>(task, a, b, sums);
  }
}

void block(const Bf16BlockTask& task, Bf16Finish* pending, Bf16Sums&) noexcept {
  if (pending != nullptr) finish(*pending, kBf16BlockRows);
  const Bf16QuadTask quads = quads_of(task);
  each_quad_product(task, [&](std::int64_t row, int pairs) {
    for (int column = 0; column < task.column_tiles * kBf16TileColumns; column += kColumns)
      product_of(pairs, quads, task.a[0] + row * kBf16QuadRowBytes, task.b + column * kBf16QuadRowBytes,
                 task.sums + row * kBf16BlockColumns + column);
  });
}

void begin(int) noexcept {}
void end() noexcept {}
void settle(Bf16Sums&) noexcept {}

}  // namespace

extern const Bf16Kernels kBf16Kernels_neon_bf16;
constinit const Bf16Kernels kBf16Kernels_neon_bf16 = {.isa = base::Isa::neon_bf16,
                                                      .begin = begin,
                                                      .end = end,
                                                      .block = block,
                                                      .settle = settle,
                                                      .finish = finish,
                                                      .gather = gather,
                                                      .gather_alike = gather_alike};

}  // namespace wherry::kernels
