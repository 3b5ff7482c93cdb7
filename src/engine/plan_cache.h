#pragma once
// The plans of a model, one for each set of input types, least recently used dropped first.

#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "runtime/plan.h"

namespace wherry::engine {

/// Safe to use from several threads. Plans of different types are built at the same time; those who ask for one that is
/// being built wait for it.
class PlanCache {
 public:
  using PlanPtr = std::shared_ptr<const runtime::Plan>;
  using Build = std::function<PlanPtr()>;

  explicit PlanCache(std::size_t capacity) : capacity_(capacity) {}

  /// The plan kept under `key`, built where there is none. What `build` throws is thrown on, and nothing is kept.
  PlanPtr get(const std::string& key, const Build& build);

  std::size_t size() const;

 private:
  struct Entry {
    std::string key;
    std::mutex mutex;  // held while building
    PlanPtr plan;
  };
  using Order = std::list<std::shared_ptr<Entry>>;

  const std::size_t capacity_;
  mutable std::mutex mutex_;
  Order order_;  // most recently used first
  std::unordered_map<std::string, Order::iterator> index_;
};

}  // namespace wherry::engine
