// Reading by index. The core op gather has one index along one dimension; where there are several, the dimensions they
// index are joined to one and so are the indices.

#include <algorithm>
#include <functional>
#include <numeric>

#include "passes/lower/lower.h"
#include "tensor/elements.h"

namespace wherry::passes::lowering {
namespace {

using expression::Opcode;

/// Negative indices count from the end, which gather does not know.
ir::Value* from_front(Site& site, ir::Value* indices, std::int64_t size) {
  if (indices->type().dtype == DType::boolean || indices->type().dtype == DType::u8)
    site.unsupported("a boolean mask as index; integer indices would be accepted");
  return site.apply({indices}, indices->type().dtype, [=](auto& b, auto r) {
    const auto wrapped = b.emit(Opcode::add, r[0], b.constant(static_cast<double>(size)));
    return b.emit(Opcode::where, b.emit(Opcode::lt, r[0], b.constant(0)), wrapped, r[0]);
  });
}

Values embedding(Site& site) { return {site.gather(site.in(0), site.in(1), 0)}; }

Values index_select(Site& site) {
  const std::int64_t dim = site.dim();
  return {site.reshape(site.gather(site.in(0), site.in(1), dim), site.out().sizes)};
}

/// Whether the constant index counts 0, 1, 2 … along dimension `dim`, `size` of them, and is the same along the others.
bool counts_along(const ir::Value* index, std::size_t dim, std::int64_t size) {
  const Dims& sizes = index->type().sizes;
  if (!index->is_constant() || element_count(sizes) != size || sizes[dim] != size) return false;
  const Tensor values = index->constant()->get();
  for (std::int64_t i = 0; i < size; ++i)
    if (tensor::load_int(values.data(), values.dtype(), i) != i) return false;
  return true;
}

/// Whether the indices name every element of the dimensions they index, in order, so that reading them rearranges
/// nothing: mask[arange(batch)[:, None], arange(length)[None, :]].
bool all_in_order(std::span<ir::Value* const> indices, std::span<const std::int64_t> sizes, const Dims& together) {
  std::size_t next = 0;
  for (std::size_t i = 0; i < indices.size(); ++i) {
    const std::size_t lead = together.size() - indices[i]->type().sizes.size();
    // The first dimension that has this size: dimensions of size 1 between need no index.
    std::size_t at = next;
    while (at < together.size() &&
           (at < lead || together[at] != sizes[i] || !counts_along(indices[i], at - lead, sizes[i])))
      if (together[at++] != 1) return false;
    if (at == together.size()) return false;
    next = at + 1;
  }
  return std::all_of(together.begin() + static_cast<std::ptrdiff_t>(next), together.end(),
                     [](std::int64_t size) { return size == 1; });
}

/// `flat` where the index is within `size`, else an index that no table has: joined dimensions would otherwise turn an
/// index that is too large into another element's.
std::uint8_t within(expression::Builder& b, std::uint8_t index, std::int64_t size, std::uint8_t flat) {
  constexpr double kNowhere = -0x1p62;
  const auto fits = b.emit(Opcode::logical_and, b.emit(Opcode::ge, index, b.constant(0)),
                           b.emit(Opcode::lt, index, b.constant(static_cast<double>(size))));
  return b.emit(Opcode::where, fits, flat, b.constant(kNowhere));
}

/// One index into dimensions of these sizes joined to one.
ir::Value* joint_index(Site& site, std::span<ir::Value* const> indices, std::span<const std::int64_t> sizes) {
  std::vector<Operand> operands;
  for (std::size_t i = 0; i < indices.size(); ++i)
    operands.emplace_back(site.cast(from_front(site, indices[i], sizes[i]), DType::i64));
  return site.apply(operands, DType::i64, [&](auto& b, auto r) {
    auto flat = r[0];
    for (std::size_t i = 1; i < r.size(); ++i) {
      flat = b.emit(Opcode::mul, flat, b.constant(static_cast<double>(sizes[i])));
      flat = b.emit(Opcode::add, flat, r[i]);
    }
    for (std::size_t i = 0; i < r.size(); ++i) flat = within(b, r[i], sizes[i], flat);
    return flat;
  });
}

/// self[indices…]: None (absent) leaves a dimension as it is.
Values index(Site& site) {
  std::vector<std::int64_t> dims;
  std::vector<ir::Value*> indices;
  Dims together;
  for (std::size_t i = 1; i < site.node().inputs().size(); ++i) {
    if (!site.maybe(i)) continue;
    dims.push_back(static_cast<std::int64_t>(i - 1));
    indices.push_back(site.in(i));
    together = broadcast(together, indices.back()->type().sizes);
  }
  if (dims.empty()) return {site.in(0)};
  ir::Value* self = site.in(0);
  const auto count = static_cast<std::int64_t>(dims.size());
  if (count == 1)
    return {site.gather(self, from_front(site, indices[0], site.sizes()[static_cast<std::size_t>(dims[0])]), dims[0])};
  // The indexed dimensions as neighbours: where they are, or else, as PyTorch has the result, in front.
  std::int64_t first = dims[0];
  if (dims.back() - first + 1 != count) {
    Dims order = dims;
    for (std::int64_t d = 0; d < static_cast<std::int64_t>(site.rank()); ++d)
      if (std::find(dims.begin(), dims.end(), d) == dims.end()) order.push_back(d);
    self = site.permute(self, order);
    first = 0;
  }
  Dims sizes = self->type().sizes;
  const auto begin = sizes.begin() + first, end = begin + count;
  const std::vector<std::int64_t> indexed(begin, end);
  if (all_in_order(indices, indexed, together)) return {site.reshape(self, site.out().sizes)};
  const std::int64_t joined = std::accumulate(begin, end, std::int64_t{1}, std::multiplies<>());
  sizes.insert(sizes.erase(begin, end), joined);
  return {site.gather(site.reshape(self, sizes), joint_index(site, indices, indexed), first)};
}

/// out[i][j] = self[index[i][j]][j] for dim 0: one index for each element, into all of self as one dimension.
Values gather(Site& site) {
  ir::Value *self = site.in(0), *index = site.in(1);
  const Dims sizes = site.sizes(), out = site.out().sizes;
  if (sizes.empty()) return {self};
  const auto dim = static_cast<std::size_t>(site.dim());
  // Where each element of the output is counted from: its own place in self, along `dim` at 0.
  const Dims strides = contiguous_strides(sizes);
  Tensor places = Tensor::empty(DType::i64, out);
  Dims at(out.size(), 0);
  for (std::int64_t& place : places.mutable_values<std::int64_t>()) {
    place = 0;
    for (std::size_t d = 0; d < out.size(); ++d) place += d == dim ? 0 : at[d] * strides[d];
    for (std::size_t d = out.size(); d-- > 0 && ++at[d] == out[d];) at[d] = 0;
  }
  ir::Value* base = site.graph().add_constant(std::move(places));
  ir::Value* flat = site.apply({index, base}, DType::i64, [&](auto& b, auto r) {
    const auto along = b.emit(Opcode::mul, r[0], b.constant(static_cast<double>(strides[dim])));
    return within(b, r[0], sizes[dim], b.emit(Opcode::add, along, r[1]));
  });
  return {site.gather(site.reshape(self, {element_count(sizes)}), flat, 0)};
}

}  // namespace

std::span<const Rule> indexing_rules() {
  static constexpr Rule kRules[] = {
      {"embedding", embedding}, {"index_select", index_select}, {"index", index}, {"gather", gather}};
  return kRules;
}

}  // namespace wherry::passes::lowering
