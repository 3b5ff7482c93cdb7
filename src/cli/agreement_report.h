#pragma once
// How far two answers are apart, as people and programs read it.

#include <string>

#include "bench/agreement.h"
#include "cli/json_text.h"

namespace wherry::cli {

/// "cosine 0.99999912, largest error 0.0021 (0.00031 of the largest value), top-1 100 %"
std::string agreement_text(const bench::Agreement& agreement);

/// JSON knows no infinity: null.
Json finite_number(double value);

}  // namespace wherry::cli
