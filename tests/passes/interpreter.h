#pragma once
// Runs a graph of core ops, before or after the layout pass, as plainly as the ops are defined: the oracle that shows
// that a pass changed the graph and not its meaning. It also checks what core_ops.h promises the runtime about strides.

#include <span>
#include <vector>

#include "ir/graph.h"

namespace wherry::passes {

/// One tensor per graph output, row-major. Throws InternalError on an op that is no core op or breaks the contract.
std::vector<Tensor> interpret(const ir::Graph& graph, std::span<const Tensor> inputs);

/// A tensor of the graph's input types filled like the text form's uniform(seed) (bools: 0 and 1; integers: 0 … 9).
std::vector<Tensor> uniform_inputs(const ir::Graph& graph, std::uint64_t seed, double low = -1, double high = 1);

/// Largest |a - b| / max(1, |b|) over all elements; infinite where shapes, NaNs or infinities differ.
double difference(const Tensor& a, const Tensor& b);

}  // namespace wherry::passes
