#pragma once
// The cache of primitives in JSON, as `wherry inspect`, `bench` and `profile` give it.

#include <nlohmann/json.hpp>

#include "wherry/model.h"

namespace wherry::bench {

nlohmann::ordered_json json_of(const CacheInfo& cache);

}  // namespace wherry::bench
