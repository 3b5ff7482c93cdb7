#pragma once
// The graph compiler: from the ATen ops an importer recorded to the core ops the runtime plans.

#include <span>
#include <string>
#include <string_view>

#include "ir/graph.h"

namespace wherry::passes {

struct Pass {
  std::string_view name;
  void (*run)(ir::Graph& graph);
};

/// All passes in the order that optimize() runs them; a name may occur more than once. With `bf16` use_bf16 is the
/// last.
std::span<const Pass> pipeline(bool bf16 = false);

/// Runs the pipeline. Afterwards the graph has core ops only (ir/core_ops.h) and every value has strides. Throws
/// Unsupported naming every op that cannot be lowered, with the line of the model's own code. With `bf16` products
/// multiply bf16 (use_bf16), but those of the modules `keep_fp32`.
void optimize(ir::Graph& graph, bool bf16 = false, std::span<const std::string> keep_fp32 = {});

}  // namespace wherry::passes
