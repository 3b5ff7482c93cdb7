// Matmul micro-kernels for sve, of whatever vector length. As in tiles_neon.cc four depths of a row of A are one load,
// here repeated in every 128 bits of a vector, and a multiply-add names the lane it wants. SVE's types have no size, so
// vectors go by names that macros make: sumRV for row R and vector V, quadR, columnV.

#include <arm_sve.h>

#include <cstdint>

#include "kernels/matmul/tile_kernels.h"

namespace wherry::kernels {
namespace {

constexpr int kQuad = 4;  // depths

#define WHERRY_VECTORS(each) each(0) each(1) each(2)
#define WHERRY_ROWS(each) each(0) each(1) each(2) each(3) each(4) each(5) each(6) each(7)
#define WHERRY_SUMS_OF(r, each) each(r, 0) each(r, 1) each(r, 2)
#define WHERRY_SUMS(each) \
  WHERRY_SUMS_OF(0, each) \
  WHERRY_SUMS_OF(1, each) \
  WHERRY_SUMS_OF(2, each) \
  WHERRY_SUMS_OF(3, each) \
  WHERRY_SUMS_OF(4, each) WHERRY_SUMS_OF(5, each) WHERRY_SUMS_OF(6, each) WHERRY_SUMS_OF(7, each)

#define WHERRY_DECLARE_SUM(r, v) svfloat32_t sum##r##v = svdup_f32(0);
#define WHERRY_DECLARE_MASK(v) \
  [[maybe_unused]] const svbool_t mask##v = v + 1 < kVectors ? all : svwhilelt_b32(v * lanes, task.columns);

#define WHERRY_INIT(r, v) \
  if constexpr (r < kRows && v < kVectors) sum##r##v = svld1_f32(mask##v, task.init + r * task.init_stride + v * lanes);
#define WHERRY_ADD_RESIDUAL(r, v)          \
  if constexpr (r < kRows && v < kVectors) \
    sum##r##v = svadd_f32_x(all, sum##r##v, svld1_f32(mask##v, task.residual + r * task.residual_stride + v * lanes));
// FMAX and FMIN give NaN where x is.
#define WHERRY_CLAMP(r, v)                 \
  if constexpr (r < kRows && v < kVectors) \
    sum##r##v = svmin_n_f32_x(all, svmax_n_f32_x(all, sum##r##v, task.low), task.high);
#define WHERRY_STORE(r, v) \
  if constexpr (r < kRows && v < kVectors) svst1_f32(mask##v, task.c + r * task.c_stride + v * lanes, sum##r##v);

// In the first eight registers, the ones that have lanes.
#define WHERRY_DECLARE_QUAD(r) [[maybe_unused]] register svfloat32_t quad##r __asm__("z" #r);
// Written out for its address of two registers, which the intrinsic adds up first.
#define WHERRY_LOAD_QUAD(r)                                  \
  if constexpr (r < kRows)                                   \
    __asm__ volatile("ld1rqw {%0.s}, %1/z, [%2, %3, lsl #2]" \
                     : "=w"(quad##r)                         \
                     : "Upl"(all), "r"(a[r]), "r"(at)        \
                     : "memory");
#define WHERRY_LOAD_ELEMENT(r) \
  if constexpr (r < kRows) quad##r = svdup_f32(a[r][at * depth_stride]);
#define WHERRY_DECLARE_COLUMN(v) [[maybe_unused]] svfloat32_t column##v;
#define WHERRY_LOAD_COLUMN(v) \
  if constexpr (v < kVectors) column##v = svld1_vnum_f32(all, from, offset + v);
// Written out because a compiler's own order of them spills accumulators.
#define WHERRY_MULTIPLY(r, v)              \
  if constexpr (r < kRows && v < kVectors) \
    __asm__ volatile("fmla %0.s, %1.s, %2.s[%3]" : "+w"(sum##r##v) : "w"(column##v), "w"(quad##r), "i"(lane));
/// One depth of B, `first` vectors from b, with a lane of the quads.
#define WHERRY_MULTIPLY_LANE(b, first, lane_of_quads) \
  {                                                   \
    constexpr int lane = lane_of_quads;               \
    constexpr int offset = first;                     \
    const float* const from = b;                      \
    WHERRY_VECTORS(WHERRY_DECLARE_COLUMN)             \
    WHERRY_VECTORS(WHERRY_LOAD_COLUMN)                \
    WHERRY_SUMS(WHERRY_MULTIPLY)                      \
  }

template <int kRows, int kVectors, bool kStrided>
inline __attribute__((always_inline)) void tile(const TileTask& task) {
  const auto lanes = static_cast<std::int64_t>(svcntw());
  const svbool_t all = svptrue_b32();
  WHERRY_VECTORS(WHERRY_DECLARE_MASK)
  WHERRY_SUMS(WHERRY_DECLARE_SUM)
  if (task.init != nullptr) {
    WHERRY_SUMS(WHERRY_INIT)
  }

  const std::int64_t width = kVectors * lanes, depth = task.depth, depth_stride = kStrided ? 1 : task.depth_stride;
  const std::int64_t taps = kStrided ? 1 : task.taps;
  const float* const* rows = task.rows;
  const float* b = task.b;
  for (std::int64_t tap = 0; tap < taps; ++tap, rows += kRows) {
    const float* a[kRows];
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) a[r] = kStrided ? task.a + r * task.a_stride : rows[r] + task.first;
    WHERRY_ROWS(WHERRY_DECLARE_QUAD)
    std::int64_t at = 0;
    if (depth_stride == 1) {
      // Loads reach eight vectors back and seven on, so B is addressed from the middle of four depths.
      const float* middle = b + 2 * width;
      for (; at + kQuad <= depth; at += kQuad, middle += kQuad * width) {
        WHERRY_ROWS(WHERRY_LOAD_QUAD)
        WHERRY_MULTIPLY_LANE(middle, -2 * kVectors, 0)
        WHERRY_MULTIPLY_LANE(middle, -kVectors, 1)
        WHERRY_MULTIPLY_LANE(middle, 0, 2)
        WHERRY_MULTIPLY_LANE(middle, kVectors, 3)
      }
      b = middle - 2 * width;
    }
    for (; at < depth; ++at, b += width) {
      WHERRY_ROWS(WHERRY_LOAD_ELEMENT)
      WHERRY_MULTIPLY_LANE(b, 0, 0)
    }
  }

  if (task.residual != nullptr) {
    WHERRY_SUMS(WHERRY_ADD_RESIDUAL)
  }
  if (task.clamp) {
    WHERRY_SUMS(WHERRY_CLAMP)
  }
  WHERRY_SUMS(WHERRY_STORE)
}

template <int kRows, int kVectors>
void gathering_tile(const TileTask& task) noexcept {
  tile<kRows, kVectors, false>(task);
}

template <int kRows, int kVectors>
void strided_tile(const TileTask& task) noexcept {
  tile<kRows, kVectors, true>(task);
}

#include "kernels/matmul/tile_width.inc"

/// The operations of strassen_rows.inc.
struct Vector {
  using Type = svfloat32_t;
  static svbool_t mask(std::int64_t lanes) { return svwhilelt_b32_s64(0, lanes); }
  static Type load(const float* p, svbool_t mask = svptrue_b32()) { return svld1_f32(mask, p); }
  static void store(float* p, Type x, svbool_t mask = svptrue_b32()) { svst1_f32(mask, p, x); }
  static Type add(Type a, Type b) { return svadd_f32_x(svptrue_b32(), a, b); }
  static Type sub(Type a, Type b) { return svsub_f32_x(svptrue_b32(), a, b); }
};

#include "kernels/matmul/strassen_rows.inc"

void strassen_rows(const float* even, const float* odd, std::int64_t half, float* to, std::int64_t next,
                   bool copies) noexcept {
  strassen_rows_of(static_cast<std::int64_t>(svcntw()), even, odd, half, to, next, copies);
}

}  // namespace

extern const StrassenRows kStrassenRows_sve;
constinit const StrassenRows kStrassenRows_sve = strassen_rows;

#define WHERRY_TILE_scalar(vectors, gathering, strided)
#define WHERRY_TILE_neon(vectors, gathering, strided)
#define WHERRY_TILE_sve(vectors, gathering, strided) \
  extern const TileWidth kTile_sve_##vectors;        \
  constinit const TileWidth kTile_sve_##vectors = tile_width<vectors, gathering, strided>();
#define WHERRY_TILE(isa, lanes, vectors, gathering, strided) WHERRY_TILE_##isa(vectors, gathering, strided)
#include "kernels/matmul/kernels.inc"

}  // namespace wherry::kernels
