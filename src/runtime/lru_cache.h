#pragma once
// What is dear to build and may be shared once it is there: kept under a name, least recently used dropped first,
// within two bounds. The plans of a model and the primitives of a process are kept so.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

namespace wherry::runtime {

/// Safe to use from several threads. Values of different keys are built at the same time; those who ask for one that is
/// being built wait for it. What is dropped lives on as long as somebody holds it.
class LruCache {
 public:
  struct Limits {
    std::int64_t entries = 0;  ///< 0 keeps nothing
    std::int64_t bytes = 0;    ///< exceeded only by the newest entry alone
  };
  struct Built {
    std::shared_ptr<const void> value;
    std::int64_t bytes = 0;  ///< what keeping it costs
  };
  using Build = std::function<Built()>;
  struct Counts {
    std::int64_t hits = 0;    ///< found, or waited for
    std::int64_t misses = 0;  ///< built
    std::int64_t evictions = 0;
    std::int64_t entries = 0;
    std::int64_t bytes = 0;
  };

  explicit LruCache(Limits limits) : limits_(limits) {}

  /// The value kept under `key`, built where there is none. What `build` throws is thrown on, and nothing is kept.
  std::shared_ptr<const void> get(const std::string& key, const Build& build);

  Counts counts() const;

 private:
  struct Entry {
    std::string key;
    std::mutex mutex;  // held while building; guards value
    std::shared_ptr<const void> value;
    std::int64_t bytes = 0;  // guarded by the cache's mutex
  };
  using Order = std::list<std::shared_ptr<Entry>>;

  /// The entry of that key, now the first in order.
  std::shared_ptr<Entry> entry(const std::string& key, Order& dropped);
  bool keeps(const Entry& entry) const;
  /// Moves to `dropped` what exceeds the limits. The newest entry stays.
  void shrink(Order& dropped);

  const Limits limits_;
  mutable std::mutex mutex_;  // taken after an entry's, never the other way round
  Order order_;               // most recently used first
  std::unordered_map<std::string, Order::iterator> index_;
  Counts counts_;  // all but entries
};

}  // namespace wherry::runtime
