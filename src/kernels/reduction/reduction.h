#pragma once
// Sums, means, extremes and their places over any dimensions of a strided tensor.

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "base/cpu.h"
#include "wherry/dtype.h"

namespace wherry::kernels {

enum class ReductionMode : std::uint8_t { sum, mean, max, min, product, argmax, argmin, any, all };

/// "sum", "mean", "max", "min", "prod", "argmax", "argmin", "any", "all": PyTorch's names.
std::optional<ReductionMode> reduction_mode_from_name(std::string_view name);

/// x has `sizes`; y has the same sizes with every reduced dimension of size 1. Strides are in elements, one per
/// dimension of x; y's are not read where `reduced` is set. No dimension reduced is a conversion.
///
/// Values are reduced in fp64 (integers in wrapping int64) and converted to y's dtype; f32 sums and means of the fast
/// cases, of f32 or bf16, keep fp32 sums of at most 16 values, added up in fp64. A NaN makes max and min NaN and is the
/// place that argmax and argmin report. argmax and argmin give the first such place as an index into the reduced
/// dimensions taken together in row-major order. Of no elements: sum 0, product 1, mean NaN, any false, all true, max
/// −∞ and min +∞ (floating; 0 for integers), place 0.
struct ReductionShape {
  ReductionMode mode = ReductionMode::sum;
  std::vector<std::int64_t> sizes;
  std::vector<bool> reduced;  ///< one per dimension
  std::vector<std::int64_t> x_strides;
  std::vector<std::int64_t> y_strides;
  DType x_dtype = DType::f32;
  DType y_dtype = DType::f32;

  bool operator==(const ReductionShape&) const = default;
};

/// A primitive: no memory of its own, shareable between threads.
class Reduction {
 public:
  virtual ~Reduction() = default;
  /// "reduction_rows_avx512" (innermost reduced), "reduction_columns_avx512" (innermost kept), "reduction_scalar".
  virtual std::string_view name() const = 0;
  /// Elements of y, or blocks of them; any partition of [0, items()) gives the same result.
  virtual std::int64_t items() const = 0;
  virtual void run(const void* x, void* y, std::int64_t begin, std::int64_t end) const noexcept = 0;
};
std::unique_ptr<const Reduction> make_reduction(const ReductionShape& shape, base::Isa isa);

/// The oracle: one element of y at a time, every dtype and stride.
void reduction_reference(const ReductionShape& shape, const void* x, void* y);

}  // namespace wherry::kernels
