#pragma once
// Overload resolution: which schema of an op a call's arguments fit, as PyTorch's own matcher decides it.

#include <optional>

#include "import/torchscript/operations.h"
#include "import/torchscript/tracer.h"

namespace wherry::import::torchscript {

/// The first schema that fits, tried in order, first strictly, then with numbers as zero-dimensional tensors and known
/// zero-dimensional tensors as numbers. Empty where none fits.
std::optional<BoundCall> bind(std::span<const ir::Schema> schemas, const Arguments& arguments, Tracer& tracer);

}  // namespace wherry::import::torchscript
