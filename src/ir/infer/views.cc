// Types of ops that rearrange or relabel elements and make one tensor, in ATen's and in the core's form.

#include <algorithm>
#include <numeric>

#include "ir/infer/rules.h"

namespace wherry::ir::infer {
namespace {

std::vector<TensorType> with_sizes(const Call& call, Dims sizes) {
  return {plain(call.tensor(0).dtype, std::move(sizes))};
}

std::vector<TensorType> same(const Call& call) { return with_sizes(call, call.tensor(0).sizes); }

std::vector<TensorType> reshape_to(const Call& call, Dims sizes) {
  const TensorType& self = call.tensor(0);
  const std::int64_t have = call.count(self.sizes);
  const Dims asked = sizes;
  std::size_t open = sizes.size();
  std::int64_t known = 1;
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    if (sizes[i] == -1 && open == sizes.size())
      open = i;
    else if (sizes[i] < 0)
      call.invalid("shape {} has {} where sizes and one -1 are accepted", to_string(asked), sizes[i]);
    else
      known = call.multiply(known, sizes[i]);
  }
  if (open != sizes.size()) {
    if (known == 0 || have % known != 0)
      call.invalid("{} elements of {} do not fill the shape {}", have, to_string(self.sizes), to_string(asked));
    sizes[open] = have / known;
  } else if (known != have) {
    call.invalid("{} elements of {} do not fill the shape {}", have, to_string(self.sizes), to_string(asked));
  }
  return with_sizes(call, std::move(sizes));
}

std::vector<TensorType> view(const Call& call) {
  if (call.has("dtype")) call.unsupported("reading the bytes as another dtype is not supported");
  return reshape_to(call, call.integers("size"));
}
std::vector<TensorType> reshape(const Call& call) { return reshape_to(call, call.integers("shape")); }
std::vector<TensorType> view_as(const Call& call) { return reshape_to(call, call.tensor(1).sizes); }
std::vector<TensorType> ravel(const Call& call) { return reshape_to(call, {call.count(call.tensor(0).sizes)}); }
std::vector<TensorType> core_reshape(const Call& call) { return reshape_to(call, call.integers("sizes")); }

std::vector<TensorType> flatten(const Call& call) {
  const TensorType& self = call.tensor(0);
  if (self.sizes.empty()) return with_sizes(call, {1});
  const auto start = call.dimension_of("start_dim", self, 0), end = call.dimension_of("end_dim", self, -1);
  if (start > end) call.invalid("start_dim {} stands behind end_dim {}", start, end);
  Dims sizes(self.sizes.begin(), self.sizes.begin() + start);
  sizes.push_back(call.count(Dims(self.sizes.begin() + start, self.sizes.begin() + end + 1)));
  sizes.insert(sizes.end(), self.sizes.begin() + end + 1, self.sizes.end());
  return with_sizes(call, std::move(sizes));
}

std::vector<TensorType> unflatten(const Call& call) {
  const TensorType& self = call.tensor(0);
  if (self.sizes.empty()) call.invalid("a tensor of no dimensions cannot be unflattened");
  const auto dim = call.dimension_of("dim", self, 0);
  const Dims& into = call.integers("sizes");
  const std::int64_t whole = self.sizes[static_cast<std::size_t>(dim)];
  const TensorType part = plain(self.dtype, {whole});
  const TensorType* input[] = {&part};
  const Attributes none;
  const Dims pieces = reshape_to(Call(call.op(), input, none), into)[0].sizes;
  Dims sizes = self.sizes;
  sizes.erase(sizes.begin() + dim);
  sizes.insert(sizes.begin() + dim, pieces.begin(), pieces.end());
  return with_sizes(call, std::move(sizes));
}

std::vector<TensorType> permute(const Call& call) {
  const TensorType& self = call.tensor(0);
  const Dims& dims = call.integers("dims");
  if (dims.size() != self.sizes.size())
    call.invalid("dims {} do not fit input {}", to_string(dims), to_string(self.sizes));
  Dims sizes;
  std::vector<bool> seen(dims.size(), false);
  for (const std::int64_t given : dims) {
    const auto dim = static_cast<std::size_t>(call.dimension(given, rank(self)));
    if (seen[dim]) call.invalid("dims {} name a dimension twice", to_string(dims));
    seen[dim] = true;
    sizes.push_back(self.sizes[dim]);
  }
  return with_sizes(call, std::move(sizes));
}

std::vector<TensorType> transpose(const Call& call) {
  const TensorType& self = call.tensor(0);
  const auto a = call.dimension_of("dim0", self, 0), b = call.dimension_of("dim1", self, 0);
  Dims sizes = self.sizes;
  if (!sizes.empty()) std::swap(sizes[static_cast<std::size_t>(a)], sizes[static_cast<std::size_t>(b)]);
  return with_sizes(call, std::move(sizes));
}

std::vector<TensorType> t(const Call& call) {
  Dims sizes = call.tensor(0).sizes;
  if (sizes.size() > 2)
    call.invalid("input {} has {} dimensions, accepted are up to 2", to_string(sizes), sizes.size());
  std::reverse(sizes.begin(), sizes.end());
  return with_sizes(call, std::move(sizes));
}

std::vector<TensorType> unsqueeze(const Call& call) {
  Dims sizes = call.tensor(0).sizes;
  const auto dim = call.dimension(call.integer("dim"), rank(call.tensor(0)) + 1);
  sizes.insert(sizes.begin() + dim, 1);
  return with_sizes(call, std::move(sizes));
}

std::vector<TensorType> squeeze(const Call& call) {
  const TensorType& self = call.tensor(0);
  const Attribute* dim = call.find("dim");
  const auto* list = dim ? std::get_if<Dims>(dim) : nullptr;
  const Dims dims = list && list->empty() ? Dims{} : call.dimensions("dim", self);
  Dims sizes;
  for (std::int64_t i = 0; i < rank(self); ++i) {
    const std::int64_t size = self.sizes[static_cast<std::size_t>(i)];
    if (size != 1 || std::find(dims.begin(), dims.end(), i) == dims.end()) sizes.push_back(size);
  }
  return with_sizes(call, std::move(sizes));
}

std::vector<TensorType> expand_to(const Call& call, Dims sizes) {
  const TensorType& self = call.tensor(0);
  if (sizes.size() < self.sizes.size())
    call.invalid("sizes {} have fewer dimensions than input {}", to_string(sizes), to_string(self.sizes));
  const std::size_t lead = sizes.size() - self.sizes.size();
  const Dims asked = sizes;
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    if (i < lead) {
      if (sizes[i] < 0) call.invalid("sizes {}: a new dimension cannot be {}", to_string(asked), sizes[i]);
      continue;
    }
    const std::int64_t have = self.sizes[i - lead];
    if (sizes[i] == -1)
      sizes[i] = have;
    else if (sizes[i] < 0 || (have != 1 && sizes[i] != have))
      call.invalid("input {} does not expand to {}: only sizes of 1 do", to_string(self.sizes), to_string(asked));
  }
  return with_sizes(call, std::move(sizes));
}

std::vector<TensorType> expand(const Call& call) { return expand_to(call, call.integers("size")); }
std::vector<TensorType> expand_as(const Call& call) { return expand_to(call, call.tensor(1).sizes); }
std::vector<TensorType> core_expand(const Call& call) { return expand_to(call, call.integers("sizes")); }

std::size_t existing_dimension(const Call& call, std::int64_t fallback) {
  const TensorType& self = call.tensor(0);
  if (self.sizes.empty()) call.invalid("input has no dimensions");
  return static_cast<std::size_t>(call.dimension_of("dim", self, fallback));
}

std::vector<TensorType> slice(const Call& call) {
  const std::size_t dim = existing_dimension(call, 0);
  Dims sizes = call.tensor(0).sizes;
  const std::int64_t size = sizes[dim];
  const std::int64_t step = call.integer_or("step", 1);
  if (step < 1) call.invalid("step is {}, accepted are 1 and more", step);
  const auto clamped = [&](std::int64_t at) { return std::clamp<std::int64_t>(at < 0 ? at + size : at, 0, size); };
  const std::int64_t start = clamped(call.integer_or("start", 0));
  const std::int64_t end = std::max(start, clamped(call.integer_or("end", INT64_MAX)));
  sizes[dim] = (end - start) / step + ((end - start) % step != 0 ? 1 : 0);
  return with_sizes(call, std::move(sizes));
}

std::vector<TensorType> narrow(const Call& call) {
  const std::size_t dim = existing_dimension(call, 0);
  Dims sizes = call.tensor(0).sizes;
  const std::int64_t size = sizes[dim], length = call.integer("length");
  std::int64_t start = call.integer("start");
  if (start < 0 && start >= -size) start += size;
  if (start < 0 || start > size || length < 0 || length > size - start)
    call.invalid("start {} and length {} leave the {} elements of dimension {}", start, length, size, dim);
  sizes[dim] = length;
  return with_sizes(call, std::move(sizes));
}

std::vector<TensorType> select(const Call& call) {
  const std::size_t dim = existing_dimension(call, 0);
  Dims sizes = call.tensor(0).sizes;
  const std::int64_t size = sizes[dim], index = call.integer("index");
  if (index < -size || index >= size)
    call.invalid("index {} is outside the {} elements of dimension {} of {}", index, size, dim, to_string(sizes));
  sizes.erase(sizes.begin() + static_cast<std::ptrdiff_t>(dim));
  return with_sizes(call, std::move(sizes));
}

std::vector<TensorType> movedim(const Call& call) {
  const TensorType& self = call.tensor(0);
  const auto as_list = [&](std::string_view name) {
    const Attribute* attribute = call.find(name);
    if (attribute && std::holds_alternative<std::int64_t>(*attribute)) return Dims{call.integer(name)};
    return call.integers(name);
  };
  const Dims from = as_list("source"), to = as_list("destination");
  if (from.size() != to.size())
    call.invalid("source {} and destination {} differ in length", to_string(from), to_string(to));
  if (self.sizes.empty()) return same(call);
  constexpr std::int64_t kOpen = -1;
  Dims order(self.sizes.size(), kOpen);
  std::vector<bool> moved(self.sizes.size(), false);
  for (std::size_t i = 0; i < from.size(); ++i) {
    const auto source = static_cast<std::size_t>(call.dimension(from[i], rank(self)));
    const auto destination = static_cast<std::size_t>(call.dimension(to[i], rank(self)));
    if (moved[source] || order[destination] != kOpen)
      call.invalid("source {} or destination {} names a dimension twice", to_string(from), to_string(to));
    moved[source] = true;
    order[destination] = static_cast<std::int64_t>(source);
  }
  std::size_t next = 0;
  Dims sizes;
  for (std::int64_t& dim : order) {
    if (dim == kOpen) {
      while (moved[next]) ++next;
      dim = static_cast<std::int64_t>(next++);
    }
    sizes.push_back(self.sizes[static_cast<std::size_t>(dim)]);
  }
  return with_sizes(call, std::move(sizes));
}

/// Only the case that says nothing new about memory: the row-major strides of as many elements.
std::vector<TensorType> as_strided(const Call& call) {
  const Dims& sizes = call.integers("size");
  const Dims& strides = call.integers("stride");
  const TensorType& self = call.tensor(0);
  if (sizes.size() != strides.size())
    call.invalid("size {} and stride {} differ in length", to_string(sizes), to_string(strides));
  for (const std::int64_t size : sizes)
    if (size < 0) call.invalid("size {} has a negative size", to_string(sizes));
  const bool trivial = call.integer_or("storage_offset", 0) == 0 && call.count(sizes) == call.count(self.sizes) &&
                       strides == contiguous_strides(sizes);
  if (!trivial)
    call.unsupported("size {} and stride {} over {} are more than a reshape", to_string(sizes), to_string(strides),
                     to_string(self.sizes));
  return with_sizes(call, sizes);
}

std::vector<TensorType> core_slice(const Call& call) {
  const std::size_t dim = existing_dimension(call, 0);
  const std::int64_t size = call.tensor(0).sizes[dim], start = call.integer("start"), end = call.integer("end");
  if (start < 0 || start > end || end > size)
    call.invalid("start {} and end {} leave the {} elements", start, end, size);
  return slice(call);
}

}  // namespace

std::span<const Entry> view_rules() {
  static constexpr Entry kRules[] = {
      {"aten::view", view},
      {"aten::reshape", reshape},
      {"aten::view_as", view_as},
      {"aten::reshape_as", view_as},
      {"aten::ravel", ravel},
      {"aten::flatten", flatten},
      {"aten::unflatten", unflatten},
      {"aten::permute", permute},
      {"aten::transpose", transpose},
      {"aten::t", t},
      {"aten::unsqueeze", unsqueeze},
      {"aten::squeeze", squeeze},
      {"aten::expand", expand},
      {"aten::expand_as", expand_as},
      {"aten::slice", slice},
      {"aten::narrow", narrow},
      {"aten::select", select},
      {"aten::movedim", movedim},
      {"aten::as_strided", as_strided},
      {"aten::contiguous", same},
      {"aten::clone", same},
      {"aten::detach", same},
      {"aten::alias", same},
      {"reshape", core_reshape},
      {"permute", permute},
      {"slice", core_slice},
      {"expand", core_expand},
      {"copy", same},
  };
  return kRules;
}

}  // namespace wherry::ir::infer
