// The oracle, and what happens to a block of fp32 scores in plain C++.

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "kernels/attention/attention.h"
#include "kernels/attention/attention_kernels.h"
#include "kernels/element.h"
#include "kernels/elementwise/loop_order.h"

namespace wherry::kernels {
namespace {

constexpr float kMinusInfinity = -std::numeric_limits<float>::infinity();

void softmax(const AttentionSoftmax& task) noexcept {
  for (int r = 0; r < task.rows; ++r) {
    float* const x = task.scores + r * task.scores_lie.row_stride;
    std::int64_t n = task.visible + r * task.visible_step;
    n = n < 0 ? 0 : n > task.keys ? task.keys : n;
    const float before = task.greatest[r];
    float greatest = before;
    for (std::int64_t i = 0; i < n; ++i) {
      x[i] *= task.scale;
      if (task.mask != nullptr) x[i] += task.mask[r * task.mask_row_stride + i];
      if (x[i] > greatest) greatest = x[i];
    }
    task.greatest[r] = greatest;
    // Where nothing is visible yet, weights are exp(−∞ − 0) = 0; their sum of 0 makes the row NaN in the end.
    const float shift = greatest == kMinusInfinity ? 0.0f : greatest;
    double sum = 0;
    for (std::int64_t i = 0; i < n; ++i) sum += x[i] = std::exp(x[i] - shift);
    for (std::int64_t i = n; i < task.padded_keys; ++i) x[i] = 0;
    task.correction[r] = std::exp(before - shift);
    task.sum[r] = task.sum[r] * task.correction[r] + static_cast<float>(sum);
  }
}

void rescale(float* sums, const AttentionBlock& lie, const float* correction, int rows, std::int64_t columns) noexcept {
  for (int r = 0; r < rows; ++r)
    for (std::int64_t i = 0; i < columns; ++i) sums[r * lie.row_stride + i] *= correction[r];
}

void finish(const AttentionFinish& task) noexcept {
  for (int r = 0; r < task.rows; ++r)
    for (std::int64_t i = 0; i < task.columns; ++i)
      static_cast<float*>(task.y)[r * task.y_row_stride + i] =
          task.sums[r * task.sums_lie.row_stride + i] / task.weight_sums[r];
}

std::int64_t visible_keys(const float* mask, std::int64_t row_stride, std::int64_t rows, std::int64_t keys) noexcept {
  std::int64_t visible = 0;
  for (std::int64_t r = 0; r < rows; ++r, mask += row_stride) {
    float greatest = kMinusInfinity;
    for (std::int64_t j = 0; j < keys; ++j)
      if (mask[j] > greatest) greatest = mask[j];
    // NaN is not hidden, nor is a row that is low everywhere.
    std::int64_t end = keys;
    while (end > visible && mask[end - 1] < greatest - kHiddenBelow) --end;
    visible = end;
  }
  return visible;
}

std::int64_t hidden_keys(const float* mask, std::int64_t row_stride, std::int64_t rows, std::int64_t keys) noexcept {
  std::int64_t hidden = keys;
  for (std::int64_t r = 0; r < rows; ++r, mask += row_stride) {
    float greatest = kMinusInfinity;
    for (std::int64_t j = 0; j < keys; ++j)
      if (mask[j] > greatest) greatest = mask[j];
    std::int64_t begin = 0;
    while (begin < hidden && mask[begin] < greatest - kHiddenBelow) ++begin;
    hidden = begin;
  }
  return hidden;
}

}  // namespace

constinit const AttentionKernels kAttentionReference = {softmax, rescale, finish,  visible_keys, hidden_keys,
                                                        nullptr, nullptr, nullptr, nullptr};

void attention_reference(const AttentionShape& shape, const AttentionArguments& arguments) {
  const LoopOrder outer =
      merge_loops(shape.outer_sizes, {shape.y_outer_strides, shape.q_outer_strides, shape.k_outer_strides,
                                      shape.v_outer_strides, shape.mask_outer_strides});
  std::vector<double> weights(static_cast<std::size_t>(shape.keys));
  for (std::int64_t step = 0; step < outer.steps(); ++step)
    for (std::int64_t i = 0; i < shape.rows; ++i) {
      const std::int64_t keys = shape.causal && i + 1 < shape.keys ? i + 1 : shape.keys;
      double greatest = -std::numeric_limits<double>::infinity(), sum = 0;
      for (std::int64_t j = 0; j < keys; ++j) {
        double s = 0;
        for (std::int64_t e = 0; e < shape.depth; ++e)
          s += static_cast<double>(
                   load_element(arguments.q, outer.offset(1, step) + i * shape.q_row_stride + e, shape.dtype)) *
               load_element(arguments.k, outer.offset(2, step) + j * shape.k_row_stride + e, shape.dtype);
        s *= shape.scale;
        if (shape.masked) s += arguments.mask[outer.offset(4, step) + i * shape.mask_row_stride + j];
        weights[static_cast<std::size_t>(j)] = s;
        if (s > greatest) greatest = s;
      }
      for (std::int64_t j = 0; j < keys; ++j) {
        double& w = weights[static_cast<std::size_t>(j)];
        sum += w = std::exp(w - greatest);
      }
      if (shape.zero_hidden && greatest == -std::numeric_limits<double>::infinity()) {
        std::fill_n(weights.begin(), keys, 0.0);
        sum = 1;
      }
      for (std::int64_t c = 0; c < shape.columns; ++c) {
        double y = 0;
        for (std::int64_t j = 0; j < keys; ++j)
          y += weights[static_cast<std::size_t>(j)] / sum *
               load_element(arguments.v, outer.offset(3, step) + j * shape.v_row_stride + c, shape.dtype);
        const std::int64_t to = outer.offset(0, step) + i * shape.y_row_stride + c;
        auto* const at = static_cast<std::byte*>(arguments.y) + to * static_cast<std::int64_t>(size_of(shape.y_dtype));
        store_element(at, shape.y_dtype, static_cast<float>(y));
      }
    }
}

}  // namespace wherry::kernels
