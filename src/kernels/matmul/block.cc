// The loop over chunks of depth and tiles, and the epilogue.

#include "kernels/matmul/block.h"

#include <cstring>
#include <limits>
#include <memory>

namespace wherry::kernels {

void run_epilogue_program(const Epilogue& epilogue, const EpilogueOrigin& origin, const float* accumulators,
                          std::int64_t accumulator_stride, void* c, std::int64_t c_row_stride, std::int64_t rows,
                          std::int64_t columns) noexcept {
  // Uninitialised: operands are few, the most there may be are many.
  alignas(TileOperand) std::byte storage[kMaxEpilogueOperands * sizeof(TileOperand)];
  TileOperand* operands = reinterpret_cast<TileOperand*>(storage);
  std::construct_at(operands, TileOperand{accumulators, accumulator_stride, 1});
  for (int i = 0; i < epilogue.operand_count; ++i) {
    TileOperand operand = epilogue.operands[i];
    const std::int64_t elements = origin.row * operand.row_stride + origin.column * operand.column_stride +
                                  (origin.operand_offsets != nullptr ? origin.operand_offsets[i] : 0);
    operand.data = static_cast<const std::byte*>(operand.data) + elements * operand.element_bytes;
    std::construct_at(operands + i + 1, operand);
  }
  epilogue.program->run(operands, {c, c_row_stride, 1}, rows, columns);
}

void compute_block(const BlockTask& task) noexcept {
  const Blocking& blocking = *task.blocking;
  const Epilogue& epilogue = *task.epilogue;
  const std::int64_t width = task.vectors * task.kernels->lanes;
  const std::int64_t first_row = blocking.first_row(task.first_tile);
  const TileKernel* kernels = task.kernels->widths[task.vectors].rows(blocking.strided).kernels;
  const float* bias = epilogue.bias == nullptr ? nullptr : epilogue.bias + task.origin.column;
  const float* residual = epilogue.residual == nullptr
                              ? nullptr
                              : static_cast<const float*>(epilogue.residual) + task.origin.residual_offset +
                                    task.origin.row * epilogue.residual_row_stride + task.origin.column;
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  const bool clamp = epilogue.low > -kInfinity || epilogue.high < kInfinity;
  // Where the last chunk's tiles go: straight to C, or to scratch for the program.
  float* const c = epilogue.program == nullptr ? static_cast<float*>(task.c) : task.accumulators;
  const std::int64_t c_stride = epilogue.program == nullptr ? task.c_row_stride : width;

  const float* b = task.panel;
  bool first_chunk = true;
  for (std::int64_t tap = 0; tap < task.taps || first_chunk; tap += blocking.chunk_taps) {
    const std::int64_t taps = tap + blocking.chunk_taps < task.taps ? blocking.chunk_taps : task.taps - tap;
    for (std::int64_t k = 0; k < task.depth || first_chunk; k += blocking.chunk_depth) {
      const std::int64_t depth = k + blocking.chunk_depth < task.depth ? blocking.chunk_depth : task.depth - k;
      const bool last_chunk = tap + taps >= task.taps && k + depth >= task.depth;
      // While one chunk of B is multiplied, its successor in memory is brought to L2, each tile asking for its share.
      const Blocking::Part wanted = last_chunk ? task.prefetch : Blocking::Part{0, taps * depth * width};
      const std::int64_t wanted_bytes = (wanted.end - wanted.begin) * static_cast<std::int64_t>(sizeof(float));
      const std::int64_t tiles = task.end_tile - task.first_tile;
      for (std::int64_t tile = task.first_tile; tile < task.end_tile; ++tile) {
        const std::int64_t row = blocking.first_row(tile) - first_row;
        const std::int64_t rows = blocking.first_row(tile + 1) - first_row - row;
        TileTask inner;
        if (blocking.strided) {
          inner.a = task.a + row * task.a_row_stride + k;
          inner.a_stride = task.a_row_stride;
        } else {
          inner.rows = task.table + row * task.taps + tap * rows;
          inner.first = task.first + k * task.depth_stride;
        }
        inner.taps = taps;
        inner.depth = depth;
        inner.depth_stride = task.depth_stride;
        inner.b = b;
        inner.init = first_chunk ? bias : task.accumulators + row * width;
        inner.init_stride = first_chunk ? 0 : width;
        inner.residual = last_chunk && residual != nullptr ? residual + row * epilogue.residual_row_stride : nullptr;
        inner.residual_stride = epilogue.residual_row_stride;
        inner.c = last_chunk ? c + row * c_stride : task.accumulators + row * width;
        inner.c_stride = last_chunk ? c_stride : width;
        inner.columns = task.columns;
        inner.prefetch = b;
        inner.prefetch_step = 0;
        if (wanted_bytes > 0 && taps * depth > 0) {
          const std::int64_t done = tile - task.first_tile;
          inner.prefetch =
              reinterpret_cast<const char*>(b + taps * depth * width + wanted.begin) + wanted_bytes * done / tiles;
          inner.prefetch_step = (wanted_bytes + tiles * taps * depth - 1) / (tiles * taps * depth);
        } else if (blocking.strided && task.a_row_stride == depth) {
          // Nothing of B to wait for: the next tile's rows of A, which often come from another core's cache.
          inner.prefetch = inner.a + rows * depth;
          inner.prefetch_step = rows * static_cast<std::int64_t>(sizeof(float));
        }
        inner.clamp = last_chunk && clamp;
        inner.low = epilogue.low;
        inner.high = epilogue.high;
        kernels[rows](inner);
      }
      b += taps * depth * width;
      first_chunk = false;
      if (last_chunk) break;
    }
  }
  if (epilogue.program != nullptr) {
    const std::int64_t rows = blocking.first_row(task.end_tile) - first_row;
    run_epilogue_program(epilogue, task.origin, task.accumulators, width, task.c, task.c_row_stride, rows,
                         task.columns);
  }
}

void copy_rows(const float* a, std::int64_t a_row_stride, std::int64_t rows, std::int64_t depth, float* to,
               std::int64_t to_stride) noexcept {
  if (depth == 0) return;  // then there may be no memory at all
  for (std::int64_t r = 0; r < rows; ++r) std::memcpy(to + r * to_stride, a + r * a_row_stride, depth * sizeof(float));
}

}  // namespace wherry::kernels
