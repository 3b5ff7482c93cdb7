// Types of reductions and of cumsum.

#include <algorithm>

#include "ir/infer/rules.h"

namespace wherry::ir::infer {
namespace {

Dims reduced_sizes(const Call& call) {
  const TensorType& self = call.tensor(0);
  return reduced(self.sizes, call.dimensions("dim", self), call.flag_or("keepdim", false));
}

/// Reductions without an identity need an element to start from.
void need_elements(const Call& call) {
  const TensorType& self = call.tensor(0);
  for (const std::int64_t dim : call.dimensions("dim", self))
    if (self.sizes[static_cast<std::size_t>(dim)] == 0)
      call.invalid("input {} has no element along dimension {}", to_string(self.sizes), dim);
}

std::vector<TensorType> sum(const Call& call) {
  return {plain(call.dtype_or("dtype", to_counting(call.tensor(0).dtype)), reduced_sizes(call))};
}

DType floating_dtype(const Call& call) {
  const DType dtype = call.dtype_or("dtype", call.tensor(0).dtype);
  if (!is_floating(dtype)) call.invalid("input is {}, accepted are floating dtypes", name_of(dtype));
  return dtype;
}

std::vector<TensorType> mean(const Call& call) { return {plain(floating_dtype(call), reduced_sizes(call))}; }

std::vector<TensorType> var_mean(const Call& call) {
  auto types = mean(call);
  types.push_back(types[0]);
  return types;
}

std::vector<TensorType> norm(const Call& call) {
  for (const std::string_view name : {"p", "ord"})
    if (call.has(name)) call.number(name);
  return mean(call);
}

std::vector<TensorType> extreme(const Call& call) {
  need_elements(call);
  return {plain(call.tensor(0).dtype, reduced_sizes(call))};
}

/// max and min: the value alone, or with `dim` the values and their indices.
std::vector<TensorType> extreme_with_index(const Call& call) {
  auto types = extreme(call);
  if (call.has("dim")) types.push_back(plain(DType::i64, types[0].sizes));
  return types;
}

std::vector<TensorType> arg_extreme(const Call& call) {
  auto types = extreme(call);
  // Without `dim` the position is in the flattened input.
  if (!call.has("dim") && !call.flag_or("keepdim", false)) types[0].sizes.clear();
  types[0].dtype = DType::i64;
  return types;
}

std::vector<TensorType> truth(const Call& call) {
  const DType dtype = call.tensor(0).dtype == DType::u8 ? DType::u8 : DType::boolean;
  return {plain(dtype, reduced_sizes(call))};
}

std::vector<TensorType> cumsum(const Call& call) {
  const TensorType& self = call.tensor(0);
  call.dimension_of("dim", self, 0);
  return {plain(call.dtype_or("dtype", to_counting(self.dtype)), self.sizes)};
}

std::vector<TensorType> logsumexp(const Call& call) {
  return {plain(to_floating(call.tensor(0).dtype), reduced_sizes(call))};
}

/// The core op: `dims` are what they say, an empty list reduces nothing.
std::vector<TensorType> core_reduce(const Call& call) {
  constexpr std::string_view kModes[] = {"sum", "mean", "max", "min", "prod", "argmax", "argmin", "any", "all"};
  const std::string_view mode = call.text_or("mode", "");
  if (std::find(std::begin(kModes), std::end(kModes), mode) == std::end(kModes)) call.invalid("mode is \"{}\"", mode);
  const TensorType& self = call.tensor(0);
  const Dims dims = call.integers("dims").empty() ? Dims{} : call.dimensions("dims", self);
  DType dtype = self.dtype;
  if (mode == "sum" || mode == "prod") dtype = to_counting(dtype);
  if (mode == "mean") dtype = to_floating(dtype);
  if (mode == "argmax" || mode == "argmin") dtype = DType::i64;
  if (mode == "any" || mode == "all") dtype = DType::boolean;
  return {plain(dtype, reduced(self.sizes, dims, call.flag_or("keepdim", false)))};
}

}  // namespace

std::span<const Entry> reduction_rules() {
  static constexpr Entry kRules[] = {
      {"aten::sum", sum},
      {"aten::prod", sum},
      {"aten::mean", mean},
      {"aten::var", mean},
      {"aten::std", mean},
      {"aten::var_mean", var_mean},
      {"aten::norm", norm},
      {"aten::linalg_vector_norm", norm},
      {"aten::amax", extreme},
      {"aten::amin", extreme},
      {"aten::max", extreme_with_index},
      {"aten::min", extreme_with_index},
      {"aten::argmax", arg_extreme},
      {"aten::argmin", arg_extreme},
      {"aten::any", truth},
      {"aten::all", truth},
      {"aten::cumsum", cumsum},
      {"aten::logsumexp", logsumexp},
      {"reduce", core_reduce},
  };
  return kRules;
}

}  // namespace wherry::ir::infer
