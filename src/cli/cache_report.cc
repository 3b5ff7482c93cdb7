#include "cli/cache_report.h"

namespace wherry::cli {

Json json_of(const CacheInfo& cache) {
  return {{"hits", cache.hits},
          {"misses", cache.misses},
          {"evictions", cache.evictions},
          {"entries", cache.entries},
          {"bytes", cache.bytes}};
}

}  // namespace wherry::cli
