#pragma once
// Pillow's resampling: the picture that torchvision's weights were evaluated on, to the last grey level.

#include <cstdint>

#include "vision/image.h"

namespace wherry::vision {

enum class Interpolation { bilinear, bicubic };

/// A rectangle of a resized picture.
struct Window {
  std::int64_t x = 0, y = 0, width = 0, height = 0;
};

/// The part `window` of `image` resized to width × height, as Pillow's `Image.resize` computes it: the filter is
/// stretched by the ratio when shrinking (antialiasing), rows first and columns second, each in fixed point with 22
/// fractional bits and rounded to 8 bits. (Pillow 13 does columns first for some shapes; all before it, rows.) Only
/// what the window needs is computed, so a huge width × height is cheap. The window must lie inside width × height.
Image resize(const Image& image, std::int64_t width, std::int64_t height, Interpolation interpolation,
             const Window& window);

/// The whole resized picture.
Image resize(const Image& image, std::int64_t width, std::int64_t height, Interpolation interpolation);

}  // namespace wherry::vision
