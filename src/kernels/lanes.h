#pragma once
// How many fp32 lanes a vector has, where only the machine at hand can say.

#include "base/cpu.h"

namespace wherry::kernels {

/// In kernels' lists, of SVE: as many as there are.
inline constexpr int kVectorLength = 0;

/// The lanes that a list's number stands for.
int lanes_of(int listed);

/// For kernels whose SVE variants are compiled for 256 bits: `isa`, but NEON where SVE has another length. At 128 bits
/// nothing is lost by that.
base::Isa fixed_length_isa(base::Isa isa);

}  // namespace wherry::kernels
