#pragma once
// Tensors of the interpreted program. Python tensors are objects with memory that several names and views may share;
// graph values are immutable. A TracedTensor stands for the object; writing to it in place gives it a new graph value,
// and everything that shares its memory follows.

#include <cstdint>
#include <string>
#include <vector>

#include "import/python_value.h"
#include "ir/graph.h"

namespace wherry::import {

namespace torchscript {

/// The tensors that certainly share one memory.
struct AliasSet {
  std::uint64_t version = 0;  ///< counts writes
  bool unknown = false;       ///< its contents come from an op that wherry lacks
  std::string owner;          ///< the module attribute that keeps this memory between calls; empty for others
  std::string stale;          ///< where a write happened that may or may not have changed this memory; empty: nowhere
  std::vector<AliasSet*> maybe;  ///< those that share the memory only if PyTorch needed no copy (reshape, contiguous)
};

/// One way of looking at an alias set's memory.
struct TensorView {
  AliasSet* memory = nullptr;
  ir::Value* value = nullptr;  ///< the contents as of `version`; null where unknown
  std::uint64_t version = 0;
  int depth = 0;  ///< number of views below it

  // How to get it from the view below; null where this is the whole memory.
  TensorView* base = nullptr;
  std::string op;  ///< "aten::slice", …; empty: the same elements; "?": cannot be repeated
  ir::Attributes attributes;
};

}  // namespace torchscript

struct TracedTensor {
  torchscript::TensorView* view = nullptr;
};

}  // namespace wherry::import
