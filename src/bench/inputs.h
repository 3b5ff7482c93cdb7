#pragma once
// What a model is fed when nobody cares what it sees.

#include <cstdint>
#include <vector>

#include "wherry/model.h"

namespace wherry::bench {

constexpr std::uint64_t kSeed = 1337;  // torchbench's

/// One tensor for each of these, whose types and sizes are known: floating ones normal with mean 0 and variance 1, as
/// torch.randn; bool true; integers 1 where the name has "mask" in it, 0 where it has "type", else what the input's
/// `values` allow, or 0 to 99, rows of most vocabularies; uint8 0 to 255, as pixels. The same for the same seed on
/// every machine.
std::vector<Tensor> random_inputs(const std::vector<TensorInfo>& inputs, std::uint64_t seed = kSeed);

}  // namespace wherry::bench
