#pragma once
// The primitives of a process. A primitive is a kernel chosen for a shape, with its blocking: immutable and without
// scratch, so the plans of all models and threads share one.

#include <memory>
#include <string>
#include <type_traits>
#include <utility>

#include "runtime/lru_cache.h"
#include "wherry/model.h"

namespace wherry::runtime {

/// Safe to use from several threads. An evicted primitive lives on in the plans that hold it.
class PrimitiveCache {
 public:
  explicit PrimitiveCache(LruCache::Limits limits) : cache_(limits) {}

  /// The primitive of that key (primitive_key.h), made by `make` where there is none: a function that returns a
  /// unique_ptr<const T>. A key belongs to one T.
  template <typename Make>
  auto get(const std::string& key, Make&& make) {
    using Primitive = typename std::invoke_result_t<Make&>::element_type;
    return std::static_pointer_cast<Primitive>(
        cache_.get(key, [&]() -> LruCache::Built { return {std::shared_ptr<Primitive>(make()), entry_bytes(key)}; }));
  }

  CacheInfo info() const {
    const LruCache::Counts counts = cache_.counts();
    return {counts.hits, counts.misses, counts.evictions, counts.entries, counts.bytes};
  }

  /// About what an entry takes: its key, kept twice, the places in list and index, and a primitive, which holds its
  /// shape (no larger than the key that spells it) and tables for it.
  static std::int64_t entry_bytes(const std::string& key) { return 1024 + 4 * static_cast<std::int64_t>(key.size()); }

 private:
  LruCache cache_;
};

}  // namespace wherry::runtime
