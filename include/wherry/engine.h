#pragma once
// What the models of a process share. Nobody needs to name one: Model::load takes the process's own.

#include <memory>

#include "wherry/model.h"

namespace wherry {

/// Bounds of the cache of primitives. The least recently used go first, and live on in the plans that hold them.
struct CacheLimits {
  std::int64_t entries = 1024;  ///< 0 keeps nothing
  std::int64_t bytes = std::int64_t{64} << 20;

  /// `entries` from LRU_CACHE_CAPACITY, as PyTorch's oneDNN reads it, where that is set. Throws InvalidInput where it
  /// is no number from 0 to 2^31 - 1.
  static CacheLimits from_environment();
};

/// Owns the primitives. Models with one engine share them; an engine lives as long as one of its models does.
class Engine {
 public:
  explicit Engine(const CacheLimits& limits = CacheLimits::from_environment());
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;
  ~Engine();

  /// The engine of models that name none, made when first asked for.
  static const std::shared_ptr<Engine>& of_process();

  CacheInfo cache_info() const;

  struct Impl;
  Impl& impl() { return *impl_; }

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace wherry
