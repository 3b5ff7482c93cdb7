#pragma once
// One elementwise program inside another: what both fusions are made of.

#include <optional>
#include <vector>

#include "expression/program.h"
#include "ir/graph.h"

namespace wherry::passes {

/// A program and the values that its operands read.
struct BoundProgram {
  expression::Program program;
  std::vector<ir::Value*> operands;
};

/// Bounds of a fused program: its registers live in L1 while it runs.
inline constexpr std::size_t kMaxOperands = 8;
inline constexpr int kMaxRegisters = 64;

/// `consumer` with its reads of `value` (one of its operands, of `dtype`) replaced by `producer`'s computation of it.
/// The producer's operands come first. Empty where rounding or arithmetic would change, or the result would be too
/// large.
std::optional<BoundProgram> merge(const BoundProgram& producer, const ir::Value* value, const BoundProgram& consumer);

/// The same program with operands that are equal read once and those unread dropped. `keep` operands at the front stay.
BoundProgram tidy(const BoundProgram& bound, std::size_t keep = 0);

}  // namespace wherry::passes
