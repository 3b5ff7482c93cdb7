// Every kind of JPEG and PNG against Pillow's pixels.

#include "vision/decode.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

#include "goldens.h"
#include "vision/exif.h"
#include "wherry/error.h"

namespace wherry::vision {
namespace {

std::vector<std::string> decode_cases() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(golden("")))
    if (entry.path().extension() == ".ppm") names.push_back(entry.path().stem());
  std::sort(names.begin(), names.end());
  return names;
}

TEST(Decode, EqualsPillowOnEveryKind) {
  const auto names = decode_cases();
  ASSERT_GE(names.size(), 55U);
  for (const auto& name : names) {
    SCOPED_TRACE(name);
    const Image image = read_image(golden(name));
    EXPECT_EQ(largest_difference(image, read_ppm(golden(name + ".ppm"))), 0);
  }
}

TEST(Decode, ContentDecidesNotTheName) {
  const auto png = read_bytes(golden("png_rgb8.png"));
  EXPECT_EQ(decode(png, "holiday.jpg").width(), 13);
}

TEST(Decode, BytesAfterTheImageAreIgnored) {
  for (const auto* name : {"jpeg_420.jpg", "png_rgb8.png"}) {
    auto bytes = read_bytes(golden(name));
    bytes.resize(bytes.size() + 100, std::byte{0x41});
    EXPECT_EQ(largest_difference(decode(bytes, name), read_ppm(golden(std::string(name) + ".ppm"))), 0) << name;
  }
}

TEST(Decode, FilesThatCannotBeOpened) {
  EXPECT_THROW(read_image("/nonexistent/cat.jpg"), InvalidInput);
  EXPECT_THROW(read_image("/tmp"), InvalidInput);
}

TEST(Upright, AllEightOrientationsOfATwoByThreePicture) {
  // The letters' places after EXIF's definition of each orientation; rows are separated by '/'.
  const std::pair<int, std::string> cases[] = {{1, "abc/def"},  {2, "cba/fed"},  {3, "fed/cba"},  {4, "def/abc"},
                                               {5, "ad/be/cf"}, {6, "da/eb/fc"}, {7, "fc/eb/da"}, {8, "cf/be/ad"},
                                               {0, "abc/def"},  {9, "abc/def"}};
  for (const auto& [orientation, expected] : cases) {
    Image image(3, 2);
    for (std::size_t i = 0; i < 6; ++i)
      for (std::size_t c = 0; c < 3; ++c) image.pixels()[3 * i + c] = static_cast<std::uint8_t>("abcdef"[i]);
    const Image turned = upright(std::move(image), orientation);
    std::string found;
    for (std::int64_t y = 0; y < turned.height(); ++y) {
      if (y > 0) found += '/';
      for (std::int64_t x = 0; x < turned.width(); ++x) found += static_cast<char>(turned.row(y)[3 * x]);
    }
    EXPECT_EQ(found, expected) << "orientation " << orientation;
  }
}

TEST(Exif, DamagedBlocksMeanUpright) {
  const unsigned char whole[] = {'I', 'I', '*', 0, 8, 0, 0, 0, 1, 0, 0x12, 1, 3, 0, 1, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0};
  const auto bytes = std::as_bytes(std::span(whole));
  EXPECT_EQ(exif_orientation(bytes), 6);
  for (std::size_t size = 0; size < 20; ++size) EXPECT_EQ(exif_orientation(bytes.first(size)), 1) << size;
  // A directory that starts in the last bytes that 32 bits can name.
  const unsigned char far[] = {'I', 'I', '*', 0, 0xff, 0xff, 0xff, 0xff};
  EXPECT_EQ(exif_orientation(std::as_bytes(std::span(far))), 1);
}

}  // namespace
}  // namespace wherry::vision
