// Types of ops that build a tensor out of others: joins, repetition, padding, functional slice assignment.

#include <algorithm>

#include "ir/infer/rules.h"

namespace wherry::ir::infer {
namespace {

std::vector<TensorType> same(const Call& call) { return {plain(call.tensor(0).dtype, call.tensor(0).sizes)}; }

Dims joined(const Call& call, std::span<const Dims> parts, std::int64_t dim_given) {
  if (parts.empty()) call.invalid("the list of tensors is empty");
  // PyTorch leaves out tensors of size [0], whatever the others' shape.
  const Dims kNothing = {0};
  const auto first = std::find_if(parts.begin(), parts.end(), [&](const Dims& part) { return part != kNothing; });
  if (first == parts.end()) return kNothing;
  if (first->empty()) call.invalid("tensors of no dimensions cannot be joined");
  const auto dim = static_cast<std::size_t>(call.dimension(dim_given, static_cast<std::int64_t>(first->size())));
  Dims sizes = *first;
  sizes[dim] = 0;
  for (const Dims& part : parts) {
    if (part == kNothing) continue;
    bool fits = part.size() == sizes.size();
    for (std::size_t i = 0; fits && i < sizes.size(); ++i) fits = i == dim || part[i] == sizes[i];
    if (!fits) call.invalid("{} and {} differ in more than dimension {}", to_string(*first), to_string(part), dim);
    sizes[dim] = call.add(sizes[dim], part[dim]);
  }
  return sizes;
}

std::vector<Dims> all_sizes(const Call& call) {
  std::vector<Dims> parts;
  for (std::size_t i = 0; i < call.input_count(); ++i) parts.push_back(call.tensor(i).sizes);
  return parts;
}

std::vector<TensorType> cat(const Call& call) {
  return {plain(promote(call.inputs()), joined(call, all_sizes(call), call.integer_or("dim", 0)))};
}

std::vector<TensorType> stack(const Call& call) {
  std::vector<Dims> parts = all_sizes(call);
  if (parts.empty()) call.invalid("the list of tensors is empty");
  const auto dim = call.dimension(call.integer_or("dim", 0), static_cast<std::int64_t>(parts[0].size()) + 1);
  for (const Dims& part : parts)
    if (part != parts[0]) call.invalid("{} and {} must be equal", to_string(parts[0]), to_string(part));
  Dims sizes = parts[0];
  sizes.insert(sizes.begin() + dim, static_cast<std::int64_t>(parts.size()));
  return {plain(promote(call.inputs()), std::move(sizes))};
}

std::vector<TensorType> hstack(const Call& call) {
  std::vector<Dims> parts = all_sizes(call);
  for (Dims& part : parts)
    if (part.empty()) part = {1};
  const std::int64_t dim = !parts.empty() && parts[0].size() == 1 ? 0 : 1;
  return {plain(promote(call.inputs()), joined(call, parts, dim))};
}

std::vector<TensorType> vstack(const Call& call) {
  std::vector<Dims> parts = all_sizes(call);
  for (Dims& part : parts) {
    if (part.empty()) part = {1};
    if (part.size() == 1) part.insert(part.begin(), 1);
  }
  return {plain(promote(call.inputs()), joined(call, parts, 0))};
}

std::vector<TensorType> flip(const Call& call) {
  if (!call.integers("dims").empty()) call.dimensions("dims", call.tensor(0));
  return same(call);
}

std::vector<TensorType> roll(const Call& call) {
  const auto as_list = [&](std::string_view name) {
    const Attribute* attribute = call.find(name);
    if (attribute && std::holds_alternative<std::int64_t>(*attribute)) return Dims{call.integer(name)};
    return attribute ? call.integers(name) : Dims{};
  };
  const Dims shifts = as_list("shifts"), dims = as_list("dims");
  for (const std::int64_t dim : dims) call.dimension(dim, rank(call.tensor(0)));
  if (shifts.empty()) call.invalid("shifts is empty");
  if (shifts.size() != dims.size() && !(dims.empty() && shifts.size() == 1))
    call.invalid("shifts {} and dims {} differ in length", to_string(shifts), to_string(dims));
  return same(call);
}

/// `pads` holds before and after of the last dimension, then of the one before it, …; negative ones crop.
std::vector<TensorType> padded(const Call& call, const Dims& pads) {
  call.number_or("value", 0);
  Dims sizes = call.tensor(0).sizes;
  if (pads.size() % 2 != 0 || pads.size() / 2 > sizes.size())
    call.invalid("pad {} has {} numbers, input {} accepts an even number up to {}", to_string(pads), pads.size(),
                 to_string(sizes), 2 * sizes.size());
  for (std::size_t i = 0; i < pads.size() / 2; ++i) {
    std::int64_t& size = sizes[sizes.size() - 1 - i];
    const std::int64_t before = size;
    if (pads[2 * i] < -size || pads[2 * i + 1] < -size)
      call.invalid("pad {} crops more than the {} elements", to_string(pads), size);
    size = call.add(call.add(size, pads[2 * i]), pads[2 * i + 1]);
    if (size < 0) call.invalid("pad {} makes {} elements to {}", to_string(pads), before, size);
  }
  return {plain(call.tensor(0).dtype, std::move(sizes))};
}

std::vector<TensorType> pad(const Call& call) {
  const std::string_view mode = call.text_or("mode", "constant");
  if (mode != "constant" && mode != "reflect" && mode != "replicate" && mode != "circular")
    call.invalid("mode is \"{}\", accepted are constant, reflect, replicate and circular", mode);
  const Dims& pads = call.integers("pad");
  auto types = padded(call, pads);
  if (mode == "reflect" || mode == "circular") {
    const Dims& sizes = call.tensor(0).sizes;
    for (std::size_t i = 0; i < pads.size(); ++i) {
      const std::int64_t size = sizes[sizes.size() - 1 - i / 2];
      if (pads[i] > (mode == "reflect" ? size - 1 : size))
        call.invalid("{} pad {} needs more than {} elements", mode, pads[i], size);
    }
  }
  return types;
}

std::vector<TensorType> constant_pad(const Call& call) { return padded(call, call.integers("pad")); }

std::vector<TensorType> core_pad(const Call& call) {
  call.number_or("value", 0);
  Dims sizes = call.tensor(0).sizes;
  const Dims& pads = call.integers("pads");
  if (pads.size() != 2 * sizes.size()) call.invalid("pads {} do not fit input {}", to_string(pads), to_string(sizes));
  for (std::size_t i = 0; i < pads.size(); ++i) {
    if (pads[i] < 0) call.invalid("pads {} has a negative number", to_string(pads));
    sizes[i / 2] = call.add(sizes[i / 2], pads[i]);
  }
  return {plain(call.tensor(0).dtype, std::move(sizes))};
}

Dims repeated(const Call& call, const Dims& repeats) {
  const Dims& self = call.tensor(0).sizes;
  Dims sizes = repeats;
  const std::size_t lead = repeats.size() - self.size();
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    if (repeats[i] < 0) call.invalid("repeats {} has a negative number", to_string(repeats));
    if (i >= lead) sizes[i] = call.multiply(sizes[i], self[i - lead]);
  }
  return sizes;
}

std::vector<TensorType> repeat(const Call& call) {
  const Dims& repeats = call.integers("repeats");
  if (repeats.size() < call.tensor(0).sizes.size())
    call.invalid("repeats {} have fewer dimensions than input {}", to_string(repeats), to_string(call.tensor(0).sizes));
  return {plain(call.tensor(0).dtype, repeated(call, repeats))};
}

std::vector<TensorType> tile(const Call& call) {
  Dims repeats = call.integers("dims");
  const std::size_t wanted = call.tensor(0).sizes.size();
  if (repeats.size() < wanted) repeats.insert(repeats.begin(), wanted - repeats.size(), 1);
  return {plain(call.tensor(0).dtype, repeated(call, repeats))};
}

std::vector<TensorType> repeat_interleave(const Call& call) {
  const TensorType& self = call.tensor(0);
  const std::int64_t repeats = call.integer("repeats");
  if (repeats < 0) call.invalid("repeats is {}, accepted are 0 and more", repeats);
  if (!call.has("dim") || self.sizes.empty())
    return {plain(self.dtype, {call.multiply(call.count(self.sizes), repeats)})};
  Dims sizes = self.sizes;
  std::int64_t& size = sizes[static_cast<std::size_t>(call.dimension_of("dim", self, 0))];
  size = call.multiply(size, repeats);
  return {plain(self.dtype, std::move(sizes))};
}

std::vector<TensorType> triangle(const Call& call) {
  if (rank(call.tensor(0)) < 2) call.invalid("input {} needs 2 dimensions or more", to_string(call.tensor(0).sizes));
  return same(call);
}

void need_source(const Call& call, const Dims& part) {
  const TensorType& source = call.tensor(1);
  if (call.broadcast(part, source.sizes) != part)
    call.invalid("source {} does not fit the part {} of {}", to_string(source.sizes), to_string(part),
                 to_string(call.tensor(0).sizes));
}

/// The part of self that "aten::slice" or "aten::select" would read with the same attributes.
std::vector<TensorType> scatter(const Call& call, std::string_view reading) {
  const TensorType* self[] = {&call.tensor(0)};
  Attributes attributes;
  for (const std::string_view name : {"dim", "start", "end", "step", "index"})
    if (const Attribute* attribute = call.find(name)) attributes.emplace(name, *attribute);
  need_source(call, infer_types(reading, self, attributes)[0].sizes);
  return same(call);
}
std::vector<TensorType> slice_scatter(const Call& call) { return scatter(call, "aten::slice"); }
std::vector<TensorType> select_scatter(const Call& call) { return scatter(call, "aten::select"); }

std::vector<TensorType> copy(const Call& call) {
  need_source(call, call.tensor(0).sizes);
  return same(call);
}

std::vector<TensorType> fill(const Call& call) {
  if (const TensorType* value = call.maybe(1); value && !value->sizes.empty())
    call.invalid("value {} must have no dimensions", to_string(value->sizes));
  return same(call);
}

std::vector<TensorType> core_concat(const Call& call) {
  for (std::size_t i = 1; i < call.input_count(); ++i)
    if (call.tensor(i).dtype != call.tensor(0).dtype)
      call.invalid("inputs are {} and {}", name_of(call.tensor(0).dtype), name_of(call.tensor(i).dtype));
  return cat(call);
}

}  // namespace

std::span<const Entry> joining_rules() {
  static constexpr Entry kRules[] = {
      {"aten::cat", cat},
      {"aten::stack", stack},
      {"aten::hstack", hstack},
      {"aten::vstack", vstack},
      {"aten::roll", roll},
      {"aten::flip", flip},
      {"aten::pad", pad},
      {"aten::constant_pad_nd", constant_pad},
      {"aten::repeat", repeat},
      {"aten::tile", tile},
      {"aten::repeat_interleave", repeat_interleave},
      {"aten::tril", triangle},
      {"aten::triu", triangle},
      {"aten::slice_scatter", slice_scatter},
      {"aten::select_scatter", select_scatter},
      {"aten::copy", copy},
      {"aten::fill", fill},
      {"aten::zero", same},
      {"concat", core_concat},
      {"pad", core_pad},
  };
  return kRules;
}

}  // namespace wherry::ir::infer
