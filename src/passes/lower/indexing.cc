// Reading by index. One index tensor along one dimension is the core op gather; anything wider must have been folded.

#include "passes/lower/lower.h"

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

/// self[indices…]: None (absent) leaves a dimension as it is.
Values index(Site& site) {
  std::int64_t dim = -1;
  for (std::size_t i = 1; i < site.node().inputs().size(); ++i) {
    if (!site.maybe(i)) continue;
    if (dim >= 0) site.unsupported("several index tensors at once; one, or constants only, would be accepted");
    dim = static_cast<std::int64_t>(i - 1);
  }
  if (dim < 0) return {site.in(0)};
  ir::Value* indices = site.in(static_cast<std::size_t>(dim + 1));
  return {site.gather(site.in(0), from_front(site, indices, site.sizes()[static_cast<std::size_t>(dim)]), dim)};
}

}  // namespace

std::span<const Rule> indexing_rules() {
  static constexpr Rule kRules[] = {{"embedding", embedding}, {"index_select", index_select}, {"index", index}};
  return kRules;
}

}  // namespace wherry::passes::lowering
