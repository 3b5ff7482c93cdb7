#pragma once
// A picture as SVG text: small, sharp at any size, and dark where its reader's page is (CSS, prefers-color-scheme).

#include <memory>
#include <string_view>

#include "report/canvas.h"

namespace wherry::report {

/// `title` and `description` are for those who cannot see the picture.
std::unique_ptr<Canvas> svg_canvas(double width, double height, std::string_view title, std::string_view description);

}  // namespace wherry::report
