#include "cli/agreement_report.h"

#include <fmt/format.h>

#include <cmath>

namespace wherry::cli {

std::string agreement_text(const bench::Agreement& agreement) {
  return fmt::format("cosine {:.8f}, largest error {:.2g} ({:.2g} of the largest value), top-1 {:.0f} %",
                     agreement.cosine, agreement.max_abs_error, agreement.max_rel_error,
                     100 * agreement.top1_agreement());
}

Json finite_number(double value) { return std::isfinite(value) ? Json(value) : Json(); }

}  // namespace wherry::cli
