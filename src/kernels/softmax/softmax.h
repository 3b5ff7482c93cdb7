#pragma once
// softmax and log_softmax over rows, fp32.

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "base/cpu.h"

namespace wherry::kernels {

/// A row of `columns` elements, stride x_stride in x and y_stride in y, for every index of `outer_sizes` (any rank;
/// none means one row). With m the row's maximum:
///   softmax      y = exp(x − m) / Σ exp(x − m)
///   log_softmax  y = x − m − log Σ exp(x − m)
/// A row of −∞ only, or one that holds NaN or +∞, gives NaN throughout, as PyTorch's does. Strides are in elements;
/// rows of stride 1 are the fast ones.
struct SoftmaxShape {
  std::vector<std::int64_t> outer_sizes;
  std::vector<std::int64_t> x_outer_strides;
  std::vector<std::int64_t> y_outer_strides;
  std::int64_t columns = 0;
  std::int64_t x_stride = 1, y_stride = 1;
  bool log = false;

  bool operator==(const SoftmaxShape&) const = default;
};

/// A primitive: no memory of its own, shareable between threads. Error of softmax ≤ (1e-6 + 6e-8 · (m − x)) relative,
/// of log_softmax ≤ 2e-6 · (1 + |y|).
class Softmax {
 public:
  virtual ~Softmax() = default;
  virtual std::string_view name() const = 0;  ///< "softmax_avx512"
  /// Rows; any partition of [0, items()) gives the same result.
  virtual std::int64_t items() const = 0;
  /// y may be x with equal strides.
  virtual void run(const float* x, float* y, std::int64_t begin, std::int64_t end) const noexcept = 0;
};
std::unique_ptr<const Softmax> make_softmax(const SoftmaxShape& shape, base::Isa isa);

/// The oracle, in fp64.
void softmax_reference(const SoftmaxShape& shape, const float* x, float* y);

}  // namespace wherry::kernels
