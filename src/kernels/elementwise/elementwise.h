#pragma once
// An elementwise program over whole tensors: any rank, any strides, broadcasting. The arithmetic is TileProgram's
// (kernels/tile.h); this chooses the loops around it.

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "base/cpu.h"
#include "expression/program.h"
#include "wherry/dtype.h"

namespace wherry::kernels {

/// y[i…] = program(operand 0 [i…], operand 1 [i…], …) for every index of `sizes`. Strides are in elements, one per
/// dimension of `sizes`; 0 in an operand repeats it (broadcasting is written out so). The destination's elements are
/// distinct; it may be an operand's own memory with the same strides.
struct ElementwiseShape {
  std::vector<std::int64_t> sizes;
  std::vector<std::int64_t> destination_strides;
  DType destination_dtype = DType::f32;
  std::vector<std::vector<std::int64_t>> operand_strides;  ///< program.inputs lists
  std::vector<DType> operand_dtypes;                       ///< program.inputs entries

  bool operator==(const ElementwiseShape&) const = default;
};

/// A primitive: no memory of its own, shareable between threads.
class Elementwise {
 public:
  virtual ~Elementwise() = default;
  /// "elementwise_avx512"
  virtual std::string_view name() const = 0;
  /// Work items of about equal size; any partition of [0, items()) gives the same result. 0 where a size is 0.
  virtual std::int64_t items() const = 0;
  /// `operands[k]` and `destination` address index 0 of every dimension.
  virtual void run(const void* const* operands, void* destination, std::int64_t begin,
                   std::int64_t end) const noexcept = 0;
};
std::unique_ptr<const Elementwise> make_elementwise(const expression::Program& program, const ElementwiseShape& shape,
                                                    base::Isa isa);

/// The oracle: expression::evaluate, one element at a time.
void elementwise_reference(const expression::Program& program, const ElementwiseShape& shape,
                           const void* const* operands, void* destination);

}  // namespace wherry::kernels
