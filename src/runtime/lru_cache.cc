// Two kinds of lock: one for the list, held for moments; one an entry, held while its value is built.

#include "runtime/lru_cache.h"

#include <iterator>

namespace wherry::runtime {

bool LruCache::keeps(const Entry& entry) const {
  const auto found = index_.find(entry.key);
  return found != index_.end() && found->second->get() == &entry;
}

void LruCache::shrink(Order& dropped) {
  while (order_.size() > 1 &&
         (static_cast<std::int64_t>(order_.size()) > limits_.entries || counts_.bytes > limits_.bytes)) {
    const Entry& last = *order_.back();
    counts_.bytes -= last.bytes;
    ++counts_.evictions;
    index_.erase(last.key);
    dropped.splice(dropped.end(), order_, std::prev(order_.end()));
  }
}

std::shared_ptr<LruCache::Entry> LruCache::entry(const std::string& key, Order& dropped) {
  const std::lock_guard lock(mutex_);
  if (const auto found = index_.find(key); found != index_.end()) {
    order_.splice(order_.begin(), order_, found->second);
  } else {
    order_.push_front(std::make_shared<Entry>());
    order_.front()->key = key;
    index_[key] = order_.begin();
    shrink(dropped);
  }
  return order_.front();
}

std::shared_ptr<const void> LruCache::get(const std::string& key, const Build& build) {
  if (limits_.entries <= 0) {
    {
      const std::lock_guard lock(mutex_);
      ++counts_.misses;
    }
    return build().value;
  }
  Order dropped;  // destroyed after the locks are given back
  const std::shared_ptr<Entry> entry = this->entry(key, dropped);
  const std::lock_guard building(entry->mutex);
  if (entry->value != nullptr) {
    const std::lock_guard lock(mutex_);
    ++counts_.hits;
    return entry->value;
  }
  try {
    Built built = build();
    entry->value = std::move(built.value);
    const std::lock_guard lock(mutex_);
    ++counts_.misses;
    if (keeps(*entry)) {
      entry->bytes = built.bytes;
      counts_.bytes += built.bytes;
      shrink(dropped);
    }
    return entry->value;
  } catch (...) {
    const std::lock_guard lock(mutex_);
    ++counts_.misses;
    if (keeps(*entry)) {
      const auto at = index_.at(key);
      index_.erase(key);
      dropped.splice(dropped.end(), order_, at);
    }
    throw;
  }
}

LruCache::Counts LruCache::counts() const {
  const std::lock_guard lock(mutex_);
  Counts counts = counts_;
  counts.entries = static_cast<std::int64_t>(order_.size());
  return counts;
}

}  // namespace wherry::runtime
