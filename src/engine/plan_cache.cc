// Two locks: one for the list, held for moments; one an entry, held while its plan is built.

#include "engine/plan_cache.h"

namespace wherry::engine {

PlanCache::PlanPtr PlanCache::get(const std::string& key, const Build& build) {
  std::shared_ptr<Entry> entry;
  Order dropped;  // destroyed after the lock is given back
  {
    const std::lock_guard lock(mutex_);
    if (const auto found = index_.find(key); found != index_.end()) {
      order_.splice(order_.begin(), order_, found->second);
    } else {
      order_.push_front(std::make_shared<Entry>());
      order_.front()->key = key;
      index_[key] = order_.begin();
      if (order_.size() > capacity_) {
        index_.erase(order_.back()->key);
        dropped.splice(dropped.end(), order_, std::prev(order_.end()));
      }
    }
    entry = order_.front();
  }
  const std::lock_guard building(entry->mutex);
  if (entry->plan != nullptr) return entry->plan;
  try {
    return entry->plan = build();
  } catch (...) {
    const std::lock_guard lock(mutex_);
    if (const auto found = index_.find(key); found != index_.end() && *found->second == entry) {
      dropped.splice(dropped.end(), order_, found->second);
      index_.erase(found);
    }
    throw;
  }
}

std::size_t PlanCache::size() const {
  const std::lock_guard lock(mutex_);
  return order_.size();
}

}  // namespace wherry::engine
