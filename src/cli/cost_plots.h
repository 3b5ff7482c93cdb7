#pragma once
// The pictures of `wherry cost --plots`.

#include <string>

#include "cost/comparison.h"

namespace wherry::cli {

/// Writes speed, cost and p90_latency, each as .svg and .png, into `folder`, which is made where it is missing. Throws
/// InvalidInput where that cannot be written to.
void write_cost_plots(const std::string& folder, const cost::Comparison& comparison, const cost::Baselines& baselines,
                      const std::string& price_origin);

}  // namespace wherry::cli
