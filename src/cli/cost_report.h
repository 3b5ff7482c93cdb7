#pragma once
// What results cost, as people, programs and spreadsheets read it. Every figure comes with what it is: measured,
// modelled or supplied, and on which price.

#include <string>

#include "cli/json_text.h"
#include "cost/comparison.h"

namespace wherry::cli {

/// A table for each work, and below them what was compared with what, at which prices.
std::string cost_text(const cost::Comparison& comparison, const std::string& price_origin);
Json cost_json(const cost::Comparison& comparison, const std::string& price_origin);
/// A heading and a row a result (RFC 4180).
std::string cost_csv(const cost::Comparison& comparison, const std::string& price_origin);

/// Three digits or more: "0.0765", "12.3", "1234"
std::string significant(double value);

/// "c6a.large supplied, c7g.large detected": who says that it ran there.
std::string instances_text(const cost::Comparison& comparison);
/// "0.0765 USD an hour for c6a.large (derived from c6a.4xlarge); …"
std::string prices_text(const cost::Comparison& comparison);
/// "3 measured, 1 modelled"
std::string bases_text(const cost::Comparison& comparison);

}  // namespace wherry::cli
