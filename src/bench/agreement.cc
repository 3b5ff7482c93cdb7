// Everything is compared as float64, which holds every element type but the largest integers exactly.

#include "bench/agreement.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>

#include "base/check.h"

namespace wherry::bench {
namespace {

double number_from(const char* variable, double otherwise) {
  const char* text = std::getenv(variable);
  if (text == nullptr || *text == '\0') return otherwise;
  char* end = nullptr;
  const double value = std::strtod(text, &end);
  if (*end != '\0' || !(value >= 0))
    base::fail<InvalidInput>("{}={}: no tolerance; a number such as 1e-4 is accepted", variable, text);
  return value;
}

void compare_values(std::span<const double> found, std::span<const double> expected, const Tolerance& tolerance,
                    Agreement& agreement) {
  double dot = 0, found2 = 0, expected2 = 0, largest = 0, error = 0;
  bool alike = true;  // not finite in the same places, and there the same
  for (std::size_t i = 0; i < found.size(); ++i) {
    const double a = found[i], b = expected[i];
    if (a == b || (std::isnan(a) && std::isnan(b))) {
      if (!std::isfinite(a)) continue;
    } else if (!std::isfinite(a) || !std::isfinite(b)) {
      alike = false;
      continue;
    }
    dot += a * b;
    found2 += a * a;
    expected2 += b * b;
    largest = std::max(largest, std::fabs(b));
    error = std::max(error, std::fabs(a - b));
    if (std::fabs(a - b) > tolerance.absolute + tolerance.relative * std::fabs(b)) agreement.all_close = false;
  }
  double cosine = found2 == expected2 ? 1 : 0;  // where one is all zeros
  if (found2 > 0 && expected2 > 0) cosine = std::min(1.0, dot / (std::sqrt(found2) * std::sqrt(expected2)));
  if (!alike) {
    agreement.all_close = false;
    error = std::numeric_limits<double>::infinity();
    cosine = 0;
  }
  agreement.cosine = std::min(agreement.cosine, cosine);
  agreement.max_abs_error = std::max(agreement.max_abs_error, error);
  if (error > 0)
    agreement.max_rel_error =
        std::max(agreement.max_rel_error, largest > 0 ? error / largest : std::numeric_limits<double>::infinity());
}

void compare_rows(std::span<const double> found, std::span<const double> expected, std::size_t classes,
                  Agreement& agreement) {
  for (std::size_t begin = 0; classes > 0 && begin < found.size(); begin += classes) {
    const auto largest = [&](std::span<const double> values) {
      const auto row = values.subspan(begin, classes);
      return std::max_element(row.begin(), row.end()) - row.begin();
    };
    ++agreement.rows;
    agreement.rows_agreed += largest(found) == largest(expected);
  }
}

}  // namespace

Tolerance Tolerance::from_environment() {
  const Tolerance usual;
  return {number_from("TORCHBENCH_ATOL", usual.absolute), number_from("TORCHBENCH_RTOL", usual.relative)};
}

void compare(std::span<const Tensor> found, std::span<const Tensor> expected, const Tolerance& tolerance,
             Agreement& agreement) {
  WHERRY_CHECK_EQ(found.size(), expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    WHERRY_CHECK(found[i].sizes() == expected[i].sizes());
    const Tensor a = found[i].to(DType::f64), b = expected[i].to(DType::f64);
    compare_values(a.values<double>(), b.values<double>(), tolerance, agreement);
    if (i == 0 && a.dim() > 0)
      compare_rows(a.values<double>(), b.values<double>(), static_cast<std::size_t>(a.sizes().back()), agreement);
  }
}

}  // namespace wherry::bench
