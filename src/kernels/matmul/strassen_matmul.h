#pragma once
// Strassen's algorithm, one level: seven products of half the rows, depth and columns where eight would be plain.

#include <cstdint>
#include <memory>

#include "kernels/matmul/matmul.h"
#include "kernels/matmul/panels.h"

namespace wherry::kernels {

/// The packed form of B for Strassen's products: pairs of neighbouring panels, each pair as the seven matrices of half
/// its depth that its products multiply, in the order of their use.
struct StrassenPanels {
  std::int64_t half_depth = 0;
  Panels halves;  ///< of one of each two neighbouring panels; `count` pairs

  std::int64_t elements() const { return 7 * halves.elements(half_depth); }
  /// Where a pair starts, in elements.
  std::int64_t offset(std::int64_t pair) const { return 7 * halves.offset(pair, half_depth); }
  /// Elements of one of a pair's matrices.
  std::int64_t matrix(std::int64_t pair) const { return half_depth * halves.width(pair) * halves.lanes; }
};

/// Whether a matrix of this depth and so many columns has the halves that the algorithm wants.
bool strassen_halves(base::Isa isa, std::int64_t depth, std::int64_t columns);

StrassenPanels strassen_panels(const PackedMatrix& b, const TileKernels& kernels);

/// Packs one pair of panels; arguments as pack() has them, `packed` is where the pair starts.
void pack_strassen_pair(const StrassenPanels& panels, std::int64_t pair, const float* source, std::int64_t depth_stride,
                        std::int64_t column_stride, float* packed);

/// `shape.strassen` is set.
std::unique_ptr<const Matmul> make_strassen_matmul(const MatmulShape& shape, base::Isa isa, int threads);

}  // namespace wherry::kernels
