#pragma once
// How the evaluators are written: each computes the outputs of one op from row-major inputs, element by element.
// Readable rather than fast: they fold masks, indices and shape arithmetic, and are an oracle for the rest.

#include <functional>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "ir/infer/rules.h"

namespace wherry::ir::evaluate_ops {

/// A call with its values; the types have been inferred, so arguments are known to fit.
class Values {
 public:
  Values(const infer::Call& call, std::span<const Tensor* const> inputs, std::span<const TensorType> outputs)
      : call_(call), inputs_(inputs), outputs_(outputs) {}

  const infer::Call& call() const { return call_; }
  std::size_t input_count() const { return inputs_.size(); }
  const Tensor* maybe(std::size_t i) const { return i < inputs_.size() ? inputs_[i] : nullptr; }
  const Tensor& input(std::size_t i = 0) const;
  std::span<const TensorType> outputs() const { return outputs_; }
  const TensorType& output(std::size_t i = 0) const { return outputs_[i]; }
  /// Dimension named by attribute `name`, of the first input.
  std::size_t dimension(std::string_view name, std::int64_t fallback) const;

 private:
  const infer::Call& call_;
  std::span<const Tensor* const> inputs_;
  std::span<const TensorType> outputs_;
};

using Rule = std::vector<Tensor> (*)(const Values&);
struct Entry {
  std::string_view op;
  Rule rule;
};

std::span<const Entry> view_evaluators();
std::span<const Entry> joining_evaluators();
std::span<const Entry> indexing_evaluators();
std::span<const Entry> creation_evaluators();
std::span<const Entry> reduction_evaluators();
/// Elementwise ATen ops and the core op `elementwise`; empty for other ops.
std::optional<std::vector<Tensor>> evaluate_elementwise(const Values& values);

/// Calls visit(index) for every index of `sizes` in row-major order.
template <typename Visit>
void for_each_index(const Dims& sizes, Visit visit) {
  const std::int64_t count = element_count(sizes);
  Dims index(sizes.size(), 0);
  for (std::int64_t linear = 0; linear < count; ++linear) {
    visit(static_cast<const Dims&>(index));
    for (std::size_t d = sizes.size(); d-- > 0;) {
      if (++index[d] < sizes[d]) break;
      index[d] = 0;
    }
  }
}

/// Copies one element of equal dtypes; both tensors row-major.
void copy_element(Tensor& to, std::int64_t to_index, const Tensor& from, std::int64_t from_index);
std::int64_t offset_of(const Dims& index, const Dims& strides);
/// A row-major tensor whose element at `index` is `from`'s element at source(index); where that is empty, `otherwise`'s
/// only element.
Tensor rearrange(const Dims& sizes, const Tensor& from,
                 const std::function<std::optional<std::int64_t>(const Dims&)>& source,
                 const Tensor* otherwise = nullptr);
/// A tensor of no dimensions.
Tensor scalar(DType dtype, const Attribute& value);
Tensor filled(DType dtype, const Dims& sizes, const Attribute& value);
/// An index counted from either end; throws InvalidModel outside [-size, size).
std::int64_t wrap_index(const infer::Call& call, std::int64_t index, std::int64_t size);

}  // namespace wherry::ir::evaluate_ops
