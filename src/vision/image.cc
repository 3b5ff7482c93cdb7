// Pixel storage, and the eight ways in which a camera may have been held.

#include "vision/image.h"

#include <utility>

#include "base/check.h"

namespace wherry::vision {

Image::Image(std::int64_t width, std::int64_t height) : width_(width), height_(height) {
  WHERRY_CHECK_LE(0, width);
  WHERRY_CHECK_LE(0, height);
  pixels_ = std::make_unique_for_overwrite<std::uint8_t[]>(bytes());
}

Image upright(Image image, int orientation) {
  if (orientation < 2 || orientation > 8) return image;
  // The source pixel of (x, y) starts at a corner and moves along one axis for x, along the other for y.
  const bool swap_axes = orientation >= 5;
  const bool from_right = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
  const bool from_bottom = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
  const std::int64_t step_right = 3, step_down = 3 * image.width();
  const std::int64_t along_x = (swap_axes ? from_bottom : from_right) ? -1 : 1;
  const std::int64_t along_y = (swap_axes ? from_right : from_bottom) ? -1 : 1;
  const std::int64_t step_x = along_x * (swap_axes ? step_down : step_right);
  const std::int64_t step_y = along_y * (swap_axes ? step_right : step_down);
  const std::uint8_t* corner = image.row(from_bottom ? image.height() - 1 : 0) + (from_right ? step_down - 3 : 0);

  Image turned(swap_axes ? image.height() : image.width(), swap_axes ? image.width() : image.height());
  // Tiles, so that a walk down columns meets each cache line once.
  constexpr std::int64_t kTile = 32;
  for (std::int64_t y0 = 0; y0 < turned.height(); y0 += kTile) {
    for (std::int64_t x0 = 0; x0 < turned.width(); x0 += kTile) {
      for (std::int64_t y = y0; y < std::min(y0 + kTile, turned.height()); ++y) {
        for (std::int64_t x = x0; x < std::min(x0 + kTile, turned.width()); ++x) {
          const std::uint8_t* from = corner + x * step_x + y * step_y;
          std::uint8_t* to = turned.row(y) + 3 * x;
          to[0] = from[0];
          to[1] = from[1];
          to[2] = from[2];
        }
      }
    }
  }
  return turned;
}

}  // namespace wherry::vision
