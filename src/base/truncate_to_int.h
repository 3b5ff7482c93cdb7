#pragma once
// The conversion that C++ leaves undefined where the number does not fit.

#include <cstdint>

namespace wherry::base {

/// Floating to integer as a machine conversion does: truncated; NaN and out-of-range values become the smallest
/// integer.
inline std::int64_t truncate_to_int(double value) {
  if (!(value >= -9223372036854775808.0 && value < 9223372036854775808.0)) return INT64_MIN;
  return static_cast<std::int64_t>(value);
}

}  // namespace wherry::base
