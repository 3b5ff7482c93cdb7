// Matmul micro-kernels for neon. Four depths of a row of A are one load, and a multiply-add names the lane it wants: an
// element of its own for every row and depth would be as many loads again, which repeat it in a vector's pipe.

#include <arm_neon.h>

#include <cstdint>

#include "kernels/matmul/tile_kernels.h"

namespace wherry::kernels {
namespace {

#include "kernels/matmul/vector_neon.inc"

static_assert(Vector::kLanes == 4);

#include "kernels/matmul/tile_ends.inc"

constexpr int kQuad = 4;  // depths

/// One depth of B with one lane of the rows, two vectors of B at a time: no register is left for more. The
/// multiply-adds are written out because a compiler's own order of them spills accumulators.
template <int kLane, int kRows, int kVectors>
inline __attribute__((always_inline)) void multiply_lane(const float32x4_t (&a)[kRows], const float* b,
                                                         float32x4_t (&sum)[kRows][kVectors]) {
#pragma GCC unroll 4
  for (int first = 0; first < kVectors; first += 2) {
    const int end = first + 2 < kVectors ? first + 2 : kVectors;
    float32x4_t columns[2];
#pragma GCC unroll 2
    for (int v = first; v < end; ++v) columns[v - first] = vld1q_f32(b + v * 4);
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 2
      for (int v = first; v < end; ++v)
        __asm__ volatile("fmla %0.4s, %1.4s, %2.s[%3]"
                         : "+w"(sum[r][v])
                         : "w"(columns[v - first]), "w"(a[r]), "i"(kLane));
    }
  }
}

/// sum += A · B over `depth`, rows of A from `a` on; b moves on.
template <int kRows, int kVectors>
inline __attribute__((always_inline)) void multiply(const float* (&a)[kRows], std::int64_t depth,
                                                    std::int64_t depth_stride, const float*& b,
                                                    float32x4_t (&sum)[kRows][kVectors]) {
  constexpr int kWidth = kVectors * 4;
  if (depth_stride == 1) {
    for (; depth >= kQuad; depth -= kQuad, b += kQuad * kWidth) {
      float32x4_t quads[kRows];
#pragma GCC unroll 8
      for (int r = 0; r < kRows; ++r) {
        quads[r] = vld1q_f32(a[r]);
        a[r] += kQuad;
      }
      multiply_lane<0>(quads, b, sum);
      multiply_lane<1>(quads, b + kWidth, sum);
      multiply_lane<2>(quads, b + 2 * kWidth, sum);
      multiply_lane<3>(quads, b + 3 * kWidth, sum);
    }
  }
  for (; depth > 0; --depth, b += kWidth) {
    float32x4_t elements[kRows];
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) {
      elements[r] = vld1q_dup_f32(a[r]);
      a[r] += depth_stride;
    }
    multiply_lane<0>(elements, b, sum);
  }
}

template <int kRows, int kVectors>
void gathering_tile(const TileTask& task) noexcept {
  const Vector::Mask tail = Vector::mask(task.columns - (kVectors - 1) * 4);
  float32x4_t sum[kRows][kVectors];
  start(task, tail, sum);
  const float* b = task.b;
  const float* const* rows = task.rows;
  for (std::int64_t tap = 0; tap < task.taps; ++tap, rows += kRows) {
    const float* a[kRows];
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) a[r] = rows[r] + task.first;
    multiply(a, task.depth, task.depth_stride, b, sum);
  }
  finish(task, tail, sum);
}

template <int kRows, int kVectors>
void strided_tile(const TileTask& task) noexcept {
  const Vector::Mask tail = Vector::mask(task.columns - (kVectors - 1) * 4);
  float32x4_t sum[kRows][kVectors];
  start(task, tail, sum);
  const float* a[kRows];
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r) a[r] = task.a + r * task.a_stride;
  const float* b = task.b;
  multiply(a, task.depth, 1, b, sum);
  finish(task, tail, sum);
}

#include "kernels/matmul/strassen_rows.inc"
#include "kernels/matmul/tile_width.inc"

void strassen_rows(const float* even, const float* odd, std::int64_t half, float* to, std::int64_t next,
                   bool copies) noexcept {
  strassen_rows_of(Vector::kLanes, even, odd, half, to, next, copies);
}

}  // namespace

extern const StrassenRows kStrassenRows_neon;
constinit const StrassenRows kStrassenRows_neon = strassen_rows;

#define WHERRY_TILE_scalar(lanes, vectors, gathering, strided)
#define WHERRY_TILE_sve(lanes, vectors, gathering, strided)
#define WHERRY_TILE_neon(lanes, vectors, gathering, strided) \
  static_assert(lanes == Vector::kLanes);                    \
  extern const TileWidth kTile_neon_##vectors;               \
  constinit const TileWidth kTile_neon_##vectors = tile_width<vectors, gathering, strided>();
#define WHERRY_TILE(isa, lanes, vectors, gathering, strided) WHERRY_TILE_##isa(lanes, vectors, gathering, strided)
#include "kernels/matmul/kernels.inc"

}  // namespace wherry::kernels
