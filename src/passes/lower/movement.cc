// Ops that build a tensor out of pieces of others: joins, shifts, mirrored and repeated parts, padding, shuffles.

#include <algorithm>
#include <numeric>

#include "base/check.h"
#include "passes/lower/lower.h"

namespace wherry::passes::lowering {
namespace {

/// All the tensors of a list argument in the result's dtype, without the empty rank-1 ones that torch.cat ignores.
std::vector<ir::Value*> listed(Site& site, bool skip_empty) {
  std::vector<ir::Value*> xs;
  for (ir::Value* x : site.node().inputs())
    if (!skip_empty || x->type().sizes != Dims{0}) xs.push_back(site.cast(x, site.out().dtype));
  return xs;
}

ir::Value* cat(Site& site, std::vector<ir::Value*> xs, std::int64_t dim) {
  // Parts without elements would be views of nothing.
  const auto none = [&](ir::Value* x) { return x->type().sizes[static_cast<std::size_t>(dim)] == 0; };
  if (!std::all_of(xs.begin(), xs.end(), none)) std::erase_if(xs, none);
  return site.concat(std::move(xs), dim);
}

Values cat_op(Site& site) {
  auto xs = listed(site, site.out().sizes.size() != 1);
  if (xs.empty()) return {site.full(site.out().sizes, 0, site.out().dtype)};
  return {cat(site, std::move(xs), wrap(site.integer("dim", 0), site.out().sizes.size()))};
}

Values stack(Site& site) {
  auto xs = listed(site, false);
  const std::int64_t dim = wrap(site.integer("dim", 0), site.out().sizes.size());
  for (ir::Value*& x : xs) x = site.unsqueeze(x, dim);
  return {cat(site, std::move(xs), dim)};
}

Values hstack(Site& site) {
  auto xs = listed(site, false);
  for (ir::Value*& x : xs)
    if (x->type().sizes.empty()) x = site.unsqueeze(x, 0);
  return {cat(site, std::move(xs), site.out().sizes.size() == 1 ? 0 : 1)};
}

Values vstack(Site& site) {
  auto xs = listed(site, false);
  for (ir::Value*& x : xs)
    if (x->type().sizes.size() < 2) x = site.reshape(x, {1, x->type().numel()});
  return {cat(site, std::move(xs), 0)};
}

ir::Value* roll_once(Site& site, ir::Value* x, std::int64_t shift, std::int64_t dim) {
  const std::int64_t size = x->type().sizes[static_cast<std::size_t>(dim)];
  if (size == 0) return x;
  const std::int64_t cut = ((size - shift) % size + size) % size;
  if (cut == 0) return x;
  return site.concat({site.slice(x, dim, cut, size), site.slice(x, dim, 0, cut)}, dim);
}

Values roll(Site& site) {
  const Dims shifts = site.integers("shifts"), dims = site.integers("dims");
  ir::Value* x = site.in(0);
  if (dims.empty()) {
    ir::Value* flat = site.reshape(x, {x->type().numel()});
    return {site.reshape(roll_once(site, flat, shifts.at(0), 0), site.out().sizes)};
  }
  for (std::size_t i = 0; i < dims.size(); ++i) x = roll_once(site, x, shifts.at(i), wrap(dims[i], site.rank()));
  return {x};
}

/// Slices have positive steps only, so a mirrored dimension is its elements joined in reverse.
ir::Value* flip_once(Site& site, ir::Value* x, std::int64_t dim) {
  const std::int64_t size = x->type().sizes[static_cast<std::size_t>(dim)];
  std::vector<ir::Value*> parts;
  for (std::int64_t i = size; i-- > 0;) parts.push_back(site.slice(x, dim, i, i + 1));
  return parts.empty() ? x : site.concat(std::move(parts), dim);
}

Values flip(Site& site) {
  ir::Value* x = site.in(0);
  for (const std::int64_t d : site.integers("dims")) x = flip_once(site, x, wrap(d, site.rank()));
  return {x};
}

/// Padding beyond the edge by mirroring ("reflect") or repeating ("replicate") or wrapping around ("circular").
ir::Value* pad_by_copies(Site& site, ir::Value* x, const std::string& mode, std::int64_t dim, std::int64_t before,
                         std::int64_t after) {
  const std::int64_t size = x->type().sizes[static_cast<std::size_t>(dim)];
  std::vector<ir::Value*> parts;
  const auto at = [&](std::int64_t i) { return site.slice(x, dim, i, i + 1); };
  for (std::int64_t i = before; i > 0; --i)
    parts.push_back(at(mode == "reflect" ? i : mode == "replicate" ? 0 : ((-i) % size + size) % size));
  parts.push_back(x);
  for (std::int64_t i = 0; i < after; ++i)
    parts.push_back(at(mode == "reflect" ? size - 2 - i : mode == "replicate" ? size - 1 : i % size));
  return site.concat(std::move(parts), dim);
}

Values pad(Site& site) {
  // PyTorch lists the pads from the last dimension backwards; a negative one crops.
  const Dims listed_pads = site.integers("pad");
  const std::size_t rank = site.rank();
  ir::Value* x = site.in(0);
  const std::string mode = site.has("mode") ? site.node().text("mode") : "constant";
  Dims pads(2 * rank, 0);
  for (std::size_t i = 0; i + 1 < listed_pads.size(); i += 2) {
    const std::size_t d = rank - 1 - i / 2;
    std::int64_t before = listed_pads[i], after = listed_pads[i + 1];
    const std::int64_t size = x->type().sizes[d];
    const std::int64_t start = std::max<std::int64_t>(0, -before), end = size - std::max<std::int64_t>(0, -after);
    x = site.slice(x, static_cast<std::int64_t>(d), start, end);
    before = std::max<std::int64_t>(0, before);
    after = std::max<std::int64_t>(0, after);
    if (mode == "constant") {
      pads[2 * d] = before;
      pads[2 * d + 1] = after;
    } else if (mode == "reflect" || mode == "replicate" || mode == "circular") {
      x = pad_by_copies(site, x, mode, static_cast<std::int64_t>(d), before, after);
    } else {
      base::fail<InvalidModel>("pad mode \"{}\", expected constant, reflect, replicate or circular", mode);
    }
  }
  return {site.pad(x, std::move(pads), site.number("value", 0))};
}

Values repeat(Site& site) {
  const Dims out = site.out().sizes;
  // Each dimension d becomes (repeats, d), the repeats are an expand, and the pair is read as one.
  ir::Value* x = site.in(0);
  Dims sizes(out.size() - site.rank(), 1);
  sizes.insert(sizes.end(), site.sizes().begin(), site.sizes().end());
  Dims paired, expanded;
  for (std::size_t d = 0; d < out.size(); ++d) {
    const std::int64_t times = sizes[d] == 0 ? 1 : out[d] / sizes[d];
    paired.insert(paired.end(), {1, sizes[d]});
    expanded.insert(expanded.end(), {times, sizes[d]});
  }
  return {site.reshape(site.expand(site.reshape(x, std::move(paired)), std::move(expanded)), out)};
}

Values repeat_interleave(Site& site) {
  ir::Value* x = site.in(0);
  std::int64_t dim = 0;
  if (site.has("dim"))
    dim = site.dim();
  else
    x = site.reshape(x, {x->type().numel()});
  const std::int64_t times = site.integer("repeats", 1);
  Dims sizes = x->type().sizes;
  sizes.insert(sizes.begin() + dim + 1, 1);
  x = site.reshape(x, sizes);
  sizes[static_cast<std::size_t>(dim + 1)] = times;
  return {site.reshape(site.expand(x, std::move(sizes)), site.out().sizes)};
}

/// The leading dimensions of `sizes` that are not channels or pixels, followed by `tail`.
Dims with_batch(const Dims& sizes, std::size_t tail_rank, Dims tail) {
  Dims all(sizes.begin(), sizes.end() - static_cast<std::ptrdiff_t>(tail_rank));
  all.insert(all.end(), tail.begin(), tail.end());
  return all;
}

Dims permutation(std::size_t batch, std::initializer_list<std::int64_t> tail) {
  Dims dims(batch);
  std::iota(dims.begin(), dims.end(), 0);
  for (const std::int64_t d : tail) dims.push_back(static_cast<std::int64_t>(batch) + d);
  return dims;
}

Values pixel_shuffle(Site& site) {
  // [C·r·r, H, W] → [C, r, r, H, W] → [C, H, r, W, r]
  const Dims in = site.sizes(), out = site.out().sizes;
  const std::size_t batch = in.size() - 3;
  const std::int64_t r = site.integer("upscale_factor", 1);
  ir::Value* x = site.reshape(site.in(0), with_batch(in, 3, {out[batch], r, r, in[batch + 1], in[batch + 2]}));
  return {site.reshape(site.permute(x, permutation(batch, {0, 3, 1, 4, 2})), out)};
}

Values pixel_unshuffle(Site& site) {
  const Dims in = site.sizes(), out = site.out().sizes;
  const std::size_t batch = in.size() - 3;
  const std::int64_t r = site.integer("downscale_factor", 1);
  ir::Value* x = site.reshape(site.in(0), with_batch(in, 3, {in[batch], out[batch + 1], r, out[batch + 2], r}));
  return {site.reshape(site.permute(x, permutation(batch, {0, 2, 4, 1, 3})), out)};
}

Values channel_shuffle(Site& site) {
  const Dims in = site.sizes();
  const std::int64_t groups = site.integer("groups", 1);
  Dims split = in;
  split[1] = groups;
  split.insert(split.begin() + 2, in[1] / groups);
  ir::Value* x = site.transpose(site.reshape(site.in(0), std::move(split)), 1, 2);
  return {site.reshape(x, in)};
}

Values meshgrid(Site& site) {
  const bool swapped = site.has("indexing") && site.node().text("indexing") == "xy" && site.node().inputs().size() > 1;
  Values results;
  for (std::size_t i = 0; i < site.node().inputs().size(); ++i) {
    const std::size_t dim = swapped && i < 2 ? 1 - i : i;
    Dims sizes(site.node().inputs().size(), 1);
    sizes[dim] = site.in(i)->type().numel();
    results.push_back(site.expand(site.reshape(site.in(i), std::move(sizes)), site.out(i).sizes));
  }
  return results;
}

}  // namespace

std::span<const Rule> movement_rules() {
  static constexpr Rule kRules[] = {
      {"cat", cat_op},
      {"stack", stack},
      {"hstack", hstack},
      {"vstack", vstack},
      {"roll", roll},
      {"flip", flip},
      {"pad", pad},
      {"constant_pad_nd", pad},
      {"repeat", repeat},
      {"tile", repeat},
      {"repeat_interleave", repeat_interleave},
      {"pixel_shuffle", pixel_shuffle},
      {"pixel_unshuffle", pixel_unshuffle},
      {"channel_shuffle", channel_shuffle},
      {"meshgrid", meshgrid},
  };
  return kRules;
}

}  // namespace wherry::passes::lowering
