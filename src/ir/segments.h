#pragma once
// A graph cut into pieces that run one after the other, one value passing from each to the next.

#include <cstddef>
#include <vector>

#include "ir/graph.h"

namespace wherry::ir {

/// For each number of nodes, from 0 to all: the one value that those nodes hand to the others, where there is only one,
/// no output of the graph, and the elements of its first dimension lie one after the other in memory; else null. The
/// graph has strides (after the layout pass).
std::vector<Value*> waists(const Graph& graph);

/// Nodes [begin, end) as a graph. It takes the graph's inputs, or from behind its start what waists() has there, and
/// gives the graph's outputs, or from before its end what waists() has there, with its strides. Constants are shared.
Graph segment(const Graph& graph, std::size_t begin, std::size_t end);

}  // namespace wherry::ir
