#pragma once
// How far two answers to the same question are apart.

#include <cstdint>
#include <span>

#include "wherry/tensor.h"

namespace wherry::bench {

/// torch.allclose: |found - expected| <= absolute + relative * |expected| for each element.
struct Tolerance {
  double absolute = 1e-4;
  double relative = 1e-4;

  /// TORCHBENCH_ATOL and TORCHBENCH_RTOL, 1e-4 where they are not set. Throws InvalidInput where one is no number.
  static Tolerance from_environment();
};

/// Over everything that was compared; the worst of each.
struct Agreement {
  double cosine = 1;         ///< lowest of the outputs' cosine similarities; 0 where one side alone is not finite
  double max_abs_error = 0;  ///< infinite where one side alone is not finite
  double max_rel_error = 0;  ///< of the largest magnitude of the expected output, not of the element's own
  bool all_close = true;
  std::int64_t rows = 0;         ///< of the first output: one for each position of all but its last dimension
  std::int64_t rows_agreed = 0;  ///< those whose largest element stands at the same place
  double top1_agreement() const { return rows == 0 ? 1 : static_cast<double>(rows_agreed) / static_cast<double>(rows); }
};

/// Adds these outputs to `agreement`. Throws InternalError where numbers or sizes differ.
void compare(std::span<const Tensor> found, std::span<const Tensor> expected, const Tolerance& tolerance,
             Agreement& agreement);

}  // namespace wherry::bench
