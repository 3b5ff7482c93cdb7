// Arenas only grow: a model asked for many shapes settles at the largest.

#include "runtime/arena_pool.h"

#include <algorithm>

namespace wherry::runtime {

ArenaPool::Lease::~Lease() {
  if (pool_ == nullptr) return;
  const std::lock_guard lock(pool_->mutex_);
  pool_->idle_.push_back(std::move(buffer_));
}

ArenaPool::Lease ArenaPool::take(std::size_t bytes) {
  {
    const std::lock_guard lock(mutex_);
    const auto largest =
        std::max_element(idle_.begin(), idle_.end(), [](const auto& a, const auto& b) { return a.size() < b.size(); });
    if (largest != idle_.end()) {
      base::AlignedBuffer buffer = std::move(*largest);
      idle_.erase(largest);
      if (buffer.size() >= bytes) return {*this, std::move(buffer)};
      // Too small: freed here, before its successor is allocated.
    }
  }
  return {*this, base::AlignedBuffer(bytes)};
}

std::size_t ArenaPool::idle_bytes() const {
  const std::lock_guard lock(mutex_);
  std::size_t sum = 0;
  for (const base::AlignedBuffer& buffer : idle_) sum += buffer.size();
  return sum;
}

}  // namespace wherry::runtime
