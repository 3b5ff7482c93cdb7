#pragma once
// The peak of one core: rates of kernels and of whole steps are stated as shares of it.

#include "base/cpu.h"

namespace wherry::kernels {

/// Operations a second, a multiply-add counting two, of the set's widest multiply-adds that never leave registers; 0
/// for scalar code. Measured in some milliseconds, so the best of several calls is worth more.
double core_peak(base::Isa isa);

}  // namespace wherry::kernels
