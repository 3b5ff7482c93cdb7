#pragma once
// Which bytes each value of a laid-out graph occupies. Views share their operand's storage, an elementwise result may
// take over a dying operand's, concat operands are written where the concat wants them, outputs where the caller gets
// them.

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "ir/graph.h"
#include "runtime/step.h"

namespace wherry::runtime {

/// A run of bytes that exists as a whole: the unit of lifetimes.
struct Storage {
  enum class Kind : std::uint8_t { arena, input, output, constant };
  Kind kind = Kind::arena;
  int index = 0;                        ///< of the graph's input or output
  const ir::Value* constant = nullptr;  ///< for constants
  std::int64_t bytes = 0;
  std::int64_t first = 0;  ///< node (by position in the graph) that first writes it; the nodes in between may use it
  std::int64_t last = 0;   ///< node that last uses it
};

/// Zeros around images [N, C, H, W] stored channels-last, in pixels: tiles of a convolution that is padded by as much
/// then read the image where it lies. Neighbouring rows and images share the zeros between them.
struct Halo {
  std::int64_t top = 0, bottom = 0, left = 0, right = 0;
  bool any() const { return top + bottom + left + right > 0; }
};

/// A value's first element, and the strides (in elements) from there; they may differ from the value's type where a
/// concat dictates them.
struct Place {
  Slot slot;
  Dims strides;
  Halo halo = {};
  /// Not 0 where an image lies as four, of every second row and column: kernels::ConvolutionShape::x_stride_phase. The
  /// strides and the halo are then those of each.
  std::int64_t stride_phase = 0;
};

/// A graph output that no step writes in the caller's order (an input, a constant, a strided view, a value returned
/// twice) and that is therefore copied at the end.
struct OutputCopy {
  const ir::Value* value;
  int storage;  ///< of the output
  Dims strides;
};

struct Placement {
  std::vector<Storage> storages;
  std::unordered_map<const ir::Value*, Place> places;
  std::vector<OutputCopy> output_copies;

  const Place& of(const ir::Value* value) const { return places.at(value); }
};

/// Requires the strides of every value, as the layout pass gives them; throws InternalError where one has none.
Placement place_values(const ir::Graph& graph);

}  // namespace wherry::runtime
