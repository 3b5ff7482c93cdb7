// bf16 blocks on AMX: 2 × 2 tiles of sums, two tiles of A and two of B. Each product of tiles keeps the tile unit busy
// for 16 cycles, in which the vector units finish rows of the block before.

#include <immintrin.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "kernels/matmul/bf16_block.h"

namespace wherry::kernels {
namespace {

#include "kernels/matmul/amx_tiles.inc"
#include "kernels/matmul/bf16_activations.inc"
#include "kernels/matmul/bf16_dot.inc"
#include "kernels/matmul/bf16_rows.inc"

/// Fewer rows than this waste most of a tile: vdpbf16ps reads the same weights.
constexpr int kFewRows = 3;

/// Rows that are finished at a time.
constexpr int kFewestRows = 4;

/// Palette 1: tiles 0 to 3 are sums, 4 and 5 A, 6 and 7 B. `step` is in elements.
void begin(int step) noexcept {
  TileConfig config;
  for (const int sums : {0, 1, 2, 3}) config.column_bytes[sums] = 64, config.rows[sums] = 16;
  for (const int a : {4, 5}) config.column_bytes[a] = static_cast<std::uint16_t>(2 * step), config.rows[a] = 16;
  for (const int b : {6, 7}) config.column_bytes[b] = 64, config.rows[b] = static_cast<std::uint8_t>(step / 2);
  load_tile_config(config);
}

void end() noexcept { _tile_release(); }

/// One wide floating-point instruction for each step of tile products. Without one now and then the tile unit of
/// present cores (Sapphire Rapids) falls to about four fifths of its rate, measured: wide integer instructions, loads
/// and stores do not prevent that. Rounding to bf16 takes any operand without exceptions or assists.
inline void keep_awake() noexcept { __asm__ volatile("vcvtne2ps2bf16 %%zmm31, %%zmm31, %%zmm31" ::: "xmm31"); }

/// Rows of the block before where their kind is not among those that have code of their own, or where there are none.
class AnyRows {
 public:
  explicit AnyRows(Bf16Finish* finish) noexcept : finish_(finish) {}
  int left() const noexcept { return finish_ == nullptr ? 0 : finish_->rows - finish_->next; }
  void run(int count) noexcept { finish(*finish_, count); }

 private:
  Bf16Finish* finish_;
};

/// Tile products of one step, the sums' tiles being prepared by `before(tile)` where this is a block's first.
template <int kRowTiles, int kColumnTiles, Bf16Streams kStreams, class Before>
inline __attribute__((always_inline)) void multiply(const std::byte* a0, const std::byte* a1, std::int64_t row_bytes,
                                                    const std::byte* b, std::int64_t tile_bytes,
                                                    const Before& before) noexcept {
  // (The number of a tile must be a literal for g++ 12.)
  if constexpr (kStreams == Bf16Streams::b)
    _tile_stream_loadd(6, b, 64);
  else
    _tile_loadd(6, b, 64);
  if constexpr (kStreams == Bf16Streams::a)
    _tile_stream_loadd(4, a0, row_bytes);
  else
    _tile_loadd(4, a0, row_bytes);
  before.template operator()<0>();
  _tile_dpbf16ps(0, 4, 6);
  if constexpr (kRowTiles == 2) {
    if constexpr (kStreams == Bf16Streams::a)
      _tile_stream_loadd(5, a1, row_bytes);
    else
      _tile_loadd(5, a1, row_bytes);
    before.template operator()<2>();
    _tile_dpbf16ps(2, 5, 6);
  }
  if constexpr (kColumnTiles == 2) {
    if constexpr (kStreams == Bf16Streams::b)
      _tile_stream_loadd(7, b + tile_bytes, 64);
    else
      _tile_loadd(7, b + tile_bytes, 64);
    before.template operator()<1>();
    _tile_dpbf16ps(1, 4, 7);
    if constexpr (kRowTiles == 2) {
      before.template operator()<3>();
      _tile_dpbf16ps(3, 5, 7);
    }
  }
  keep_awake();
}

/// Tile products of one step, in parts or not.
template <int kRowTiles, int kColumnTiles, Bf16Streams kStreams, int kParts, class Before>
inline __attribute__((always_inline)) void multiply_step(const std::byte* a0, const std::byte* a1,
                                                         std::int64_t row_bytes, std::int64_t a_part,
                                                         const std::byte* b, std::int64_t tile_bytes,
                                                         const Before& before) noexcept {
  const auto part = [&](int p, int q, const auto& first) __attribute__((always_inline)) {
    multiply<kRowTiles, kColumnTiles, kStreams>(a0 + p * a_part, a1 + p * a_part, row_bytes,
                                                b + q * kColumnTiles * tile_bytes, tile_bytes, first);
  };
  if constexpr (kParts == 1) return part(0, 0, before);
  const auto nothing = []<int>() {};
  part(0, 2, before);
  part(0, 1, nothing);
  part(1, 1, nothing);
  part(0, 0, nothing);
  part(1, 0, nothing);
  part(2, 0, nothing);
}

/// A tile of sums to or from its place in a block.
template <int kTile>
inline __attribute__((always_inline)) void store_sums(float* sums) noexcept {
  if constexpr (kTile == 0) _tile_stored(0, sums, 128);
  if constexpr (kTile == 1) _tile_stored(1, sums + 16, 128);
  if constexpr (kTile == 2) _tile_stored(2, sums + 16 * 32, 128);
  if constexpr (kTile == 3) _tile_stored(3, sums + 16 * 32 + 16, 128);
}

template <int kTile>
inline __attribute__((always_inline)) void load_sums(const float* sums) noexcept {
  if constexpr (kTile == 0) _tile_loadd(0, sums, 128);
  if constexpr (kTile == 1) _tile_loadd(1, sums + 16, 128);
  if constexpr (kTile == 2) _tile_loadd(2, sums + 16 * 32, 128);
  if constexpr (kTile == 3) _tile_loadd(3, sums + 16 * 32 + 16, 128);
}

/// (A bias could start the sums, but sixteen loads of one line a tile take longer than its additions later.)
template <int kTile>
inline __attribute__((always_inline)) void zero_sums() noexcept {
  if constexpr (kTile == 0) _tile_zero(0);
  if constexpr (kTile == 1) _tile_zero(1);
  if constexpr (kTile == 2) _tile_zero(2);
  if constexpr (kTile == 3) _tile_zero(3);
}

/// Stores what a block left in the tiles.
void settle(Bf16Sums& in_tiles) noexcept {
  if (in_tiles.to == nullptr) return;
  store_sums<0>(in_tiles.to);
  store_sums<2>(in_tiles.to);
  store_sums<1>(in_tiles.to);
  store_sums<3>(in_tiles.to);
  in_tiles.to = nullptr;
}

/// Instructions after a store of a tile wait until its last product is done. So each tile of the block before is stored
/// just before the first product of this block that replaces it, while the tile unit still works on the others'.
/// Whatever a block needs to know is found before that.
template <int kRowTiles, int kColumnTiles, Bf16Streams kStreams, int kParts, class Beside>
inline __attribute__((always_inline)) void tiles(const Bf16BlockTask& task, Beside beside, float* before) noexcept {
  const std::int64_t row_bytes = task.a_row_bytes, step_bytes = task.a_step_bytes, a_part = step_bytes / kParts;
  const std::int64_t tile_bytes = std::int64_t{32} * task.step;
  const std::int64_t taps = task.taps, steps = task.steps, prefetch_lines = task.prefetch_lines;
  const std::int64_t* const tap_bytes = task.tap_bytes;
  const std::byte* const first[2] = {task.a[0], task.a[kRowTiles - 1]};
  const std::byte* b = task.b;
  const std::byte* prefetch = task.prefetch;
  // Rows go several at a time, spread over all steps.
  const auto total = static_cast<unsigned>(taps * steps), left = static_cast<unsigned>(beside.left());
  int quota = static_cast<int>((left + total - 1) / total), every = 1;
  if (quota > 0 && quota < kFewestRows) {
    quota = kFewestRows;
    every = static_cast<int>(kFewestRows * total / left);
  }
  int wait = 1;
  const auto after_step = [&]() __attribute__((always_inline)) {
    b += kParts * kColumnTiles * tile_bytes;
    for (std::int64_t line = 0; line < prefetch_lines; ++line, prefetch += 64)
      _mm_prefetch(reinterpret_cast<const char*>(prefetch), _MM_HINT_T1);
    if (quota > 0 && --wait == 0) {
      beside.run(quota);
      wait = every;
    }
  };
  const std::byte* a0 = first[0] + tap_bytes[0];
  const std::byte* a1 = first[1] + tap_bytes[0];
  if (task.adds) {
    float* const sums = task.sums;
    multiply_step<kRowTiles, kColumnTiles, kStreams, kParts>(a0, a1, row_bytes, a_part, b, tile_bytes,
                                                             [&]<int kTile>() {
                                                               if (before != nullptr) store_sums<kTile>(before);
                                                               load_sums<kTile>(sums);
                                                             });
  } else if (before != nullptr) {
    multiply_step<kRowTiles, kColumnTiles, kStreams, kParts>(a0, a1, row_bytes, a_part, b, tile_bytes,
                                                             [&]<int kTile>() {
                                                               store_sums<kTile>(before);
                                                               zero_sums<kTile>();
                                                             });
  } else {
    multiply_step<kRowTiles, kColumnTiles, kStreams, kParts>(a0, a1, row_bytes, a_part, b, tile_bytes,
                                                             [&]<int kTile>() { zero_sums<kTile>(); });
  }
  after_step();
  std::int64_t step = 1;
  for (std::int64_t tap = 0;;) {
    for (; step < steps; ++step) {
      a0 += step_bytes;
      a1 += step_bytes;
      multiply_step<kRowTiles, kColumnTiles, kStreams, kParts>(a0, a1, row_bytes, a_part, b, tile_bytes, []<int>() {});
      after_step();
    }
    if (++tap == taps) break;
    step = 0;
    a0 = first[0] + tap_bytes[tap] - step_bytes;
    a1 = first[1] + tap_bytes[tap] - step_bytes;
  }
}

/// A whole block, which stays in the tiles, beside rows of one kind.
template <class Beside, int kParts = 1>
void whole_block(const Bf16BlockTask& task, Bf16Finish* pending, Bf16Sums& in_tiles) noexcept {
  float* const before = in_tiles.to;
  in_tiles.to = task.sums;
  switch (task.streams) {
    case Bf16Streams::none: return tiles<2, 2, Bf16Streams::none, kParts>(task, Beside(pending), before);
    case Bf16Streams::a: return tiles<2, 2, Bf16Streams::a, kParts>(task, Beside(pending), before);
    case Bf16Streams::b: return tiles<2, 2, Bf16Streams::b, kParts>(task, Beside(pending), before);
  }
}

/// A block at an edge.
template <int kRowTiles, int kColumnTiles, int kParts>
void part_block(const Bf16BlockTask& task, Bf16Finish* pending, Bf16Sums& in_tiles) noexcept {
  settle(in_tiles);
  tiles<kRowTiles, kColumnTiles, Bf16Streams::none, kParts>(task, AnyRows(pending), nullptr);
  store_sums<0>(task.sums);
  if constexpr (kRowTiles == 2) store_sums<2>(task.sums);
  if constexpr (kColumnTiles == 2) store_sums<1>(task.sums);
}

/// Any block at an edge.
template <int kParts>
void edge_block(const Bf16BlockTask& task, Bf16Finish* pending, Bf16Sums& in_tiles) noexcept {
  if (task.row_tiles == 2) return part_block<2, 1, kParts>(task, pending, in_tiles);
  return task.column_tiles == 2 ? part_block<1, 2, kParts>(task, pending, in_tiles)
                                : part_block<1, 1, kParts>(task, pending, in_tiles);
}

void block(const Bf16BlockTask& task, Bf16Finish* pending, Bf16Sums& in_tiles) noexcept {
  const bool whole = task.row_tiles == 2 && task.column_tiles == 2;
  // In parts few rows too: their weights, which take half as much again as fp32 ones, are all that they wait for.
  if (task.parts > 1)
    return whole ? whole_block<AnyRows, kBf16Parts>(task, pending, in_tiles)
                 : edge_block<kBf16Parts>(task, pending, in_tiles);
  if (task.rows <= kFewRows) {
    settle(in_tiles);
    if (pending != nullptr) finish(*pending, kBf16BlockRows);
    return dot_block(task);
  }
  if (!whole) return edge_block<1>(task, pending, in_tiles);
  if (pending != nullptr && pending->y_is_bf16 && pending->columns == kBf16BlockColumns) {
    using enum Bf16Finish::Residual;
    const bool plain = pending->residual_kind == none && pending->even && !pending->clamp_high;
    if (pending->activation != Activation::none) {
      if (plain && pending->activation == Activation::gelu)
        return whole_block<Rows<none, true, true, false, true, Activation::gelu>>(task, pending, in_tiles);
      if (plain && pending->activation == Activation::gelu_tanh)
        return whole_block<Rows<none, true, true, false, true, Activation::gelu_tanh>>(task, pending, in_tiles);
      return whole_block<AnyRows>(task, pending, in_tiles);
    }
    if (pending->residual_kind == none && pending->even)
      return pending->clamp_high ? whole_block<Rows<none, true, true, true, true>>(task, pending, in_tiles)
                                 : whole_block<Rows<none, true, true, false, true>>(task, pending, in_tiles);
    if (pending->residual_kind == none && !pending->clamp_high)
      return whole_block<Rows<none, true, true, false, false>>(task, pending, in_tiles);
    if (pending->residual_kind == bf16 && !pending->clamp_high && pending->even)
      return whole_block<Rows<bf16, true, true, false, true>>(task, pending, in_tiles);
  }
  whole_block<AnyRows>(task, pending, in_tiles);
}

/// What numbers of 16 lanes are the sums of, each the upper half of a lane: the first rounded, half away from zero, or
/// cut off; what is left has 16 bits, of which the second takes 8, and the third the others.
template <bool kRounds>
inline void take_apart(__m512 x, __m512i (&parts)[kBf16Parts]) noexcept {
  const __m512i upper = _mm512_set1_epi32(static_cast<int>(0xFFFF0000));
  const __m512i bits = _mm512_castps_si512(x);
  parts[0] = _mm512_and_si512(kRounds ? _mm512_add_epi32(bits, _mm512_set1_epi32(0x8000)) : bits, upper);
  const __m512 rest = _mm512_sub_ps(x, _mm512_castsi512_ps(parts[0]));
  parts[1] = _mm512_and_si512(_mm512_castps_si512(rest), upper);
  parts[2] = _mm512_castps_si512(_mm512_sub_ps(rest, _mm512_castsi512_ps(parts[1])));
}

/// The next 32 numbers of a row, zeros where fewer are left.
struct Numbers {
  __m512 low, high;
  Numbers(const float* from, std::int64_t left) noexcept {
    const __mmask32 mask = first_columns(static_cast<int>(left < 32 ? left : 32));
    low = _mm512_maskz_loadu_ps(static_cast<__mmask16>(mask), from);
    high = _mm512_maskz_loadu_ps(static_cast<__mmask16>(mask >> 16), from + 16);
  }
};

/// `depth` numbers, zeros behind them. False where one is infinite, no number, or would round to an infinity.
template <bool kRounds>
bool row_in_parts(const float* row, std::int64_t depth, const Bf16GatherTask& task) noexcept {
  // The upper halves of two vectors' lanes.
  alignas(64) static constexpr std::uint16_t kUpper[32] = {1,  3,  5,  7,  9,  11, 13, 15, 17, 19, 21,
                                                           23, 25, 27, 29, 31, 33, 35, 37, 39, 41, 43,
                                                           45, 47, 49, 51, 53, 55, 57, 59, 61, 63};
  const __m512i upper = _mm512_load_si512(kUpper);
  const __m512i magnitude = _mm512_set1_epi32(0x7FFFFFFF), largest = _mm512_set1_epi32(0x7F7F7FFF);
  const std::int64_t part = task.step_bytes / kBf16Parts;
  std::byte* to = task.to;
  unsigned beyond = 0;
  for (std::int64_t left = depth; left > 0; left -= 32, row += 32, to += task.step_bytes) {
    const Numbers x(row, left);
    beyond |= _mm512_cmpgt_epi32_mask(_mm512_and_si512(_mm512_castps_si512(x.low), magnitude), largest);
    beyond |= _mm512_cmpgt_epi32_mask(_mm512_and_si512(_mm512_castps_si512(x.high), magnitude), largest);
    __m512i of_low[kBf16Parts], of_high[kBf16Parts];
    take_apart<kRounds>(x.low, of_low);
    take_apart<kRounds>(x.high, of_high);
    for (int p = 0; p < kBf16Parts; ++p)
      _mm512_storeu_si512(to + p * part, _mm512_permutex2var_epi16(of_low[p], upper, of_high[p]));
  }
  return beyond == 0;
}

/// A row with an infinity, or with what is no number, has no finite result (but NaN, where that is multiplied by zero).
/// Its smaller parts would be NaN, so all its numbers are third parts alone, which meet the first parts of B.
void row_beyond(const float* row, std::int64_t depth, const Bf16GatherTask& task) noexcept {
  bool finite = true;
  for (std::int64_t k = 0; k < depth; ++k) finite = finite && std::isfinite(row[k]);
  if (finite) {
    row_in_parts<false>(row, depth, task);
    return;
  }
  const std::int64_t part = task.step_bytes / kBf16Parts;
  std::byte* to = task.to;
  for (std::int64_t left = depth; left > 0; left -= 32, row += 32, to += task.step_bytes) {
    const Numbers x(row, left);
    _mm512_storeu_si512(to, _mm512_setzero_si512());
    _mm512_storeu_si512(to + part, _mm512_setzero_si512());
    _mm512_storeu_si512(to + 2 * part, (__m512i)_mm512_cvtne2ps_pbh(x.high, x.low));
  }
}

void gather_parts(const Bf16GatherTask& task) noexcept {
  const float* row = reinterpret_cast<const float*>(task.row);
  std::int64_t depth = task.depth;
  if (task.count == 1 && task.pieces[0].at == 0 && task.pieces[0].elements + 32 > task.depth) {
    row = reinterpret_cast<const float*>(task.pieces[0].from);
    depth = task.pieces[0].elements;
  } else {
    std::memset(task.row, 0, static_cast<std::size_t>(task.depth) * sizeof(float));
    for (std::int64_t i = 0; i < task.count; ++i)
      std::memcpy(task.row + task.pieces[i].at * static_cast<std::int64_t>(sizeof(float)), task.pieces[i].from,
                  static_cast<std::size_t>(task.pieces[i].elements) * sizeof(float));
  }
  if (!row_in_parts<true>(row, depth, task)) row_beyond(row, depth, task);
}

}  // namespace

extern const Bf16Kernels kBf16Kernels_amx;
constinit const Bf16Kernels kBf16Kernels_amx = {.isa = base::Isa::amx,
                                                .begin = begin,
                                                .end = end,
                                                .block = block,
                                                .settle = settle,
                                                .finish = finish,
                                                .gather = gather,
                                                .gather_parts = gather_parts};

}  // namespace wherry::kernels
