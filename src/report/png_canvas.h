#pragma once
// A picture as PNG, in light colours on an opaque background, drawn by Cairo.

#include <memory>

#include "report/canvas.h"

namespace wherry::report {

/// Two pixels a unit, or fewer where the picture would be taller than Cairo draws. Throws Unsupported where Cairo is
/// not installed, InvalidInput where no scale would do.
std::unique_ptr<Canvas> png_canvas(double width, double height);

}  // namespace wherry::report
