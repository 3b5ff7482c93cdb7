#pragma once
// A profile as people and programs read it.

#include <string>

#include "bench/profile.h"
#include "cli/json_text.h"

namespace wherry::cli {

/// A table of kinds of steps, slowest first, and below it how their sum and an inference compare.
std::string profile_text(const bench::Profile& profile, int threads);

/// An array of all steps in their order.
Json profile_json(const bench::Profile& profile);

}  // namespace wherry::cli
