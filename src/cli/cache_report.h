#pragma once
// The cache of primitives in JSON, as `wherry inspect` and `wherry bench` both give it.

#include "cli/json_text.h"
#include "wherry/model.h"

namespace wherry::cli {

Json json_of(const CacheInfo& cache);

}  // namespace wherry::cli
