#pragma once
// The rewrites, one file each. pipeline.cc lists them in the order they run.

#include <span>
#include <string>

#include "ir/graph.h"

namespace wherry::passes {

/// Nodes of constants become constants: small ones at once, weights when they are read.
void fold_constants(ir::Graph& graph);
/// ATen ops become core ops (lower/lower.h).
void lower(ir::Graph& graph);
/// Drops what does nothing, merges what repeats, bakes scalars into programs.
void simplify(ir::Graph& graph);
/// Scales and shifts per output channel move into the weight and bias of the convolution or matmul before them.
void fold_batch_norm(ir::Graph& graph);
/// A number that multiplies an operand of a product multiplies the product, where it can join the epilogue.
void move_scales(ir::Graph& graph);
/// Products, a softmax between them and what scales and masks it become attention.
void fuse_attention(ir::Graph& graph);
/// Products of one value with several constants become one.
void merge_products(ir::Graph& graph);
/// Elementwise ops on a permuted or reshaped product are done before the permute or reshape.
void sink_views(ir::Graph& graph);
/// Elementwise ops with one reader become part of the elementwise op that reads them.
void fuse_elementwise(ir::Graph& graph);
/// Elementwise readers of a convolution or matmul become its epilogue.
void fuse_epilogue(ir::Graph& graph);
/// Gives every value strides; index changes become views, with copies where a kernel needs another order.
void assign_layout(ir::Graph& graph);
/// Products multiply bf16, and activations between them are stored as bf16. Runs after the layout, and only where
/// asked. Products of the modules `keep_fp32`, by path, stay as they are.
void use_bf16(ir::Graph& graph, std::span<const std::string> keep_fp32 = {});

}  // namespace wherry::passes
