#pragma once
// A primitive's blocking as plain numbers: what `wherry tune` measures and keeps. Only the family that offered one
// knows what they mean.

#include <cstdint>
#include <vector>

namespace wherry::kernels {

/// Empty: the family's cost model chooses. So it does where a choice does not fit the shape, since choices come from
/// files.
using Choice = std::vector<std::int64_t>;

}  // namespace wherry::kernels
