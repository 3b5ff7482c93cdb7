// Finds the evaluator of an op, and the pieces that all evaluators share.

#include <cstring>
#include <unordered_map>

#include "base/check.h"
#include "ir/evaluate/values.h"
#include "tensor/elements.h"

namespace wherry::ir {
namespace evaluate_ops {

const Tensor& Values::input(std::size_t i) const {
  call_.tensor(i);
  return *inputs_[i];
}

std::size_t Values::dimension(std::string_view name, std::int64_t fallback) const {
  return static_cast<std::size_t>(call_.dimension_of(name, call_.tensor(0), fallback));
}

void copy_element(Tensor& to, std::int64_t to_index, const Tensor& from, std::int64_t from_index) {
  const auto width = static_cast<std::int64_t>(size_of(to.dtype()));
  std::memcpy(static_cast<char*>(to.mutable_data()) + to_index * width,
              static_cast<const char*>(from.data()) + from_index * width, static_cast<std::size_t>(width));
}

std::int64_t offset_of(const Dims& index, const Dims& strides) {
  std::int64_t offset = 0;
  for (std::size_t d = 0; d < index.size(); ++d) offset += index[d] * strides[d];
  return offset;
}

Tensor rearrange(const Dims& sizes, const Tensor& from,
                 const std::function<std::optional<std::int64_t>(const Dims&)>& source, const Tensor* otherwise) {
  Tensor result = Tensor::empty(from.dtype(), sizes);
  std::int64_t next = 0;
  for_each_index(sizes, [&](const Dims& index) {
    const auto at = source(index);
    copy_element(result, next++, at ? from : *otherwise, at.value_or(0));
  });
  return result;
}

Tensor filled(DType dtype, const Dims& sizes, const Attribute& value) {
  Tensor result = Tensor::empty(dtype, sizes);
  for (std::int64_t i = 0; i < result.numel(); ++i) {
    if (const auto* number = std::get_if<double>(&value))
      tensor::store_double(result.mutable_data(), dtype, i, *number);
    else if (const auto* flag = std::get_if<bool>(&value))
      tensor::store_int(result.mutable_data(), dtype, i, *flag ? 1 : 0);
    else
      tensor::store_int(result.mutable_data(), dtype, i, std::get<std::int64_t>(value));
  }
  return result;
}

Tensor scalar(DType dtype, const Attribute& value) { return filled(dtype, {}, value); }

std::int64_t wrap_index(const infer::Call& call, std::int64_t index, std::int64_t size) {
  if (index < -size || index >= size) call.invalid("index {} is outside of {} elements", index, size);
  return index < 0 ? index + size : index;
}

}  // namespace evaluate_ops

namespace {

using evaluate_ops::Entry;
using evaluate_ops::Rule;

const std::unordered_map<std::string_view, Rule>& evaluators() {
  static const auto all = [] {
    std::unordered_map<std::string_view, Rule> table;
    for (const auto theme :
         {evaluate_ops::view_evaluators(), evaluate_ops::joining_evaluators(), evaluate_ops::indexing_evaluators(),
          evaluate_ops::creation_evaluators(), evaluate_ops::reduction_evaluators()})
      for (const Entry& entry : theme) WHERRY_CHECK(table.emplace(entry.op, entry.rule).second);
    return table;
  }();
  return all;
}

}  // namespace

bool can_evaluate(std::string_view op) {
  return op == "elementwise" || evaluators().contains(op) || is_elementwise(op);
}

std::optional<std::vector<Tensor>> evaluate(std::string_view op, std::span<const Tensor* const> inputs,
                                            const Attributes& attributes, std::span<const TensorType> outputs,
                                            std::int64_t max_elements) {
  if (!can_evaluate(op)) return std::nullopt;
  std::int64_t total = 0;
  for (const TensorType& type : outputs) {
    const auto count = type.numel();
    if (count > max_elements - total) return std::nullopt;
    total += count;
  }
  std::vector<Tensor> row_major(inputs.size());
  std::vector<const Tensor*> values(inputs.size(), nullptr);
  std::vector<TensorType> types(inputs.size());
  std::vector<const TensorType*> type_pointers(inputs.size(), nullptr);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (!inputs[i]) continue;
    row_major[i] = inputs[i]->contiguous();
    values[i] = &row_major[i];
    types[i] = {inputs[i]->dtype(), inputs[i]->sizes(), {}};
    type_pointers[i] = &types[i];
  }
  const infer::Call call(op, type_pointers, attributes);
  const evaluate_ops::Values all(call, values, outputs);
  const auto found = evaluators().find(op);
  auto results = found == evaluators().end() ? evaluate_ops::evaluate_elementwise(all) : found->second(all);
  if (!results) return std::nullopt;
  WHERRY_CHECK_GE(results->size(), outputs.size());
  results->resize(outputs.size());
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    Tensor& result = (*results)[i];
    WHERRY_CHECK_EQ(wherry::to_string(result.sizes()), wherry::to_string(outputs[i].sizes));
    result = result.dtype() == outputs[i].dtype ? result.contiguous() : result.to(outputs[i].dtype);
  }
  return results;
}

}  // namespace wherry::ir
