// Ops that rearrange elements: the same bytes under other sizes and strides, then made row-major.

#include <algorithm>
#include <numeric>

#include "ir/evaluate/values.h"

namespace wherry::ir::evaluate_ops {
namespace {

/// Everything that keeps the elements' order.
std::vector<Tensor> reshape(const Values& values) {
  const Dims& sizes = values.output().sizes;
  return {values.input().view(sizes, contiguous_strides(sizes), 0)};
}

/// Output dimension i is input dimension order[i].
Tensor permuted(const Tensor& input, const Dims& order) {
  Dims sizes, strides;
  for (const std::int64_t dim : order) {
    sizes.push_back(input.sizes()[static_cast<std::size_t>(dim)]);
    strides.push_back(input.strides()[static_cast<std::size_t>(dim)]);
  }
  return input.view(sizes, strides, 0);
}

Dims identity_order(const Tensor& input) {
  Dims order(input.sizes().size());
  std::iota(order.begin(), order.end(), 0);
  return order;
}

std::vector<Tensor> permute(const Values& values) {
  Dims order = values.call().integers("dims");
  for (std::int64_t& dim : order) dim = values.call().dimension(dim, values.input().dim());
  return {permuted(values.input(), order)};
}

std::vector<Tensor> transpose(const Values& values) {
  Dims order = identity_order(values.input());
  if (!order.empty()) std::swap(order[values.dimension("dim0", 0)], order[values.dimension("dim1", 0)]);
  return {permuted(values.input(), order)};
}

std::vector<Tensor> t(const Values& values) {
  Dims order = identity_order(values.input());
  std::reverse(order.begin(), order.end());
  return {permuted(values.input(), order)};
}

std::vector<Tensor> movedim(const Values& values) {
  const auto as_list = [&](std::string_view name) {
    const Attribute* attribute = values.call().find(name);
    if (const auto* single = std::get_if<std::int64_t>(attribute)) return Dims{*single};
    return values.call().integers(name);
  };
  if (values.input().sizes().empty()) return {values.input()};
  const Dims from = as_list("source"), to = as_list("destination");
  Dims order(values.input().sizes().size(), -1);
  Dims rest = identity_order(values.input());
  for (std::size_t i = 0; i < from.size(); ++i) {
    const std::int64_t source = values.call().dimension(from[i], values.input().dim());
    order[static_cast<std::size_t>(values.call().dimension(to[i], values.input().dim()))] = source;
    std::erase(rest, source);
  }
  auto next = rest.begin();
  for (std::int64_t& dim : order)
    if (dim == -1) dim = *next++;
  return {permuted(values.input(), order)};
}

std::vector<Tensor> expand(const Values& values) {
  const Tensor& input = values.input();
  const Dims& sizes = values.output().sizes;
  Dims strides(sizes.size(), 0);
  const std::size_t lead = sizes.size() - input.sizes().size();
  for (std::size_t d = lead; d < sizes.size(); ++d)
    if (input.sizes()[d - lead] != 1) strides[d] = input.strides()[d - lead];
  return {input.view(sizes, strides, 0)};
}

/// `count` elements of dimension `dim` from `start`, every `step`-th.
Tensor part(const Tensor& input, std::size_t dim, std::int64_t start, std::int64_t count, std::int64_t step = 1) {
  Dims sizes = input.sizes(), strides = input.strides();
  const std::int64_t offset = count == 0 ? 0 : start * strides[dim];
  sizes[dim] = count;
  if (count > 1) strides[dim] *= step;
  return input.view(sizes, strides, offset);
}

std::vector<Tensor> slice(const Values& values) {
  const std::size_t dim = values.dimension("dim", 0);
  const std::int64_t size = values.input().sizes()[dim], start = values.call().integer_or("start", 0);
  const std::int64_t from = std::clamp<std::int64_t>(start < 0 ? start + size : start, 0, size);
  return {part(values.input(), dim, from, values.output().sizes[dim], values.call().integer_or("step", 1))};
}

std::vector<Tensor> narrow(const Values& values) {
  const std::size_t dim = values.dimension("dim", 0);
  const std::int64_t start = values.call().integer("start"), size = values.input().sizes()[dim];
  return {part(values.input(), dim, start < 0 ? start + size : start, values.output().sizes[dim])};
}

/// Dimension `dim` of one element, gone.
Tensor without(const Tensor& input, std::size_t dim, std::int64_t at) {
  Tensor one = part(input, dim, at, 1);
  Dims sizes = one.sizes(), strides = one.strides();
  sizes.erase(sizes.begin() + static_cast<std::ptrdiff_t>(dim));
  strides.erase(strides.begin() + static_cast<std::ptrdiff_t>(dim));
  return one.view(sizes, strides, 0);
}

std::vector<Tensor> select(const Values& values) {
  const std::size_t dim = values.dimension("dim", 0);
  const std::int64_t size = values.input().sizes()[dim];
  return {without(values.input(), dim, wrap_index(values.call(), values.call().integer("index"), size))};
}

std::vector<Tensor> unbind(const Values& values) {
  std::vector<Tensor> parts;
  for (std::size_t i = 0; i < values.outputs().size(); ++i)
    parts.push_back(without(values.input(), values.dimension("dim", 0), static_cast<std::int64_t>(i)));
  return parts;
}

/// chunk, split and their kin: the output types say how long each part is.
std::vector<Tensor> split(const Values& values) {
  std::vector<Tensor> parts;
  const std::size_t dim = values.dimension("dim", 0);
  const bool by_index = values.call().has("indices");
  std::int64_t start = 0;
  for (std::size_t i = 0; i < values.outputs().size(); ++i) {
    const std::int64_t count = values.output(i).sizes[dim];
    if (by_index && i > 0) {
      const std::int64_t size = values.input().sizes()[dim], index = values.call().integers("indices")[i - 1];
      start = std::clamp<std::int64_t>(index < 0 ? index + size : index, 0, size);
    }
    parts.push_back(part(values.input(), dim, start, count));
    start += count;
  }
  return parts;
}

std::vector<Tensor> broadcast_tensors(const Values& values) {
  std::vector<Tensor> results;
  for (std::size_t i = 0; i < values.input_count(); ++i) {
    const Tensor& input = values.input(i);
    const std::size_t lead = values.output(i).sizes.size() - input.sizes().size();
    results.push_back(rearrange(values.output(i).sizes, input, [&](const Dims& index) {
      std::int64_t offset = 0;
      for (std::size_t d = 0; d < input.sizes().size(); ++d)
        if (input.sizes()[d] != 1) offset += index[lead + d] * input.strides()[d];
      return std::optional(offset);
    }));
  }
  return results;
}

std::vector<Tensor> meshgrid(const Values& values) {
  std::vector<Tensor> results;
  const bool swapped = values.call().text_or("indexing", "ij") == "xy";
  for (std::size_t i = 0; i < values.input_count(); ++i) {
    const std::size_t dim = swapped && i < 2 && values.input_count() > 1 ? 1 - i : i;
    results.push_back(rearrange(values.output(i).sizes, values.input(i),
                                [&](const Dims& index) { return std::optional(index[dim]); }));
  }
  return results;
}

}  // namespace

std::span<const Entry> view_evaluators() {
  static constexpr Entry kEntries[] = {
      {"aten::view", reshape},
      {"aten::reshape", reshape},
      {"aten::view_as", reshape},
      {"aten::reshape_as", reshape},
      {"aten::ravel", reshape},
      {"aten::flatten", reshape},
      {"aten::unflatten", reshape},
      {"aten::unsqueeze", reshape},
      {"aten::squeeze", reshape},
      {"aten::as_strided", reshape},
      {"aten::permute", permute},
      {"aten::transpose", transpose},
      {"aten::t", t},
      {"aten::movedim", movedim},
      {"aten::expand", expand},
      {"aten::expand_as", expand},
      {"aten::slice", slice},
      {"aten::narrow", narrow},
      {"aten::select", select},
      {"aten::unbind", unbind},
      {"aten::chunk", split},
      {"aten::split", split},
      {"aten::split_with_sizes", split},
      {"aten::tensor_split", split},
      {"aten::broadcast_tensors", broadcast_tensors},
      {"aten::meshgrid", meshgrid},
      {"reshape", reshape},
      {"permute", permute},
      {"slice", slice},
      {"expand", expand},
      {"copy", reshape},
  };
  return kEntries;
}

}  // namespace wherry::ir::evaluate_ops
