// Ops that only relabel or select elements: reshape, permute, slice, expand.

#include <algorithm>
#include <numeric>

#include "base/check.h"
#include "passes/lower/lower.h"

namespace wherry::passes::lowering {
namespace {

/// Whatever names its result by its sizes alone: view, reshape, flatten, squeeze, unsqueeze, unflatten, …
Values reshape(Site& site) { return {site.reshape(site.in(0), site.out().sizes)}; }

Values expand(Site& site) { return {site.expand(site.in(0), site.out().sizes)}; }

Values broadcast_tensors(Site& site) {
  Values results;
  for (std::size_t i = 0; i < site.node().inputs().size(); ++i)
    results.push_back(site.expand(site.in(i), site.out(i).sizes));
  return results;
}

Values permute(Site& site) {
  Dims dims = site.integers("dims");
  for (std::int64_t& d : dims) d = wrap(d, site.rank());
  return {site.permute(site.in(0), std::move(dims))};
}

Values transpose(Site& site) { return {site.transpose(site.in(0), site.integer("dim0", 0), site.integer("dim1", 0))}; }

Values t(Site& site) { return {site.rank() < 2 ? site.in(0) : site.transpose(site.in(0), 0, 1)}; }

Values movedim(Site& site) {
  const Dims from = site.integers("source"), to = site.integers("destination");
  const std::size_t rank = site.rank();
  Dims dims(rank, -1);
  std::vector<bool> moved(rank, false);
  for (std::size_t i = 0; i < from.size(); ++i) {
    const std::int64_t source = wrap(from[i], rank);
    dims[static_cast<std::size_t>(wrap(to[i], rank))] = source;
    moved[static_cast<std::size_t>(source)] = true;
  }
  std::int64_t next = 0;
  for (std::int64_t& d : dims) {
    if (d >= 0) continue;
    while (moved[static_cast<std::size_t>(next)]) ++next;
    d = next++;
  }
  return {site.permute(site.in(0), std::move(dims))};
}

/// A bound of a Python slice: counted from the end where negative, then clamped to [0, size].
std::int64_t bound(std::int64_t value, std::int64_t size) {
  if (value < 0) value += size;
  return std::clamp<std::int64_t>(value, 0, size);
}

struct Range {
  std::int64_t dim, start, end, step;
};

Range range_of(Site& site, std::int64_t size_dim_fallback = 0) {
  const std::int64_t dim = site.dim("dim", size_dim_fallback);
  const std::int64_t size = site.sizes()[static_cast<std::size_t>(dim)];
  const std::int64_t start = bound(site.integer("start", 0), size);
  const std::int64_t end = std::max(start, bound(site.integer("end", size), size));
  return {dim, start, end, site.integer("step", 1)};
}

Values slice(Site& site) {
  const Range r = range_of(site);
  return {site.slice(site.in(0), r.dim, r.start, r.end, r.step)};
}

Values narrow(Site& site) {
  const std::int64_t dim = site.dim();
  const std::int64_t size = site.sizes()[static_cast<std::size_t>(dim)];
  const std::int64_t start = bound(site.integer("start", 0), size);
  return {site.slice(site.in(0), dim, start, start + site.integer("length", 0))};
}

std::int64_t index_of(Site& site, std::int64_t dim) {
  const std::int64_t index = site.integer("index", 0);
  return index < 0 ? index + site.sizes()[static_cast<std::size_t>(dim)] : index;
}

Values select(Site& site) {
  const std::int64_t dim = site.dim();
  return {site.select(site.in(0), dim, index_of(site, dim))};
}

/// chunk, split, tensor_split: the outputs' sizes along `dim` say where the cuts are.
Values split(Site& site) {
  const std::int64_t dim = site.dim();
  Values results;
  std::int64_t start = 0;
  for (const ir::Value* output : site.node().outputs()) {
    const std::int64_t end = start + output->type().sizes[static_cast<std::size_t>(dim)];
    results.push_back(site.slice(site.in(0), dim, start, end));
    start = end;
  }
  return results;
}

Values unbind(Site& site) {
  const std::int64_t dim = site.dim();
  Values results;
  for (std::size_t i = 0; i < site.node().outputs().size(); ++i)
    results.push_back(site.select(site.in(0), dim, static_cast<std::int64_t>(i)));
  return results;
}

/// `x` with the range of `r` replaced by `source`.
ir::Value* scatter(Site& site, ir::Value* x, ir::Value* source, const Range& r) {
  const std::int64_t size = x->type().sizes[static_cast<std::size_t>(r.dim)];
  source = site.cast(source, x->type().dtype);
  std::vector<ir::Value*> parts;
  if (r.step == 1) {
    if (r.start == r.end) return x;
    if (r.start > 0) parts.push_back(site.slice(x, r.dim, 0, r.start));
    parts.push_back(source);
    if (r.end < size) parts.push_back(site.slice(x, r.dim, r.end, size));
  } else {
    for (std::int64_t i = 0, taken = 0; i < size; ++i) {
      const bool replaced = i >= r.start && i < r.end && (i - r.start) % r.step == 0;
      parts.push_back(replaced ? site.slice(source, r.dim, taken, taken + 1) : site.slice(x, r.dim, i, i + 1));
      taken += replaced;
    }
  }
  return site.concat(std::move(parts), r.dim);
}

Values slice_scatter(Site& site) {
  const Range r = range_of(site);
  Dims sizes = site.sizes();
  sizes[static_cast<std::size_t>(r.dim)] = (r.end - r.start + r.step - 1) / r.step;
  return {scatter(site, site.in(0), site.expand(site.in(1), sizes), r)};
}

Values select_scatter(Site& site) {
  const std::int64_t dim = site.dim();
  const std::int64_t index = index_of(site, dim);
  Dims sizes = site.sizes();
  sizes.erase(sizes.begin() + dim);
  ir::Value* source = site.unsqueeze(site.expand(site.in(1), sizes), dim);
  return {scatter(site, site.in(0), source, {dim, index, index + 1, 1})};
}

Values copy(Site& site) { return {site.expand(site.cast(site.in(1), site.out().dtype), site.out().sizes)}; }

}  // namespace

std::span<const Rule> view_rules() {
  static constexpr Rule kRules[] = {
      {"view", reshape},
      {"reshape", reshape},
      {"_unsafe_view", reshape},
      {"flatten", reshape},
      {"ravel", reshape},
      {"view_as", reshape},
      {"reshape_as", reshape},
      {"unflatten", reshape},
      {"squeeze", reshape},
      {"unsqueeze", reshape},
      {"expand", expand},
      {"expand_as", expand},
      {"broadcast_tensors", broadcast_tensors},
      {"permute", permute},
      {"transpose", transpose},
      {"t", t},
      {"numpy_T",
       [](Site& s) {
         Dims dims(s.rank());
         std::iota(dims.rbegin(), dims.rend(), 0);
         return Values{s.permute(s.in(0), std::move(dims))};
       }},
      {"movedim", movedim},
      {"slice", slice},
      {"narrow", narrow},
      {"select", select},
      {"chunk", split},
      {"split", split},
      {"split_with_sizes", split},
      {"tensor_split", split},
      {"unbind", unbind},
      {"slice_scatter", slice_scatter},
      {"select_scatter", select_scatter},
      {"copy", copy},
  };
  return kRules;
}

}  // namespace wherry::passes::lowering
