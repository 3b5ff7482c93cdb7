// Each entry has its own lock, so packing one weight does not keep others from being looked up. A weight's own bytes
// are let go as soon as they are packed: the peak is all packed weights plus one.

#include "runtime/packed_weights.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "base/check.h"

namespace wherry::runtime {
namespace {

/// Bytes that are packed before their origin is let go.
constexpr std::size_t kPart = std::size_t{8} << 20;

/// A mapping of so much costs nothing but the huge pages of it that are written. A sanitizer watches the heap only, so
/// there each weight is a block of its own.
constexpr std::size_t kSlabBytes = std::size_t{64} << 20;
#if defined(WHERRY_SANITIZER)
constexpr bool kSlabs = false;
#else
constexpr bool kSlabs = true;
#endif

std::string packed_name(const tensor::LazyTensor& weight, const std::string& packing) {
  return fmt::format("{} as {}", weight.key(), packing);
}

std::string plain_name(const tensor::LazyTensor& weight) {
  return fmt::format("{} {}", weight.key(), to_string(weight.sizes()));
}

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

bool PackedWeights::supplies(const tensor::LazyTensor& weight, const std::string& packing) const {
  return supply_ && supply_(packed_name(weight, packing)).has_value();
}

std::optional<PackedWeights::Held> PackedWeights::supplied(const std::string& name, std::size_t bytes) const {
  std::optional<Held> held = supply_ ? supply_(name) : std::nullopt;
  if (held && held->bytes.size() != bytes)
    base::fail<InvalidModel>("the compiled model holds {} bytes of '{}', {} are expected; compile the model again",
                             held->bytes.size(), name, bytes);
  return held;
}

PackedWeight PackedWeights::get(const tensor::LazyTensor& weight, const Packing& packing, const Divide& divide) {
  const std::string name = packed_name(weight, packing.name);
  const auto found = entry(name);
  const std::lock_guard lock(found->mutex);
  PackedWeight packed = found->packed.lock();
  if (packed == nullptr) {
    if (auto held = supplied(name, packing.bytes))
      found->packed = packed = std::make_shared<const PackedBytes>(held->bytes, std::move(held->owner));
  }
  count(packed != nullptr);
  if (packed != nullptr) return packed;
  const auto begin_packing = std::chrono::steady_clock::now();
  auto [memory, owner] = allocate(packing.bytes);
  std::byte* const to = memory;
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
      const auto pack = [&](std::int64_t from, std::int64_t until) { packing.pack(tensor, to, from, until); };
      if (divide) {
        divide(begin, end, pack);
      } else {
        pack(begin, end);
      }
      weight.release();
    }
  }
  packed = std::make_shared<const PackedBytes>(std::span<const std::byte>(to, packing.bytes), std::move(owner));
  found->packed = packed;
  if (on_packed_) on_packed_(name, begin_packing);
  return packed;
}

std::pair<std::byte*, std::shared_ptr<const void>> PackedWeights::allocate(std::size_t bytes) {
  const std::size_t rounded =
      (bytes + base::AlignedBuffer::kAlignment - 1) / base::AlignedBuffer::kAlignment * base::AlignedBuffer::kAlignment;
  const std::lock_guard lock(mutex_);
  if (settled_ || !kSlabs) {
    auto own = std::make_shared<base::AlignedBuffer>(rounded);
    return {own->data(), own};
  }
  if (slab_ == nullptr || slab_->size() - slab_used_ < rounded) {
    slab_ = std::make_shared<base::AlignedBuffer>(std::max(kSlabBytes, rounded));
    slab_used_ = 0;
  }
  std::byte* const at = slab_->data() + slab_used_;
  slab_used_ += rounded;
  return {at, slab_};
}

void PackedWeights::settle() {
  const std::lock_guard lock(mutex_);
  settled_ = true;
  slab_.reset();
}

bool PackedWeights::holds_plain(const tensor::LazyTensor& weight) const {
  std::shared_ptr<Entry> found;
  {
    const std::lock_guard lock(mutex_);
    if (const auto at = entries_.find(plain_name(weight)); at != entries_.end()) found = at->second;
  }
  if (found == nullptr) return false;
  const std::lock_guard lock(found->mutex);
  return !found->plain.expired();
}

std::shared_ptr<const Tensor> PackedWeights::plain(const tensor::LazyTensor& weight) {
  const std::string name = plain_name(weight);
  const auto found = entry(name);
  const std::lock_guard lock(found->mutex);
  std::shared_ptr<const Tensor> tensor = found->plain.lock();
  if (tensor != nullptr) return tensor;
  const auto bytes = static_cast<std::size_t>(element_count(weight.sizes())) * size_of(weight.dtype());
  if (auto held = supplied(name, bytes)) {
    tensor = std::make_shared<const Tensor>(
        Tensor::borrow(weight.dtype(), weight.sizes(), {}, held->bytes.data(), std::move(held->owner)));
  } else {
    tensor = std::make_shared<const Tensor>(weight.get());
  }
  found->plain = tensor;
  return tensor;
}

std::vector<std::pair<std::string, std::shared_ptr<PackedWeights::Entry>>> PackedWeights::entries() const {
  const std::lock_guard lock(mutex_);
  return {entries_.begin(), entries_.end()};
}

// Entries' locks are taken without holding mutex_, as `get` does.
PackedWeights::Totals PackedWeights::totals() const {
  Totals totals;
  {
    const std::lock_guard lock(mutex_);
    totals.packings = packings_;
    totals.reuses = reuses_;
    totals.entries = static_cast<std::int64_t>(entries_.size());
  }
  for (const auto& [name, each] : entries()) {
    const std::lock_guard lock(each->mutex);
    if (const auto packed = each->packed.lock()) totals.bytes += static_cast<std::int64_t>(packed->size());
  }
  return totals;
}

std::vector<PackedWeights::Held> PackedWeights::held() const {
  std::vector<Held> all;
  for (const auto& [name, each] : entries()) {
    const std::lock_guard lock(each->mutex);
    if (auto packed = each->packed.lock()) {
      const std::span<const std::byte> bytes(packed->data(), packed->size());
      all.push_back({name, true, bytes, std::move(packed)});
    } else if (auto plain = each->plain.lock()) {
      const std::span<const std::byte> bytes(static_cast<const std::byte*>(plain->data()), plain->bytes());
      all.push_back({name, false, bytes, std::move(plain)});
    }
  }
  return all;
}

}  // namespace wherry::runtime
