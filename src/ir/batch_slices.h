#pragma once
// Whether a model treats the elements of its batch independently: then a large batch may be run as slices, each by one
// thread, whose activations stay in that core's cache.

#include <optional>
#include <string>

#include "ir/graph.h"

namespace wherry::ir {

/// Compares the graph of a batch with the same model's graph for fewer elements (both of the core set, after the layout
/// pass; the batch is dimension 0 of every input). Empty where running `slice` on every run of consecutive elements
/// gives the parts of what `whole` computes, each output's lying one after the other; else the first reason why not.
/// Conservative: what it does not understand is a reason.
std::optional<std::string> obstacle_to_slices(const Graph& whole, const Graph& slice);

}  // namespace wherry::ir
