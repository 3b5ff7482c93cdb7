#pragma once
// What an instruction set supplies to attention: all that happens to a block of rows between its products. Plain
// structs only: the files compiled for one instruction set include this.

#include <cstdint>

namespace wherry::kernels {

inline constexpr int kAttentionRows = 32;     ///< of a block
inline constexpr int kAttentionColumns = 32;  ///< neighbours of a row in scratch

/// A mask this far below the greatest of its row hides a key whatever the scores are. The numbers that stand for −∞ in
/// masks (−∞ itself, the least finite one) are lower still.
inline constexpr float kHiddenBelow = 1e30f;

/// A block of at most kAttentionRows rows in scratch: element (r, j) at r · row_stride + j / 32 · block_stride + j
/// % 32.
struct AttentionBlock {
  std::int64_t row_stride, block_stride;
};

/// Scores of a chunk of keys on their way to weights: s = scale · s + mask, w = exp(s − greatest).
struct AttentionSoftmax {
  float* scores;
  AttentionBlock scores_lie;
  void* weights;  ///< fp32 in place of the scores; bf16 ones as [step of the keys][32 rows][step]
  int rows;
  std::int64_t keys;          ///< of the chunk
  std::int64_t padded_keys;   ///< weights are 0 from a row's last key up to here
  std::int64_t visible;       ///< how many of them row 0 sees; may be < 0 or > keys
  std::int64_t visible_step;  ///< how many more each further row sees
  float scale;
  const float* mask;  ///< or null
  std::int64_t mask_row_stride;
  float* greatest;    ///< [rows]: of earlier chunks (−∞ before the first), then of this one too
  float* sum;         ///< [rows]: Σ w so far
  float* correction;  ///< [rows], written: what sums over earlier chunks have to be multiplied by
};

/// Rows of Σ w · V on their way out.
struct AttentionFinish {
  const float* sums;
  AttentionBlock sums_lie;
  const float* weight_sums;  ///< [rows]
  int rows;
  std::int64_t columns;
  void* y;
  std::int64_t y_row_stride;  ///< elements
  bool y_is_bf16;
};

struct AttentionKernels {
  void (*softmax)(const AttentionSoftmax& task) noexcept;
  /// Row r of the sums times correction[r].
  void (*rescale)(float* sums, const AttentionBlock& lie, const float* correction, int rows,
                  std::int64_t columns) noexcept;
  void (*finish)(const AttentionFinish& task) noexcept;
  /// fp32 only. Keys that come before those that are hidden from every row of mask [rows, keys]: a row's last ones
  /// where they are so low that their weights are 0 beside its greatest element's.
  std::int64_t (*visible_keys)(const float* mask, std::int64_t row_stride, std::int64_t rows,
                               std::int64_t keys) noexcept;
  /// fp32 only. By the same rule, how many of the first keys are hidden from every row; less than all of them.
  std::int64_t (*hidden_keys)(const float* mask, std::int64_t row_stride, std::int64_t rows,
                              std::int64_t keys) noexcept;
  /// fp32 only, and null where the loops of panels.h do as well. Keys [keys, depth] as a panel [depth, width] of Kᵀ,
  /// zeros where there is nothing.
  void (*pack_panel)(const float* from, std::int64_t row_stride, std::int64_t keys, std::int64_t depth,
                     std::int64_t width, float* to) noexcept;
  // bf16 only: operands in the order of the block kernels, whose kBf16MaxStep is the step here, and kBf16Group the
  // group (matmul/bf16_block.h). Zeros where there is nothing.
  /// Rows [rows, depth] to [step of the depth][32 rows][step].
  void (*pack_rows)(const std::uint16_t* from, std::int64_t row_stride, int rows, std::int64_t depth,
                    std::uint16_t* to) noexcept;
  /// Up to 32 keys as the right-hand side of Q Kᵀ: [step of the depth][2 tiles][group of the step][16 keys][group].
  void (*pack_keys)(const std::uint16_t* from, std::int64_t row_stride, int keys, std::int64_t depth,
                    std::uint16_t* to) noexcept;
  /// Up to 32 keys as the right-hand side of W V, for up to 32 columns: [step of the keys][tiles][group of the step][16
  /// columns][group].
  void (*pack_values)(const std::uint16_t* from, std::int64_t row_stride, int keys, int columns, int tiles,
                      std::uint16_t* to) noexcept;
};

#define WHERRY_ATTENTION_KERNELS(isa, dtype, table) extern const AttentionKernels table;
#include "kernels/attention/kernels.inc"
#undef WHERRY_ATTENTION_KERNELS

}  // namespace wherry::kernels
