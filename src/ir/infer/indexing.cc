// Types of ops that read elements by index.

#include <algorithm>

#include "ir/infer/rules.h"

namespace wherry::ir::infer {
namespace {

void need_integers(const Call& call, const TensorType& index) {
  if (is_floating(index.dtype) || index.dtype == DType::boolean)
    call.invalid("the index is {}, accepted are int64 and int32", name_of(index.dtype));
}

/// self[indices...]: absent indices keep their dimension whole; the others broadcast together, and their dimensions
/// stand where the first index stood if all indices are neighbours, else at the front.
std::vector<TensorType> index(const Call& call) {
  const TensorType& self = call.tensor(0);
  const std::size_t given = call.input_count() - 1;
  if (given > self.sizes.size())
    call.invalid("{} indices for input {} of {} dimensions", given, to_string(self.sizes), self.sizes.size());
  Dims together;
  std::ptrdiff_t first = -1, last = -1;
  std::int64_t count = 0;
  for (std::size_t i = 0; i < given; ++i) {
    const TensorType* index = call.maybe(1 + i);
    if (!index) continue;
    if (index->dtype == DType::boolean || index->dtype == DType::u8)
      call.unsupported("an index of bools makes a shape that depends on values");
    need_integers(call, *index);
    together = call.broadcast(together, index->sizes);
    if (first < 0) first = static_cast<std::ptrdiff_t>(i);
    last = static_cast<std::ptrdiff_t>(i);
    ++count;
  }
  if (count == 0) return {plain(self.dtype, self.sizes)};
  const bool neighbours = last - first + 1 == count;
  Dims sizes;
  if (!neighbours) sizes = together;
  for (std::size_t i = 0; i < self.sizes.size(); ++i) {
    if (neighbours && static_cast<std::ptrdiff_t>(i) == first)
      sizes.insert(sizes.end(), together.begin(), together.end());
    if (i >= given || !call.maybe(1 + i)) sizes.push_back(self.sizes[i]);
  }
  return {plain(self.dtype, std::move(sizes))};
}

Dims replaced(const Dims& sizes, std::size_t dim, const Dims& with) {
  Dims result(sizes.begin(), sizes.begin() + static_cast<std::ptrdiff_t>(dim));
  result.insert(result.end(), with.begin(), with.end());
  result.insert(result.end(), sizes.begin() + static_cast<std::ptrdiff_t>(dim) + 1, sizes.end());
  return result;
}

std::vector<TensorType> index_select(const Call& call) {
  const TensorType &self = call.tensor(0), &index = call.tensor(1);
  need_integers(call, index);
  if (index.sizes.size() > 1)
    call.invalid("index {} has {} dimensions, accepted are 0 and 1", to_string(index.sizes), index.sizes.size());
  const auto dim = static_cast<std::size_t>(call.dimension_of("dim", self, 0));
  if (self.sizes.empty()) return {plain(self.dtype, {})};
  return {plain(self.dtype, replaced(self.sizes, dim, {index.sizes.empty() ? 1 : index.sizes[0]}))};
}

std::vector<TensorType> gather(const Call& call) {
  const TensorType &self = call.tensor(0), &index = call.tensor(1);
  need_integers(call, index);
  const auto dim = static_cast<std::size_t>(call.dimension(call.integer("dim"), rank(self)));
  bool fits = self.sizes.size() == index.sizes.size();
  for (std::size_t i = 0; fits && i < index.sizes.size(); ++i) fits = i == dim || index.sizes[i] <= self.sizes[i];
  if (!fits)
    call.invalid("index {} does not fit input {} along dimension {}", to_string(index.sizes), to_string(self.sizes),
                 dim);
  return {plain(self.dtype, index.sizes)};
}

std::vector<TensorType> take_along_dim(const Call& call) {
  const TensorType &self = call.tensor(0), &index = call.tensor(1);
  need_integers(call, index);
  if (!call.has("dim")) return {plain(self.dtype, {call.count(index.sizes)})};
  if (self.sizes.size() != index.sizes.size() || self.sizes.empty())
    call.invalid("index {} does not fit input {}", to_string(index.sizes), to_string(self.sizes));
  const auto dim = static_cast<std::size_t>(call.dimension_of("dim", self, 0));
  Dims a = self.sizes, b = index.sizes;
  const std::int64_t count = b[dim];
  a[dim] = b[dim] = 1;
  Dims sizes = call.broadcast(a, b);
  sizes[dim] = count;
  return {plain(self.dtype, std::move(sizes))};
}

std::vector<TensorType> embedding(const Call& call) {
  const TensorType &weight = call.tensor(0), &indices = call.tensor(1);
  need_integers(call, indices);
  if (weight.sizes.size() != 2)
    call.invalid("weight {} has {} dimensions, needs 2", to_string(weight.sizes), weight.sizes.size());
  return {plain(weight.dtype, replaced(weight.sizes, 0, indices.sizes))};
}

/// The core op: dimension `dim` of the table becomes the indices' dimensions.
std::vector<TensorType> core_gather(const Call& call) {
  const TensorType &table = call.tensor(0), &indices = call.tensor(1);
  need_integers(call, indices);
  if (table.sizes.empty()) call.invalid("the table has no dimensions");
  const auto dim = static_cast<std::size_t>(call.dimension_of("dim", table, 0));
  return {plain(table.dtype, replaced(table.sizes, dim, indices.sizes))};
}

}  // namespace

std::span<const Entry> indexing_rules() {
  static constexpr Entry kRules[] = {
      {"aten::index", index},         {"aten::index_select", index_select},
      {"aten::gather", gather},       {"aten::take_along_dim", take_along_dim},
      {"aten::embedding", embedding}, {"gather", core_gather},
  };
  return kRules;
}

}  // namespace wherry::ir::infer
