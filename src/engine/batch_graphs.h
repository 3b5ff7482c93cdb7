#pragma once
// Into how many slices a batch is divided, and the graphs of the slices.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "ir/graph.h"

namespace wherry::engine {

/// What the plan of a batch is made from.
struct BatchGraphs {
  ir::Graph whole;
  std::vector<ir::Graph> slice;   ///< its stages (runtime/staged_plan.h); empty where the batch is run as a whole
  std::optional<ir::Graph> rest;  ///< where the batch is no multiple of the slice
};

/// Decides on slices for so many threads. `graph_of` makes the same model's graph, optimised, for another batch (the
/// size of dimension 0 of every input).
BatchGraphs batch_graphs(ir::Graph whole, int threads, const std::function<ir::Graph(std::int64_t batch)>& graph_of);

/// How many of `batch` elements a slice should have, 0 for no slices: `wanted` or about as many, but `least`, so that
/// the threads have equal work.
std::int64_t slice_size(std::int64_t batch, int threads, std::int64_t wanted, std::int64_t least = 1);

}  // namespace wherry::engine
