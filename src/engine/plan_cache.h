#pragma once
// The plans of a model, one for each set of input types, least recently used dropped first.

#include <functional>
#include <memory>
#include <string>

#include "runtime/batch_plan.h"
#include "runtime/lru_cache.h"

namespace wherry::engine {

/// Safe to use from several threads. Plans of different types are built at the same time; those who ask for one that is
/// being built wait for it.
class PlanCache {
 public:
  using PlanPtr = std::shared_ptr<const runtime::BatchPlan>;

  explicit PlanCache(runtime::LruCache::Limits limits) : cache_(limits) {}

  /// The plan kept under `key`, built where there is none. What `build` throws is thrown on, and nothing is kept.
  PlanPtr get(const std::string& key, const std::function<PlanPtr()>& build) {
    return std::static_pointer_cast<const runtime::BatchPlan>(cache_.get(key, [&]() -> runtime::LruCache::Built {
      PlanPtr plan = build();
      const std::int64_t bytes = plan->held_bytes();
      return {std::move(plan), bytes};
    }));
  }

  runtime::LruCache::Counts counts() const { return cache_.counts(); }

 private:
  runtime::LruCache cache_;
};

}  // namespace wherry::engine
