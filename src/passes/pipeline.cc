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
      {"fuse_attention", fuse_attention},
      {"simplify", simplify},
      {"merge_products", merge_products},
      {"sink_views", sink_views},
      // Constants that went below a permute or reshape, and factors that now stand behind a product.
      {"fold_constants", fold_constants},
      {"fold_batch_norm", fold_batch_norm},
      {"simplify", simplify},
      {"fuse_elementwise", fuse_elementwise},
      {"fuse_epilogue", fuse_epilogue},
      {"layout", assign_layout},
      {"use_bf16", [](ir::Graph& graph) { use_bf16(graph); }},
  };
  const std::span<const Pass> all = kPasses;
  return bf16 ? all : all.first(all.size() - 1);
}

void optimize(ir::Graph& graph, bool bf16, std::span<const std::string> keep_fp32) {
  const auto verify = [&] {
#ifndef NDEBUG
    ir::verify(graph);
#endif
  };
  for (const Pass& pass : pipeline()) {
    pass.run(graph);
    verify();
  }
  if (!bf16) return;
  use_bf16(graph, keep_fp32);
  verify();
}

}  // namespace wherry::passes
