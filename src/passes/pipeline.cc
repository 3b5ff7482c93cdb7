#include "passes/pipeline.h"

#include "ir/ops.h"
#include "passes/rules.h"

namespace wherry::passes {

std::span<const Pass> pipeline(bool bf16) {
  static constexpr Pass kPasses[] = {
      {"fold_constants", fold_constants},
      {"lower", lower},
      {"simplify", simplify},
      // Lowering writes constant arithmetic (batch norm's scale, transposed weights) as nodes.
      {"fold_constants", fold_constants},
      {"simplify", simplify},
      {"fold_batch_norm", fold_batch_norm},
      {"simplify", simplify},
      {"move_scales", move_scales},
      {"fuse_elementwise", fuse_elementwise},
      {"sink_views", sink_views},
      // Constants that went below a permute or reshape, and factors that now stand behind a product.
      {"fold_constants", fold_constants},
      {"fold_batch_norm", fold_batch_norm},
      {"simplify", simplify},
      {"fuse_elementwise", fuse_elementwise},
      {"fuse_epilogue", fuse_epilogue},
      {"layout", assign_layout},
      {"use_bf16", use_bf16},
  };
  const std::span<const Pass> all = kPasses;
  return bf16 ? all : all.first(all.size() - 1);
}

void optimize(ir::Graph& graph, bool bf16) {
  for (const Pass& pass : pipeline(bf16)) {
    pass.run(graph);
#ifndef NDEBUG
    ir::verify(graph);
#endif
  }
}

}  // namespace wherry::passes
