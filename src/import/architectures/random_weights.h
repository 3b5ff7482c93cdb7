#pragma once
// Weights for an architecture whose trained ones are not at hand: the same for the same seed, and such that a network
// of any depth passes on signals of ordinary size.

#include <cstdint>

#include "import/architectures/architecture.h"

namespace wherry::import {

/// Convolutions and linear layers: uniform, zero mean, variance 2 / fan-in (He et al. 2015). Batch norms: the running
/// variance that their input would have, give or take a fifth, scales near 1 and small shifts. Nothing is drawn before
/// it is read.
StateDict random_weights(const Architecture& architecture, std::uint64_t seed);

}  // namespace wherry::import
