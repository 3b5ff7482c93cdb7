#pragma once
// The inside of wherry/engine.h, for models.

#include "runtime/primitive_cache.h"
#include "wherry/engine.h"

namespace wherry {

struct Engine::Impl {
  runtime::PrimitiveCache primitives;
};

}  // namespace wherry
