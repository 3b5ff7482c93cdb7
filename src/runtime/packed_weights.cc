// Each entry has its own lock, so packing one weight does not keep others from being looked up. A weight's own bytes
// are let go as soon as they are packed: the peak is all packed weights plus one.

#include "runtime/packed_weights.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

namespace wherry::runtime {
namespace {

/// Bytes that are packed before their origin is let go.
constexpr std::size_t kPart = std::size_t{8} << 20;

}  // namespace

std::shared_ptr<PackedWeights::Entry> PackedWeights::entry(const std::string& name) {
  const std::lock_guard lock(mutex_);
  if (entries_.size() >= sweep_at_) {
    std::erase_if(entries_, [](const auto& each) {
      // Nobody else can get hold of an entry that only the map has, as that takes mutex_.
      if (each.second.use_count() != 1) return false;
      const std::lock_guard last_user(each.second->mutex);
      return each.second->packed.expired() && each.second->plain.expired();
    });
    sweep_at_ = std::max<std::size_t>(1024, 2 * entries_.size());
  }
  std::shared_ptr<Entry>& found = entries_[name];
  if (found == nullptr) found = std::make_shared<Entry>();
  return found;
}

void PackedWeights::count(bool reused) {
  const std::lock_guard lock(mutex_);
  ++(reused ? reuses_ : packings_);
}

PackedWeight PackedWeights::get(const tensor::LazyTensor& weight, const Packing& packing, const Divide& divide) {
  const auto found = entry(fmt::format("{} as {}", weight.key(), packing.name));
  const std::lock_guard lock(found->mutex);
  PackedWeight packed = found->packed.lock();
  count(packed != nullptr);
  if (packed != nullptr) return packed;
  auto buffer = std::make_shared<base::AlignedBuffer>(packing.bytes);
  {
    const Tensor tensor = weight.get_strided();
    // What get_strided() read to compute a folded weight goes at once; a weight that is the file's own bytes goes in
    // parts, as it is packed.
    weight.release();
    const auto parts = static_cast<std::int64_t>(packing.bytes / kPart) + 1;
    for (std::int64_t part = 0; part < parts; ++part) {
      const std::int64_t begin = packing.items * part / parts;
      const std::int64_t end = packing.items * (part + 1) / parts;
      if (begin == end) continue;
      const auto pack = [&](std::int64_t from, std::int64_t to) { packing.pack(tensor, buffer->data(), from, to); };
      if (divide) {
        divide(begin, end, pack);
      } else {
        pack(begin, end);
      }
      weight.release();
    }
  }
  packed = std::move(buffer);
  found->packed = packed;
  return packed;
}

std::shared_ptr<const Tensor> PackedWeights::plain(const tensor::LazyTensor& weight) {
  const auto found = entry(fmt::format("{} {}", weight.key(), to_string(weight.sizes())));
  const std::lock_guard lock(found->mutex);
  std::shared_ptr<const Tensor> tensor = found->plain.lock();
  if (tensor != nullptr) return tensor;
  tensor = std::make_shared<const Tensor>(weight.get());
  found->plain = tensor;
  return tensor;
}

PackedWeights::Totals PackedWeights::totals() const {
  Totals totals;
  std::vector<std::shared_ptr<Entry>> entries;  // their locks are taken without holding mutex_, as `get` does
  {
    const std::lock_guard lock(mutex_);
    totals.packings = packings_;
    totals.reuses = reuses_;
    totals.entries = static_cast<std::int64_t>(entries_.size());
    for (const auto& [name, each] : entries_) entries.push_back(each);
  }
  for (const auto& each : entries) {
    const std::lock_guard lock(each->mutex);
    if (const auto packed = each->packed.lock()) totals.bytes += static_cast<std::int64_t>(packed->size());
  }
  return totals;
}

}  // namespace wherry::runtime
