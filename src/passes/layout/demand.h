#pragma once
// Which memory order the readers of a value would like it in, found by walking the graph backwards.

#include <unordered_map>

#include "ir/graph.h"
#include "passes/layout/memory_order.h"

namespace wherry::passes::layout {

using Demands = std::unordered_map<const ir::Value*, Order>;

/// A value without an entry has no reader that minds. Wishes only: who makes the value decides.
Demands demands(const ir::Graph& graph);

}  // namespace wherry::passes::layout
