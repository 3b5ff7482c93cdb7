#pragma once
// What a graph of the core set means, said as plainly as possible: every op as loops over indices, in double precision.
// The oracle for plans.

#include <span>
#include <vector>

#include "ir/graph.h"

namespace wherry::runtime {

/// Outputs of the graph, row-major, in the values' own dtypes.
std::vector<Tensor> interpret(const ir::Graph& graph, std::span<const Tensor> inputs);

}  // namespace wherry::runtime
