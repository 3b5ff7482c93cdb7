#pragma once
// Zeros around images in memory: which values want them, and the step that writes them.

#include <memory>
#include <optional>

#include "ir/graph.h"
#include "runtime/placement.h"
#include "runtime/step.h"

namespace wherry::runtime {

/// The halo that the readers of `value` make use of: those whose bf16 tiles then read the image where it lies. None
/// where some reader needs pixels without gaps.
Halo wanted_halo(const ir::Value& value);

/// Whether the one reader of `value` reads it as four images, of every second row and column (Place::stride_phase), and
/// its producer writes it so; then the halo of each of the four.
std::optional<Halo> wanted_phases(const ir::Value& value);

/// `step`, which writes a value of this type at this place, and before it the zeros of the halo.
std::unique_ptr<Step> with_halo(std::unique_ptr<Step> step, const ir::TensorType& type, const Place& place);

}  // namespace wherry::runtime
