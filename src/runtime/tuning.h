#pragma once
// Which blocking measured best, by primitive: what planning asks before it leaves the choice to a cost model.

#include <functional>
#include <map>
#include <string>

#include "kernels/choice.h"

namespace wherry::runtime {

/// By primitive_key.
using Tuning = std::map<std::string, kernels::Choice, std::less<>>;

}  // namespace wherry::runtime
