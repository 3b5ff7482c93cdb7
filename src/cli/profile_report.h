#pragma once
// A profile as people read it, and two profiles side by side.

#include <string>
#include <vector>

#include "bench/profile.h"
#include "bench/profile_document.h"
#include "cli/json_text.h"

namespace wherry::cli {

/// A table of kinds of steps, slowest first. Without `peak` (its threads 0) no share of it is told.
std::string profile_text(const bench::Profile& profile, const bench::Peak& peak);

/// A table of the largest changes, and the sums.
std::string diff_text(const bench::ReadProfile& before, const bench::ReadProfile& after,
                      const std::vector<bench::ProfileChange>& changes);
Json diff_json(const bench::ReadProfile& before, const bench::ReadProfile& after,
               const std::vector<bench::ProfileChange>& changes);

}  // namespace wherry::cli
