#include "bench/cache_json.h"

namespace wherry::bench {

nlohmann::ordered_json json_of(const CacheInfo& cache) {
  return {{"hits", cache.hits},
          {"misses", cache.misses},
          {"evictions", cache.evictions},
          {"entries", cache.entries},
          {"bytes", cache.bytes}};
}

}  // namespace wherry::bench
