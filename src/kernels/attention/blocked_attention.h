#pragma once
// The walk that all kinds of attention share: heads, blocks of rows, chunks of keys. What differs is how operands are
// packed and multiplied.

#include <cstddef>
#include <cstdint>
#include <string>

#include "kernels/attention/attention.h"
#include "kernels/attention/attention_kernels.h"
#include "kernels/elementwise/loop_order.h"

namespace wherry::kernels {

/// Keys whose scores are in scratch at a time: 32 rows of them fill two thirds of L1.
inline constexpr std::int64_t kAttentionChunk = 256;

class BlockedAttention : public Attention {
 public:
  std::string_view name() const override { return name_; }
  std::int64_t items() const override { return shape_.columns == 0 ? 0 : outer_.steps() * blocks_; }
  std::size_t scratch_bytes() const override { return own_at_ + own_bytes_; }
  void run(const AttentionArguments& arguments, std::int64_t begin, std::int64_t end,
           void* scratch) const noexcept override;

 protected:
  /// Where one index of the outer dimensions lies.
  struct Head {
    const std::byte *q, *k, *v;
    const float* mask;
    std::byte* y;
    std::int64_t keys;  ///< beyond them all are hidden
  };
  struct KeyRange {
    std::int64_t begin, end;
  };
  struct Scratch {
    float* scores;  ///< [kAttentionRows, chunk] as scores_lie says
    float* sums;    ///< [kAttentionRows, columns] as sums_lie says
    float *greatest, *weight_sums, *correction;
    KeyRange* ranges;  ///< of each block of rows, where a mask has rows of its own; end 0 where not looked for yet
    std::byte* own;
  };

  BlockedAttention(const AttentionShape& shape, base::Isa isa, std::string name, const AttentionBlock& scores_lie,
                   std::int64_t scores_elements, const AttentionBlock& sums_lie, std::int64_t sums_elements);
  ~BlockedAttention() override = default;

  /// Around all that a run does.
  virtual void begin() const noexcept = 0;
  virtual void end() const noexcept = 0;
  /// Keys and values of a head, for all blocks of rows.
  virtual void pack(const Head& head, const Scratch& scratch) const noexcept = 0;
  /// Rows [first, first + rows) of Q, where they cannot be multiplied as they lie.
  virtual void pack_rows(const Head& head, std::int64_t first, int rows, const Scratch& scratch) const noexcept = 0;
  /// Q Kᵀ of a block and keys [first_key, first_key + keys), a chunk.
  virtual void multiply_keys(const Head& head, std::int64_t first, int rows, std::int64_t first_key, std::int64_t keys,
                             const Scratch& scratch) const noexcept = 0;
  /// sums = W V of those keys, or sums += W V.
  virtual void multiply_values(int rows, std::int64_t first_key, std::int64_t keys, bool adds,
                               const Scratch& scratch) const noexcept = 0;
  /// Where weights go, and how many of a chunk of `keys` multiply_values reads.
  virtual void* weights(const Scratch& scratch) const noexcept = 0;
  /// Where a chunk of keys may begin: multiples of it.
  virtual std::int64_t key_step() const noexcept = 0;
  virtual std::int64_t padded(std::int64_t keys) const noexcept = 0;

  AttentionShape shape_;
  std::size_t own_bytes_ = 0;  ///< of Scratch::own

 private:
  /// The keys that rows [first, first + rows) see, and some before them.
  KeyRange keys_of(const Head& head, std::int64_t first, int rows, const Scratch& scratch) const noexcept;
  void run_block(const Head& head, std::int64_t first, const Scratch& scratch) const noexcept;

  const AttentionKernels& kernels_;
  const AttentionKernels& mask_kernels_;
  std::string name_;
  LoopOrder outer_;  // operand 0 is Y, 1 Q, 2 K, 3 V, 4 the mask
  std::int64_t blocks_, element_bytes_, y_element_bytes_;
  AttentionBlock scores_lie_, sums_lie_;
  std::size_t sums_at_, rows_at_, ranges_at_, own_at_;
};

std::unique_ptr<const Attention> make_f32_attention(const AttentionShape& shape, base::Isa isa);
std::unique_ptr<const Attention> make_bf16_attention(const AttentionShape& shape, base::Isa isa);
/// The last of kernels.inc for this dtype that runs on `isa`.
const AttentionKernels& attention_kernels(DType dtype, base::Isa isa);

}  // namespace wherry::kernels
