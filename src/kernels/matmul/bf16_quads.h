#pragma once
// How BFMMLA meets a bf16 block: steps of four in depth (quads), rows gathered so that two neighbours' quads fill 128
// bits. Plain structs and always-inlined code only: the files compiled for one instruction set include this.

#include <cstddef>
#include <cstdint>

#include "kernels/matmul/bf16_block.h"

namespace wherry::kernels {

inline constexpr std::int64_t kBf16QuadRowBytes = 2 * kBf16Group;  ///< of a row of A, or a column of B
inline constexpr std::int64_t kBf16QuadRowsBytes = kBf16BlockRows * kBf16QuadRowBytes;
/// Pairs of rows at a time: with four vectors of B they fill 24 of 32 registers, and take the fewest loads for a
/// product.
inline constexpr int kBf16QuadPairs = 6;

struct Bf16QuadTask {
  std::int64_t taps;
  const std::int64_t* tap_bytes;  ///< from the first row's quads to those of the tap
  std::int64_t quads;             ///< of a tap
  std::int64_t b_quad_bytes;      ///< of all columns of the block
  bool adds;
};

namespace {

/// A block whose rows were gathered: those of both tiles follow each other, 8 bytes apart.
inline __attribute__((always_inline)) Bf16QuadTask quads_of(const Bf16BlockTask& task) noexcept {
  return {task.taps, task.tap_bytes, task.steps, task.column_tiles * kBf16TileColumns * kBf16QuadRowBytes, task.adds};
}

/// Calls product(first row, pairs of rows) for runs of nearly equal length.
template <class Product>
inline __attribute__((always_inline)) void each_quad_product(const Bf16BlockTask& task, Product product) noexcept {
  const int pairs = (task.rows + 1) / 2, runs = (pairs + kBf16QuadPairs - 1) / kBf16QuadPairs;
  for (int run = 0; run < runs; ++run) {
    const int first = pairs * run / runs;
    product(std::int64_t{2} * first, pairs * (run + 1) / runs - first);
  }
}

}  // namespace

}  // namespace wherry::kernels
