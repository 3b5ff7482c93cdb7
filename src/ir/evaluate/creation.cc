// Tensors made out of numbers.

#include "ir/evaluate/values.h"
#include "tensor/elements.h"

namespace wherry::ir::evaluate_ops {
namespace {

std::vector<Tensor> with(const Values& values, const Attribute& value) {
  return {filled(values.output().dtype, values.output().sizes, value)};
}

std::vector<Tensor> zeros(const Values& values) { return with(values, std::int64_t{0}); }
std::vector<Tensor> ones(const Values& values) { return with(values, std::int64_t{1}); }
std::vector<Tensor> full(const Values& values) { return with(values, *values.call().find("fill_value")); }
std::vector<Tensor> scalar_tensor(const Values& values) { return with(values, *values.call().find("s")); }
std::vector<Tensor> tensor_of(const Values& values) { return with(values, *values.call().find("data")); }

/// start + i · step, in int64 for integers and in double for the rest, as PyTorch accumulates.
std::vector<Tensor> arange(const Values& values) {
  const infer::Call& call = values.call();
  Tensor result = Tensor::empty(values.output().dtype, values.output().sizes);
  void* data = result.mutable_data();
  const DType dtype = result.dtype();
  bool integral = !is_floating(dtype);
  for (const std::string_view name : {"start", "end", "step"})
    if (const Attribute* given = call.find(name)) integral = integral && !std::holds_alternative<double>(*given);
  for (std::int64_t i = 0; i < result.numel(); ++i) {
    if (integral) {
      const auto start = static_cast<std::uint64_t>(call.integer_or("start", 0));
      const auto step = static_cast<std::uint64_t>(call.integer_or("step", 1));
      tensor::store_int(data, dtype, i, static_cast<std::int64_t>(start + static_cast<std::uint64_t>(i) * step));
    } else {
      tensor::store_double(data, dtype, i,
                           call.number_or("start", 0) + static_cast<double>(i) * call.number_or("step", 1));
    }
  }
  return {std::move(result)};
}

/// Counted from both ends, so that the last element is `end` itself.
std::vector<Tensor> linspace(const Values& values) {
  Tensor result = Tensor::empty(values.output().dtype, values.output().sizes);
  const std::int64_t steps = result.numel();
  const double start = values.call().number("start"), end = values.call().number("end");
  const double step = steps > 1 ? (end - start) / static_cast<double>(steps - 1) : 0;
  for (std::int64_t i = 0; i < steps; ++i) {
    const double value = i < steps / 2 || steps == 1 ? start + step * static_cast<double>(i)
                                                     : end - step * static_cast<double>(steps - 1 - i);
    tensor::store_double(result.mutable_data(), result.dtype(), i, value);
  }
  return {std::move(result)};
}

}  // namespace

std::span<const Entry> creation_evaluators() {
  static constexpr Entry kEntries[] = {
      {"aten::zeros", zeros},
      {"aten::empty", zeros},  // what was never written may be anything
      {"aten::zeros_like", zeros},
      {"aten::empty_like", zeros},
      {"aten::new_zeros", zeros},
      {"aten::new_empty", zeros},
      {"aten::ones", ones},
      {"aten::ones_like", ones},
      {"aten::new_ones", ones},
      {"aten::full", full},
      {"aten::full_like", full},
      {"aten::new_full", full},
      {"aten::scalar_tensor", scalar_tensor},
      {"aten::tensor", tensor_of},
      {"aten::arange", arange},
      {"aten::linspace", linspace},
  };
  return kEntries;
}

}  // namespace wherry::ir::evaluate_ops
