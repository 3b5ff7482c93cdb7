#pragma once
// A decoded picture: 8-bit RGB, rows top to bottom, no padding. Everything in this layer takes and gives this one form.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace wherry::vision {

class Image {
 public:
  Image() = default;
  /// Uninitialised, so that memory is claimed only as rows are written: a file that lies about its size costs nothing.
  Image(std::int64_t width, std::int64_t height);

  std::int64_t width() const { return width_; }
  std::int64_t height() const { return height_; }
  /// [height, width, 3]
  std::span<std::uint8_t> pixels() { return {pixels_.get(), bytes()}; }
  std::span<const std::uint8_t> pixels() const { return {pixels_.get(), bytes()}; }
  /// The 3 × width bytes of row y.
  std::uint8_t* row(std::int64_t y) { return pixels_.get() + static_cast<std::size_t>(y * width_ * 3); }
  const std::uint8_t* row(std::int64_t y) const { return pixels_.get() + static_cast<std::size_t>(y * width_ * 3); }

 private:
  std::size_t bytes() const { return static_cast<std::size_t>(width_ * height_ * 3); }

  std::int64_t width_ = 0;
  std::int64_t height_ = 0;
  std::unique_ptr<std::uint8_t[]> pixels_;
};

/// The picture turned upright. `orientation` is EXIF's: 1 upright, 2 mirrored, 3 upside down, 4 flipped, 5 transposed,
/// 6 to be turned clockwise, 7 transversed, 8 to be turned anticlockwise. Any other number leaves it as it is.
Image upright(Image image, int orientation);

}  // namespace wherry::vision
