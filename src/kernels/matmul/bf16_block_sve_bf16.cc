// bf16 blocks with BFMMLA on SVE, of 128, 256 or 512 bits. A vector of B holds four elements of depth of as many
// columns as fit; each 128-bit part of a sum is two rows by two columns.

#include <arm_sve.h>

#include <cstddef>
#include <cstdint>

#include "kernels/matmul/bf16_block.h"
#include "kernels/matmul/bf16_quads.h"

namespace wherry::kernels {

extern const Bf16Kernels kBf16Kernels_neon_bf16;

namespace {

#include "kernels/matmul/bf16_activations_sve.inc"
#include "kernels/matmul/bf16_rows_sve.inc"

/// Vector types have no size that a compiler knows, so arrays of them cannot be: sums are variables, s<pair><vector>.
#define WHERRY_EACH_PAIR(DO) DO(0) DO(1) DO(2) DO(3) DO(4) DO(5)

/// The product of 2 · kPairs rows and kVectors vectors of columns, to or onto `sums` (of the first row and column). Few
/// rows would wait for the product before to be added to the same sum: their odd quads have sums of their own, t<…>.
/// (Loads of A stay where they are written: all of them ahead of the products would not fit the registers.)
template <int kPairs, int kVectors>
__attribute__((noinline)) void product(const Bf16QuadTask& task, const std::byte* a, const std::byte* b,
                                       float* sums) noexcept {
  static_assert(kPairs <= kBf16QuadPairs && (kVectors == 2 || kVectors == 4));
  constexpr bool kTwice = kPairs <= 2;
  const svbool_t all = svptrue_b8();

#define WHERRY_DECLARE(p) \
  svfloat32_t s##p##0 = svdup_f32(0), s##p##1 = svdup_f32(0), s##p##2 = svdup_f32(0), s##p##3 = svdup_f32(0);
  WHERRY_EACH_PAIR(WHERRY_DECLARE)
#undef WHERRY_DECLARE

  if (task.adds) {
#define WHERRY_LOAD(p)                                                                                        \
  if constexpr (kPairs > p) {                                                                                 \
    const float* const row = sums + 2 * p * kBf16BlockColumns;                                                \
    svfloat64_t even = svreinterpret_f64(svld1_f32(all, row));                                                \
    svfloat64_t odd = svreinterpret_f64(svld1_f32(all, row + kBf16BlockColumns));                             \
    s##p##0 = svreinterpret_f32(svzip1_f64(even, odd)), s##p##1 = svreinterpret_f32(svzip2_f64(even, odd));   \
    if constexpr (kVectors > 2) {                                                                             \
      even = svreinterpret_f64(svld1_vnum_f32(all, row, 1));                                                  \
      odd = svreinterpret_f64(svld1_vnum_f32(all, row + kBf16BlockColumns, 1));                               \
      s##p##2 = svreinterpret_f32(svzip1_f64(even, odd)), s##p##3 = svreinterpret_f32(svzip2_f64(even, odd)); \
    }                                                                                                         \
  }
    WHERRY_EACH_PAIR(WHERRY_LOAD)
#undef WHERRY_LOAD
  }

  // An address for each vector of B and an index that ends at 0 with each tap: no comparison.
  const std::int64_t b_elements = task.b_quad_bytes / 2, vector = static_cast<std::int64_t>(svcnth());
  const std::int64_t tap_elements = task.quads * b_elements;
  const bfloat16_t* c0 = reinterpret_cast<const bfloat16_t*>(b) + tap_elements;
  const bfloat16_t *c1 = c0 + vector, *c2 = c1 + vector, *c3 = c2 + vector;
  __asm__("" : "+r"(c0), "+r"(c1), "+r"(c2), "+r"(c3));
  const bfloat16_t* rows;
  std::int64_t i;
#define WHERRY_EACH_TAP(DO)                                                         \
  for (std::int64_t tap = 0;;) {                                                    \
    rows = reinterpret_cast<const bfloat16_t*>(a + task.tap_bytes[tap]);            \
    i = -tap_elements;                                                              \
    DO if (++tap == task.taps) break;                                               \
    c0 += tap_elements, c1 += tap_elements, c2 += tap_elements, c3 += tap_elements; \
  }
#define WHERRY_MULTIPLY(p, sum)                                                                   \
  if constexpr (kPairs > p) {                                                                     \
    if constexpr (p % 2 == 0) __asm__ volatile("" ::: "memory");                                  \
    const svbfloat16_t pair = svld1rq_bf16(all, rows + 8 * p);                                    \
    sum##p##0 = svbfmmla_f32(sum##p##0, pair, b0), sum##p##1 = svbfmmla_f32(sum##p##1, pair, b1); \
    if constexpr (kVectors > 2) {                                                                 \
      sum##p##2 = svbfmmla_f32(sum##p##2, pair, b2);                                              \
      sum##p##3 = svbfmmla_f32(sum##p##3, pair, b3);                                              \
    }                                                                                             \
  }
#define WHERRY_COLUMNS                                                           \
  const svbfloat16_t b0 = svld1_bf16(all, c0 + i), b1 = svld1_bf16(all, c1 + i); \
  svbfloat16_t b2 = b0, b3 = b0;                                                 \
  if constexpr (kVectors > 2) b2 = svld1_bf16(all, c2 + i), b3 = svld1_bf16(all, c3 + i);
#define WHERRY_MULTIPLY_S(p) WHERRY_MULTIPLY(p, s)
  if constexpr (kTwice) {
#define WHERRY_DECLARE(p) \
  svfloat32_t t##p##0 = svdup_f32(0), t##p##1 = svdup_f32(0), t##p##2 = svdup_f32(0), t##p##3 = svdup_f32(0);
    WHERRY_DECLARE(0)
    WHERRY_DECLARE(1)
#undef WHERRY_DECLARE
#define WHERRY_STEP(sum)                             \
  {                                                  \
    WHERRY_COLUMNS                                   \
    WHERRY_MULTIPLY(0, sum)                          \
    WHERRY_MULTIPLY(1, sum)                          \
    i += b_elements, rows += kBf16QuadRowsBytes / 2; \
  }
#define WHERRY_TAP                          \
  {                                         \
    if (task.quads % 2 != 0) WHERRY_STEP(s) \
    while (i != 0) {                        \
      WHERRY_STEP(s)                        \
      WHERRY_STEP(t)                        \
    }                                       \
  }
    WHERRY_EACH_TAP(WHERRY_TAP)
#undef WHERRY_TAP
#undef WHERRY_STEP
#define WHERRY_ADD(p)                                                                             \
  if constexpr (kPairs > p) {                                                                     \
    s##p##0 = svadd_f32_x(all, s##p##0, t##p##0), s##p##1 = svadd_f32_x(all, s##p##1, t##p##1);   \
    if constexpr (kVectors > 2) {                                                                 \
      s##p##2 = svadd_f32_x(all, s##p##2, t##p##2), s##p##3 = svadd_f32_x(all, s##p##3, t##p##3); \
    }                                                                                             \
  }
    WHERRY_ADD(0)
    WHERRY_ADD(1)
#undef WHERRY_ADD
  } else {
#define WHERRY_TAP                                                  \
  for (; i != 0; i += b_elements, rows += kBf16QuadRowsBytes / 2) { \
    WHERRY_COLUMNS                                                  \
    WHERRY_EACH_PAIR(WHERRY_MULTIPLY_S)                             \
  }
    WHERRY_EACH_TAP(WHERRY_TAP)
#undef WHERRY_TAP
  }
#undef WHERRY_EACH_TAP
#undef WHERRY_MULTIPLY_S
#undef WHERRY_COLUMNS
#undef WHERRY_MULTIPLY

#define WHERRY_STORE(p)                                                                              \
  if constexpr (kPairs > p) {                                                                        \
    float* const row = sums + 2 * p * kBf16BlockColumns;                                             \
    svfloat64_t first = svreinterpret_f64(s##p##0), second = svreinterpret_f64(s##p##1);             \
    svst1_f32(all, row, svreinterpret_f32(svuzp1_f64(first, second)));                               \
    svst1_f32(all, row + kBf16BlockColumns, svreinterpret_f32(svuzp2_f64(first, second)));           \
    if constexpr (kVectors > 2) {                                                                    \
      first = svreinterpret_f64(s##p##2), second = svreinterpret_f64(s##p##3);                       \
      svst1_vnum_f32(all, row, 1, svreinterpret_f32(svuzp1_f64(first, second)));                     \
      svst1_vnum_f32(all, row + kBf16BlockColumns, 1, svreinterpret_f32(svuzp2_f64(first, second))); \
    }                                                                                                \
  }
  WHERRY_EACH_PAIR(WHERRY_STORE)
#undef WHERRY_STORE
}

template <int kVectors>
void product_of(int pairs, const Bf16QuadTask& task, const std::byte* a, const std::byte* b, float* sums) noexcept {
  switch (pairs) {
    case 1: return product<1, kVectors>(task, a, b, sums);
    case 2: return product<2, kVectors>(task, a, b, sums);
    case 3: return product<3, kVectors>(task, a, b, sums);
    case 4: return product<4, kVectors>(task, a, b, sums);
    case 5: return product<5, kVectors>(task, a, b, sums);
    default: return product<6, kVectors>(task, a, b, sums);
  }
}

void block(const Bf16BlockTask& task, Bf16Finish* pending, Bf16Sums&) noexcept {
  if (pending != nullptr) finish(*pending, kBf16BlockRows);
  const auto vector_bytes = static_cast<std::int64_t>(svcntb());
  const Bf16QuadTask quads = quads_of(task);
  each_quad_product(task, [&](std::int64_t row, int pairs) {
    const std::byte* const a = task.a[0] + row * kBf16QuadRowBytes;
    float* const sums = task.sums + row * kBf16BlockColumns;
    if (quads.b_quad_bytes == 2 * vector_bytes) return product_of<2>(pairs, quads, a, task.b, sums);
    for (std::int64_t at = 0; at < quads.b_quad_bytes; at += 4 * vector_bytes)
      product_of<4>(pairs, quads, a, task.b + at, sums + at / kBf16QuadRowBytes);
  });
}

void begin(int) noexcept {}
void end() noexcept {}
void settle(Bf16Sums&) noexcept {}
void gather(const Bf16GatherTask* rows, int count) noexcept { kBf16Kernels_neon_bf16.gather(rows, count); }
void gather_alike(const Bf16AlikeRows& rows) noexcept { kBf16Kernels_neon_bf16.gather_alike(rows); }

}  // namespace

extern const Bf16Kernels kBf16Kernels_sve_bf16;
constinit const Bf16Kernels kBf16Kernels_sve_bf16 = {.isa = base::Isa::sve_bf16,
                                                     .begin = begin,
                                                     .end = end,
                                                     .block = block,
                                                     .settle = settle,
                                                     .finish = finish,
                                                     .gather = gather,
                                                     .gather_alike = gather_alike};

}  // namespace wherry::kernels
