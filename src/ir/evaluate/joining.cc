// Joins, shifts, repetition, padding, triangles, functional slice assignment.

#include <algorithm>
#include <cmath>

#include "ir/evaluate/values.h"

namespace wherry::ir::evaluate_ops {
namespace {

/// Writes the inputs one behind the other along `dim` of the output.
std::vector<Tensor> concatenate(const Values& values, std::size_t dim, const std::function<Dims(const Dims&)>& shaped) {
  const TensorType& type = values.output();
  Tensor result = Tensor::empty(type.dtype, type.sizes);
  const Dims strides = contiguous_strides(type.sizes);
  std::int64_t start = 0;
  for (std::size_t i = 0; i < values.input_count(); ++i) {
    const Tensor input = values.input(i).to(type.dtype);
    const Dims sizes = shaped(input.sizes());
    if (sizes.size() != type.sizes.size()) continue;  // an empty [0] beside tensors of more dimensions
    std::int64_t next = 0;
    for_each_index(sizes, [&](const Dims& index) {
      copy_element(result, offset_of(index, strides) + start * strides[dim], input, next++);
    });
    start += sizes[dim];
  }
  return {std::move(result)};
}

std::vector<Tensor> cat(const Values& values) {
  const auto dim = values.call().dimension(values.call().integer_or("dim", 0),
                                           static_cast<std::int64_t>(values.output().sizes.size()));
  return concatenate(values, static_cast<std::size_t>(dim), [](const Dims& sizes) { return sizes; });
}

std::vector<Tensor> stack(const Values& values) {
  const auto dim = values.call().dimension(values.call().integer_or("dim", 0),
                                           static_cast<std::int64_t>(values.output().sizes.size()));
  return concatenate(values, static_cast<std::size_t>(dim), [&](Dims sizes) {
    sizes.insert(sizes.begin() + dim, 1);
    return sizes;
  });
}

std::vector<Tensor> hstack(const Values& values) {
  return concatenate(values, values.output().sizes.size() == 1 ? 0 : 1,
                     [](const Dims& sizes) { return sizes.empty() ? Dims{1} : sizes; });
}

std::vector<Tensor> vstack(const Values& values) {
  return concatenate(values, 0, [](Dims sizes) {
    if (sizes.empty()) sizes = {1};
    if (sizes.size() == 1) sizes.insert(sizes.begin(), 1);
    return sizes;
  });
}

Dims as_list(const infer::Call& call, std::string_view name) {
  const Attribute* attribute = call.find(name);
  if (!attribute) return {};
  if (const auto* single = std::get_if<std::int64_t>(attribute)) return {*single};
  return call.integers(name);
}

std::vector<Tensor> flip(const Values& values) {
  const Tensor& input = values.input();
  const bool none = values.call().integers("dims").empty();
  const Dims dims = none ? Dims{} : values.call().dimensions("dims", values.call().tensor(0));
  return {rearrange(input.sizes(), input, [&](Dims index) {
    for (const std::int64_t dim : dims) {
      std::int64_t& at = index[static_cast<std::size_t>(dim)];
      at = input.sizes()[static_cast<std::size_t>(dim)] - 1 - at;
    }
    return std::optional(offset_of(index, input.strides()));
  })};
}

/// The element that stands `shift` places back in a circle of `size`.
std::int64_t rolled(std::int64_t at, std::int64_t shift, std::int64_t size) {
  const std::int64_t back = shift % size;
  return (at - back + (back > at ? size : 0)) % size;
}

std::vector<Tensor> roll(const Values& values) {
  const Tensor& input = values.input();
  const Dims shifts = as_list(values.call(), "shifts"), dims = as_list(values.call(), "dims");
  if (input.numel() == 0) return {input};
  if (dims.empty()) {
    std::int64_t next = 0;
    return {rearrange(input.sizes(), input,
                      [&](const Dims&) { return std::optional(rolled(next++, shifts[0], input.numel())); })};
  }
  return {rearrange(input.sizes(), input, [&](Dims index) {
    for (std::size_t i = 0; i < dims.size(); ++i) {
      const auto dim = static_cast<std::size_t>(values.call().dimension(dims[i], input.dim()));
      if (dim < index.size()) index[dim] = rolled(index[dim], shifts[i], input.sizes()[dim]);
    }
    return std::optional(offset_of(index, input.strides()));
  })};
}

/// repeat and tile: coordinates wrap around.
std::vector<Tensor> repeat(const Values& values) {
  const Tensor& input = values.input();
  const std::size_t lead = values.output().sizes.size() - input.sizes().size();
  return {rearrange(values.output().sizes, input, [&](const Dims& index) {
    std::int64_t offset = 0;
    for (std::size_t d = 0; d < input.sizes().size(); ++d)
      offset += index[lead + d] % input.sizes()[d] * input.strides()[d];
    return std::optional(offset);
  })};
}

std::vector<Tensor> repeat_interleave(const Values& values) {
  const Tensor& input = values.input();
  const std::int64_t repeats = values.call().integer("repeats");
  if (!values.call().has("dim") || input.sizes().empty())
    return {
        rearrange(values.output().sizes, input, [&](const Dims& index) { return std::optional(index[0] / repeats); })};
  const std::size_t dim = values.dimension("dim", 0);
  return {rearrange(values.output().sizes, input, [&](Dims index) {
    index[dim] /= repeats;
    return std::optional(offset_of(index, input.strides()));
  })};
}

/// Where a padded coordinate comes from; empty in constant padding.
std::optional<std::int64_t> unpadded(std::int64_t at, std::int64_t size, std::string_view mode) {
  if (at >= 0 && at < size) return at;
  if (mode == "replicate") return size == 0 ? std::nullopt : std::optional(at < 0 ? 0 : size - 1);
  if (mode == "reflect") return at < 0 ? -at : 2 * (size - 1) - at;
  if (mode == "circular") return at < 0 ? at + size : at - size;
  return std::nullopt;
}

std::vector<Tensor> padded(const Values& values, const Dims& before, std::string_view mode, const Attribute& value) {
  const Tensor& input = values.input();
  const Tensor otherwise = scalar(input.dtype(), value);
  return {rearrange(
      values.output().sizes, input,
      [&](const Dims& index) -> std::optional<std::int64_t> {
        std::int64_t offset = 0;
        for (std::size_t d = 0; d < index.size(); ++d) {
          const auto at = unpadded(index[d] - before[d], input.sizes()[d], mode);
          if (!at) return std::nullopt;
          offset += *at * input.strides()[d];
        }
        return offset;
      },
      &otherwise)};
}

std::vector<Tensor> pad(const Values& values) {
  const Dims& pads = values.call().integers("pad");
  Dims before(values.input().sizes().size(), 0);
  for (std::size_t i = 0; i < pads.size() / 2; ++i) before[before.size() - 1 - i] = pads[2 * i];
  const Attribute* value = values.call().find("value");
  return padded(values, before, values.call().text_or("mode", "constant"), value ? *value : Attribute(std::int64_t{0}));
}

std::vector<Tensor> core_pad(const Values& values) {
  Dims before;
  for (std::size_t i = 0; i < values.call().integers("pads").size(); i += 2)
    before.push_back(values.call().integers("pads")[i]);
  const Attribute* value = values.call().find("value");
  return padded(values, before, "constant", value ? *value : Attribute(std::int64_t{0}));
}

/// Zero above (tril) or below (triu) a diagonal.
std::vector<Tensor> triangle(const Values& values) {
  const Tensor& input = values.input();
  const Tensor zero = scalar(input.dtype(), std::int64_t{0});
  // Beyond the matrix any diagonal is alike, and near it the sums cannot overflow.
  const std::int64_t reach = std::max(input.sizes()[input.sizes().size() - 1], input.sizes()[input.sizes().size() - 2]);
  const std::int64_t diagonal = std::clamp(values.call().integer_or("diagonal", 0), -reach - 1, reach + 1);
  const bool lower = values.call().op() == "aten::tril";
  return {rearrange(
      input.sizes(), input,
      [&](const Dims& index) -> std::optional<std::int64_t> {
        const std::int64_t above = index[index.size() - 1] - index[index.size() - 2];
        if (lower ? above > diagonal : above < diagonal) return std::nullopt;
        return offset_of(index, input.strides());
      },
      &zero)};
}

/// self with `source`, which broadcasts, written over the elements that `inside` maps to their place in the part.
std::vector<Tensor> overwritten(const Values& values, const std::function<std::optional<Dims>(const Dims&)>& inside) {
  const Tensor& self = values.input();
  const Tensor source = values.input(1).to(self.dtype());
  Tensor result = Tensor::empty(self.dtype(), self.sizes());
  std::int64_t next = 0;
  for_each_index(self.sizes(), [&](const Dims& index) {
    const auto place = inside(index);
    std::int64_t from = next;
    if (place) {
      from = 0;
      const std::size_t lead = place->size() - source.sizes().size();
      for (std::size_t d = 0; d < source.sizes().size(); ++d)
        if (source.sizes()[d] != 1) from += (*place)[lead + d] * source.strides()[d];
    }
    copy_element(result, next++, place ? source : self, from);
  });
  return {std::move(result)};
}

std::vector<Tensor> slice_scatter(const Values& values) {
  const std::size_t dim = values.dimension("dim", 0);
  const std::int64_t size = values.input().sizes()[dim], step = values.call().integer_or("step", 1);
  const auto clamped = [&](std::int64_t at) { return std::clamp<std::int64_t>(at < 0 ? at + size : at, 0, size); };
  const std::int64_t start = clamped(values.call().integer_or("start", 0));
  const std::int64_t end = clamped(values.call().integer_or("end", INT64_MAX));
  return overwritten(values, [&](Dims index) -> std::optional<Dims> {
    std::int64_t& at = index[dim];
    if (at < start || at >= end || (at - start) % step != 0) return std::nullopt;
    at = (at - start) / step;
    return index;
  });
}

std::vector<Tensor> select_scatter(const Values& values) {
  const std::size_t dim = values.dimension("dim", 0);
  const std::int64_t wanted = wrap_index(values.call(), values.call().integer("index"), values.input().sizes()[dim]);
  return overwritten(values, [&](Dims index) -> std::optional<Dims> {
    if (index[dim] != wanted) return std::nullopt;
    index.erase(index.begin() + static_cast<std::ptrdiff_t>(dim));
    return index;
  });
}

}  // namespace

std::span<const Entry> joining_evaluators() {
  static constexpr Entry kEntries[] = {
      {"aten::cat", cat},
      {"aten::stack", stack},
      {"aten::hstack", hstack},
      {"aten::vstack", vstack},
      {"aten::flip", flip},
      {"aten::roll", roll},
      {"aten::repeat", repeat},
      {"aten::tile", repeat},
      {"aten::repeat_interleave", repeat_interleave},
      {"aten::pad", pad},
      {"aten::constant_pad_nd", pad},
      {"aten::tril", triangle},
      {"aten::triu", triangle},
      {"aten::slice_scatter", slice_scatter},
      {"aten::select_scatter", select_scatter},
      {"concat", cat},
      {"pad", core_pad},
  };
  return kEntries;
}

}  // namespace wherry::ir::evaluate_ops
