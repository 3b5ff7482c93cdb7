// Types of ops that cut one tensor into a list, and of meshgrid and broadcast_tensors, which also make lists.

#include <algorithm>

#include "ir/infer/rules.h"

namespace wherry::ir::infer {
namespace {

/// A list longer than this is no model's.
constexpr std::int64_t kMaxPieces = 1 << 16;

struct Cut {
  std::size_t dim;
  std::int64_t size;
};

Cut cut_of(const Call& call) {
  const TensorType& self = call.tensor(0);
  if (self.sizes.empty()) call.invalid("a tensor of no dimensions cannot be cut");
  const auto dim = static_cast<std::size_t>(call.dimension_of("dim", self, 0));
  return {dim, self.sizes[dim]};
}

void need_few(const Call& call, std::int64_t pieces) {
  if (pieces > kMaxPieces) call.invalid("{} pieces, accepted are up to {}", pieces, kMaxPieces);
}

std::vector<TensorType> pieces(const Call& call, std::size_t dim, const Dims& lengths) {
  need_few(call, static_cast<std::int64_t>(lengths.size()));
  std::vector<TensorType> types;
  for (const std::int64_t length : lengths) {
    types.push_back(plain(call.tensor(0).dtype, call.tensor(0).sizes));
    types.back().sizes[dim] = length;
  }
  return types;
}

std::vector<TensorType> every(const Call& call, std::int64_t length) {
  const Cut cut = cut_of(call);
  if (length < 0 || (length == 0 && cut.size != 0))
    call.invalid("pieces of {} elements, accepted are 1 and more", length);
  Dims lengths;
  if (cut.size == 0) {
    lengths = {0};
  } else {
    need_few(call, cut.size / length);
    for (std::int64_t at = 0; at < cut.size; at += length) lengths.push_back(std::min(length, cut.size - at));
  }
  return pieces(call, cut.dim, lengths);
}

std::vector<TensorType> split(const Call& call) { return every(call, std::min(call.integer("split_size"), kMaxSize)); }

std::vector<TensorType> chunk(const Call& call) {
  const Cut cut = cut_of(call);
  const std::int64_t count = call.integer("chunks");
  if (count < 1 || count > kMaxPieces) call.invalid("chunks is {}, accepted are 1 to {}", count, kMaxPieces);
  // PyTorch keeps the number of chunks where there is nothing to cut.
  if (cut.size == 0) return pieces(call, cut.dim, Dims(static_cast<std::size_t>(count), 0));
  return every(call, (cut.size + count - 1) / count);
}

std::vector<TensorType> split_with_sizes(const Call& call) {
  const Cut cut = cut_of(call);
  const Dims& lengths = call.integers("split_sizes");
  std::int64_t total = 0;
  for (const std::int64_t length : lengths) {
    if (length < 0) call.invalid("split_sizes {} has a negative size", to_string(lengths));
    total = call.add(total, length);
  }
  if (total != cut.size)
    call.invalid("split_sizes {} add up to {}, dimension {} of {} has {}", to_string(lengths), total, cut.dim,
                 to_string(call.tensor(0).sizes), cut.size);
  return pieces(call, cut.dim, lengths);
}

std::vector<TensorType> tensor_split(const Call& call) {
  const Cut cut = cut_of(call);
  Dims lengths;
  if (call.has("sections")) {
    const std::int64_t sections = call.integer("sections");
    if (sections < 1 || sections > kMaxPieces)
      call.invalid("sections is {}, accepted are 1 to {}", sections, kMaxPieces);
    for (std::int64_t i = 0; i < sections; ++i)
      lengths.push_back(cut.size / sections + (i < cut.size % sections ? 1 : 0));
  } else {
    std::int64_t start = 0;
    const auto clamped = [&](std::int64_t at) {
      return std::clamp<std::int64_t>(at < 0 ? at + cut.size : at, 0, cut.size);
    };
    for (const std::int64_t index : call.integers("indices")) {
      lengths.push_back(std::max<std::int64_t>(clamped(index) - start, 0));
      start = clamped(index);
    }
    lengths.push_back(cut.size - start);
  }
  return pieces(call, cut.dim, lengths);
}

std::vector<TensorType> unbind(const Call& call) {
  const Cut cut = cut_of(call);
  need_few(call, cut.size);
  Dims sizes = call.tensor(0).sizes;
  sizes.erase(sizes.begin() + static_cast<std::ptrdiff_t>(cut.dim));
  return std::vector<TensorType>(static_cast<std::size_t>(cut.size), plain(call.tensor(0).dtype, sizes));
}

std::vector<TensorType> meshgrid(const Call& call) {
  const std::string_view indexing = call.text_or("indexing", "ij");
  if (indexing != "ij" && indexing != "xy")
    call.invalid("indexing is \"{}\", accepted are \"ij\" and \"xy\"", indexing);
  Dims sizes;
  for (std::size_t i = 0; i < call.input_count(); ++i) {
    const TensorType& axis = call.tensor(i);
    if (axis.sizes.size() > 1)
      call.invalid("axis {} has {} dimensions, accepted are 0 and 1", to_string(axis.sizes), axis.sizes.size());
    sizes.push_back(axis.sizes.empty() ? 1 : axis.sizes[0]);
  }
  if (indexing == "xy" && sizes.size() > 1) std::swap(sizes[0], sizes[1]);
  std::vector<TensorType> types;
  for (std::size_t i = 0; i < call.input_count(); ++i) types.push_back(plain(call.tensor(i).dtype, sizes));
  return types;
}

std::vector<TensorType> broadcast_tensors(const Call& call) {
  const Dims sizes = call.broadcast_inputs();
  std::vector<TensorType> types;
  for (std::size_t i = 0; i < call.input_count(); ++i) types.push_back(plain(call.tensor(i).dtype, sizes));
  return types;
}

}  // namespace

std::span<const Entry> split_rules() {
  static constexpr Entry kRules[] = {
      {"aten::chunk", chunk},
      {"aten::split", split},
      {"aten::split_with_sizes", split_with_sizes},
      {"aten::tensor_split", tensor_split},
      {"aten::unbind", unbind},
      {"aten::meshgrid", meshgrid},
      {"aten::broadcast_tensors", broadcast_tensors},
  };
  return kRules;
}

}  // namespace wherry::ir::infer
