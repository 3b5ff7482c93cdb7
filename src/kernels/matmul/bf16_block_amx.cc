// bf16 blocks on AMX: 2 × 2 tiles of sums, two tiles of A and two of B. Each product of tiles keeps the tile unit busy
// for 16 cycles, in which the vector units finish rows of the block before.

#include <immintrin.h>

#include <cstdint>

#include "kernels/matmul/bf16_block.h"

namespace wherry::kernels {
namespace {

#include "kernels/matmul/bf16_dot.inc"
#include "kernels/matmul/bf16_rows.inc"

/// Fewer rows than this waste most of a tile: vdpbf16ps reads the same weights.
constexpr int kFewRows = 3;

/// Rows that are finished at a time.
constexpr int kFewestRows = 8;

/// Palette 1: tiles 0 to 3 are sums, 4 and 5 A, 6 and 7 B. `step` is in elements.
void begin(int step) noexcept {
  struct alignas(64) Config {
    std::uint8_t palette = 1, start_row = 0, reserved[14] = {};
    std::uint16_t column_bytes[16] = {64, 64, 64, 64};
    std::uint8_t rows[16] = {16, 16, 16, 16};
  } config;
  static_assert(sizeof(Config) == 64);
  for (const int a : {4, 5}) config.column_bytes[a] = static_cast<std::uint16_t>(2 * step), config.rows[a] = 16;
  for (const int b : {6, 7}) config.column_bytes[b] = 64, config.rows[b] = static_cast<std::uint8_t>(step / 2);
  // g++ 12's _tile_loadconfig declares only 8 of the 64 bytes as read.
  __asm__ volatile("ldtilecfg %0" : : "m"(config));
}

void end() noexcept { _tile_release(); }

template <int kRowTiles, int kColumnTiles, bool kStream>
void tiles(const Bf16BlockTask& task, Bf16Finish* pending) noexcept {
  if (task.adds) {
    _tile_loadd(0, task.sums, 128);
    if constexpr (kColumnTiles == 2) _tile_loadd(1, task.sums + 16, 128);
    if constexpr (kRowTiles == 2) _tile_loadd(2, task.sums + 16 * 32, 128);
    if constexpr (kRowTiles == 2 && kColumnTiles == 2) _tile_loadd(3, task.sums + 16 * 32 + 16, 128);
  } else {
    // (A bias could start the sums, but sixteen loads of one line a tile take longer than its additions later.)
    _tile_zero(0);
    if constexpr (kColumnTiles == 2) _tile_zero(1);
    if constexpr (kRowTiles == 2) _tile_zero(2);
    if constexpr (kRowTiles == 2 && kColumnTiles == 2) _tile_zero(3);
  }
  const std::int64_t row_bytes = task.a_row_bytes;
  const std::int64_t tile_bytes = std::int64_t{32} * task.step;
  const std::byte* b = task.b;
  const std::byte* prefetch = task.prefetch;
  const std::int64_t total = task.taps * task.steps;
  // Rows go several at a time, as each call has its price.
  int quota = 0, every = 1;
  if (pending != nullptr) {
    quota = static_cast<int>((pending->rows - pending->next + total - 1) / total);
    if (quota < kFewestRows) {
      every = kFewestRows / quota;
      quota *= every;
    }
  }
  int wait = 1;
  for (std::int64_t tap = 0; tap < task.taps; ++tap) {
    const std::byte* a0 = task.a[0] + task.tap_bytes[tap];
    const std::byte* a1 = kRowTiles == 2 ? task.a[1] + task.tap_bytes[tap] : nullptr;
    for (std::int64_t s = 0; s < task.steps; ++s, a0 += task.a_step_bytes, b += kColumnTiles * tile_bytes) {
      _tile_loadd(6, b, 64);
      // (The number of a tile must be a literal for g++ 12.)
      if constexpr (kStream)
        _tile_stream_loadd(4, a0, row_bytes);
      else
        _tile_loadd(4, a0, row_bytes);
      _tile_dpbf16ps(0, 4, 6);
      if constexpr (kRowTiles == 2) {
        if constexpr (kStream)
          _tile_stream_loadd(5, a1, row_bytes);
        else
          _tile_loadd(5, a1, row_bytes);
        a1 += task.a_step_bytes;
        _tile_dpbf16ps(2, 5, 6);
      }
      if constexpr (kColumnTiles == 2) {
        _tile_loadd(7, b + tile_bytes, 64);
        _tile_dpbf16ps(1, 4, 7);
        if constexpr (kRowTiles == 2) _tile_dpbf16ps(3, 5, 7);
      }
      for (std::int64_t line = 0; line < task.prefetch_lines; ++line, prefetch += 64)
        _mm_prefetch(reinterpret_cast<const char*>(prefetch), _MM_HINT_T1);
      if (quota > 0 && --wait == 0) {
        finish(*pending, quota);
        wait = every;
      }
    }
  }
  _tile_stored(0, task.sums, 128);
  if constexpr (kColumnTiles == 2) _tile_stored(1, task.sums + 16, 128);
  if constexpr (kRowTiles == 2) _tile_stored(2, task.sums + 16 * 32, 128);
  if constexpr (kRowTiles == 2 && kColumnTiles == 2) _tile_stored(3, task.sums + 16 * 32 + 16, 128);
}

void block(const Bf16BlockTask& task, Bf16Finish* pending) noexcept {
  if (task.rows <= kFewRows) {
    if (pending != nullptr) finish(*pending, kBf16BlockRows);
    return dot_block(task);
  }
  // Each field is loaded as it was stored: one load of two neighbours would have to wait until both stores, and the
  // tiles of sums stored before them, have reached the cache.
  int row_tiles = task.row_tiles, column_tiles = task.column_tiles;
  __asm__("" : "+r"(row_tiles), "+r"(column_tiles));
  if (row_tiles == 2 && column_tiles == 2)
    task.a_streams ? tiles<2, 2, true>(task, pending) : tiles<2, 2, false>(task, pending);
  else if (row_tiles == 2)
    tiles<2, 1, false>(task, pending);
  else
    column_tiles == 2 ? tiles<1, 2, false>(task, pending) : tiles<1, 1, false>(task, pending);
}

}  // namespace

extern const Bf16Kernels kBf16Kernels_amx;
constinit const Bf16Kernels kBf16Kernels_amx = {base::Isa::amx, begin, end, block, finish, gather};

}  // namespace wherry::kernels
