#pragma once
// Where a step comes from, in the words of the public API.

#include "ir/graph.h"
#include "wherry/model.h"

namespace wherry::runtime {

/// `info` with source, modules, origins and calls filled in.
StepInfo with_provenance(StepInfo info, const ir::Source& source);

}  // namespace wherry::runtime
