#include "engine/engine.h"

#include <charconv>
#include <cstdlib>
#include <limits>
#include <string_view>

#include "base/check.h"

namespace wherry {

CacheLimits CacheLimits::from_environment() {
  CacheLimits limits;
  const char* value = std::getenv("LRU_CACHE_CAPACITY");
  if (value == nullptr) return limits;
  const std::string_view text(value);
  std::int32_t entries = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), entries);
  if (error != std::errc() || end != text.data() + text.size() || entries < 0) {
    base::fail<InvalidInput>("LRU_CACHE_CAPACITY: found \"{}\", accepted are 0 (no cache of primitives) to {}", text,
                             std::numeric_limits<std::int32_t>::max());
  }
  limits.entries = entries;
  return limits;
}

Engine::Engine(const CacheLimits& limits)
    : impl_(new Impl{runtime::PrimitiveCache({.entries = limits.entries, .bytes = limits.bytes})}) {}

Engine::~Engine() = default;

const std::shared_ptr<Engine>& Engine::of_process() {
  static const std::shared_ptr<Engine> engine = std::make_shared<Engine>();
  return engine;
}

CacheInfo Engine::cache_info() const { return impl_->primitives.info(); }

}  // namespace wherry
