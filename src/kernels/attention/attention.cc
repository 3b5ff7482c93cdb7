// The walk over heads, blocks of rows and chunks of keys, with the running maximum and sum of each row.

#include "kernels/attention/attention.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/check.h"
#include "base/checked_math.h"
#include "kernels/attention/blocked_attention.h"

namespace wherry::kernels {
namespace {

constexpr std::int64_t kLine = 64;
constexpr float kMinusInfinity = -std::numeric_limits<float>::infinity();

std::size_t bytes_of(std::int64_t floats) {
  return static_cast<std::size_t>(base::round_up(floats * static_cast<std::int64_t>(sizeof(float)), kLine));
}

/// Whether rows see different keys by the mask.
bool has_rows_of_mask(const AttentionShape& shape) { return shape.masked && shape.mask_row_stride != 0; }

}  // namespace

const AttentionKernels& attention_kernels(DType dtype, base::Isa isa) {
  const AttentionKernels* best = nullptr;
#define WHERRY_ATTENTION_KERNELS(set, type, table) \
  if (base::includes(isa, base::Isa::set) && DType::type == dtype) best = &table;
#include "kernels/attention/kernels.inc"
#undef WHERRY_ATTENTION_KERNELS
  WHERRY_CHECK(best != nullptr);
  return *best;
}

BlockedAttention::BlockedAttention(const AttentionShape& shape, base::Isa isa, std::string name,
                                   const AttentionBlock& scores_lie, std::int64_t scores_elements,
                                   const AttentionBlock& sums_lie, std::int64_t sums_elements)
    : shape_(shape),
      kernels_(attention_kernels(shape.dtype, isa)),
      mask_kernels_(attention_kernels(DType::f32, base::fp32_isa(isa))),
      name_(std::move(name)),
      outer_(merge_loops(shape.outer_sizes, {shape.y_outer_strides, shape.q_outer_strides, shape.k_outer_strides,
                                             shape.v_outer_strides, shape.mask_outer_strides})),
      blocks_(base::ceil_div(shape.rows, kAttentionRows)),
      element_bytes_(static_cast<std::int64_t>(size_of(shape.dtype))),
      y_element_bytes_(static_cast<std::int64_t>(size_of(shape.y_dtype))),
      scores_lie_(scores_lie),
      sums_lie_(sums_lie),
      sums_at_(bytes_of(scores_elements)),
      rows_at_(sums_at_ + bytes_of(sums_elements)),
      ranges_at_(rows_at_ + bytes_of(std::int64_t{3} * kAttentionRows)),
      own_at_(ranges_at_ + (has_rows_of_mask(shape) ? bytes_of(4 * blocks_) : 0)) {
  static_assert(sizeof(KeyRange) == 4 * sizeof(float));
}

void BlockedAttention::run(const AttentionArguments& arguments, std::int64_t begin, std::int64_t end,
                           void* memory) const noexcept {
  auto* const bytes = static_cast<std::byte*>(memory);
  Scratch scratch{};
  scratch.scores = reinterpret_cast<float*>(bytes);
  scratch.sums = reinterpret_cast<float*>(bytes + sums_at_);
  scratch.greatest = reinterpret_cast<float*>(bytes + rows_at_);
  scratch.weight_sums = scratch.greatest + kAttentionRows;
  scratch.correction = scratch.weight_sums + kAttentionRows;
  scratch.ranges = reinterpret_cast<KeyRange*>(bytes + ranges_at_);
  scratch.own = bytes + own_at_;

  this->begin();
  Head head{};
  std::int64_t at = -1;  // of head, among the outer dimensions
  for (std::int64_t item = begin; item < end; ++item) {
    if (item / blocks_ != at) {
      at = item / blocks_;
      const Head before = head;
      const auto place = [&](const void* data, std::size_t operand, std::int64_t element_bytes) {
        return static_cast<const std::byte*>(data) + outer_.offset(operand, at) * element_bytes;
      };
      head.y = static_cast<std::byte*>(arguments.y) + outer_.offset(0, at) * y_element_bytes_;
      head.q = place(arguments.q, 1, element_bytes_);
      head.k = place(arguments.k, 2, element_bytes_);
      head.v = place(arguments.v, 3, element_bytes_);
      const float* const mask = head.mask;
      head.mask = shape_.masked ? arguments.mask + outer_.offset(4, at) : nullptr;
      // Heads of one batch element share a mask.
      if (!shape_.masked)
        head.keys = shape_.keys;
      else if (mask != head.mask) {
        head.keys = mask_kernels_.visible_keys(head.mask, shape_.mask_row_stride,
                                               shape_.mask_row_stride == 0 ? 1 : shape_.rows, shape_.keys);
        if (shape_.mask_row_stride != 0) std::fill_n(scratch.ranges, blocks_, KeyRange{0, 0});
      }
      if (head.k != before.k || head.v != before.v || head.keys != before.keys) pack(head, scratch);
    }
    run_block(head, item % blocks_ * kAttentionRows, scratch);
  }
  this->end();
}

BlockedAttention::KeyRange BlockedAttention::keys_of(const Head& head, std::int64_t first, int rows,
                                                     const Scratch& scratch) const noexcept {
  const std::int64_t keys = shape_.causal ? std::min(head.keys, first + rows) : head.keys;
  if (!has_rows_of_mask(shape_) || keys == 0) return {0, keys};
  // Several texts in one row: few of them are these rows'. All heads see the same.
  KeyRange& range = scratch.ranges[first / kAttentionRows];
  if (range.end == 0) {
    const float* const mask = head.mask + first * shape_.mask_row_stride;
    range.end = mask_kernels_.visible_keys(mask, shape_.mask_row_stride, rows, keys);
    range.begin = mask_kernels_.hidden_keys(mask, shape_.mask_row_stride, rows, keys) / key_step() * key_step();
  }
  return range;
}

void BlockedAttention::run_block(const Head& head, std::int64_t first, const Scratch& scratch) const noexcept {
  const int rows = static_cast<int>(std::min<std::int64_t>(kAttentionRows, shape_.rows - first));
  const auto [from, keys] = keys_of(head, first, rows, scratch);
  std::byte* const y = head.y + first * shape_.y_row_stride * y_element_bytes_;
  if (keys == 0) {
    for (int r = 0; r < rows; ++r)
      std::fill_n(y + r * shape_.y_row_stride * y_element_bytes_, shape_.columns * y_element_bytes_, std::byte{0});
    return;
  }
  std::fill_n(scratch.greatest, kAttentionRows, kMinusInfinity);
  std::fill_n(scratch.weight_sums, kAttentionRows, 0.0f);
  pack_rows(head, first, rows, scratch);

  AttentionSoftmax softmax{};
  softmax.scores = scratch.scores;
  softmax.scores_lie = scores_lie_;
  softmax.weights = weights(scratch);
  softmax.rows = rows;
  softmax.visible_step = shape_.causal ? 1 : 0;
  softmax.scale = shape_.scale;
  softmax.mask_row_stride = shape_.mask_row_stride;
  softmax.greatest = scratch.greatest;
  softmax.sum = scratch.weight_sums;
  softmax.correction = scratch.correction;
  for (std::int64_t key = from; key < keys; key += kAttentionChunk) {
    softmax.keys = std::min(kAttentionChunk, keys - key);
    softmax.padded_keys = padded(softmax.keys);
    softmax.visible = shape_.causal ? first + 1 - key : softmax.keys;
    softmax.mask = head.mask == nullptr ? nullptr : head.mask + first * shape_.mask_row_stride + key;
    multiply_keys(head, first, rows, key, softmax.keys, scratch);
    kernels_.softmax(softmax);
    if (key > from) kernels_.rescale(scratch.sums, sums_lie_, scratch.correction, rows, shape_.columns);
    multiply_values(rows, key, softmax.keys, key > from, scratch);
  }

  if (shape_.zero_hidden) std::replace(scratch.weight_sums, scratch.weight_sums + rows, 0.0f, 1.0f);
  AttentionFinish finish{};
  finish.sums = scratch.sums;
  finish.sums_lie = sums_lie_;
  finish.weight_sums = scratch.weight_sums;
  finish.rows = rows;
  finish.columns = shape_.columns;
  finish.y = y;
  finish.y_row_stride = shape_.y_row_stride;
  finish.y_is_bf16 = shape_.y_dtype == DType::bf16;
  kernels_.finish(finish);
}

std::unique_ptr<const Attention> make_attention(const AttentionShape& shape, base::Isa isa) {
  if (shape.dtype == DType::bf16) {
    WHERRY_CHECK(base::has_bf16(isa));
    WHERRY_CHECK(shape.y_dtype == DType::f32 || shape.y_dtype == DType::bf16);
    return make_bf16_attention(shape, isa);
  }
  WHERRY_CHECK(shape.dtype == DType::f32 && shape.y_dtype == DType::f32);
  return make_f32_attention(shape, isa);
}

}  // namespace wherry::kernels
