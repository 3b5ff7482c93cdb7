// Resampling against Pillow, and its independence of the window that is asked for.

#include "vision/resize.h"

#include <gtest/gtest.h>

#include <sstream>

#include "goldens.h"
#include "vision/decode.h"
#include "wherry/error.h"

namespace wherry::vision {
namespace {

Interpolation interpolation_of(const std::string& name) {
  return name == "bicubic" ? Interpolation::bicubic : Interpolation::bilinear;
}

TEST(Resize, EqualsPillow) {
  const Image scene = read_image(golden("scene.png"));
  const auto lines = read_lines("resizes.txt");
  ASSERT_EQ(lines.size(), 18U);
  for (const auto& line : lines) {
    SCOPED_TRACE(line);
    std::istringstream fields(line);
    std::string kind, name;
    std::int64_t width = 0, height = 0;
    fields >> kind >> width >> height >> name;
    EXPECT_EQ(largest_difference(resize(scene, width, height, interpolation_of(kind)), read_image(golden(name))), 0);
  }
}

TEST(Resize, AWindowIsThatPartOfTheWhole) {
  const Image scene = read_image(golden("scene.png"));
  for (const auto interpolation : {Interpolation::bilinear, Interpolation::bicubic}) {
    for (const auto& [width, height] : {std::pair{40, 31}, {61, 30}, {30, 47}, {61, 47}, {130, 101}}) {
      const Image whole = resize(scene, width, height, interpolation);
      const Window window{width / 5, height / 3, width / 2, height / 2};
      const Image part = resize(scene, width, height, interpolation, window);
      Image expected(window.width, window.height);
      for (std::int64_t y = 0; y < window.height; ++y)
        std::copy_n(whole.row(window.y + y) + 3 * window.x, 3 * window.width, expected.row(y));
      EXPECT_EQ(largest_difference(part, expected), 0) << width << " x " << height;
    }
  }
}

TEST(Resize, AFlatColourStaysFlat) {
  Image flat(97, 31);
  for (std::size_t i = 0; i < flat.pixels().size(); ++i) flat.pixels()[i] = std::uint8_t(i % 3 == 0 ? 255 : i % 3);
  for (const auto interpolation : {Interpolation::bilinear, Interpolation::bicubic}) {
    const Image small = resize(flat, 13, 40, interpolation);
    for (std::size_t i = 0; i < small.pixels().size(); ++i)
      ASSERT_EQ(small.pixels()[i], i % 3 == 0 ? 255 : i % 3) << "at " << i;
  }
}

TEST(Resize, AWindowOutsideIsABug) {
  const Image image(4, 4);
  EXPECT_THROW(resize(image, 8, 8, Interpolation::bilinear, {4, 0, 5, 8}), InternalError);
  EXPECT_THROW(resize(image, 8, 8, Interpolation::bilinear, {0, 0, 0, 8}), InternalError);
}

}  // namespace
}  // namespace wherry::vision
