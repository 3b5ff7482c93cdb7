// The whole evaluation transform against torchvision's, on small scenes (committed) and on real photos (where present).

#include "vision/preprocess.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <cmath>
#include <cstdio>
#include <cstring>
#include <sstream>

#include "goldens.h"
#include "vision/decode.h"
#include "wherry/error.h"

namespace wherry::vision {
namespace {

TEST(Preprocess, EqualsTorchvision) {
  const auto lines = read_lines("preprocessed.txt");
  ASSERT_EQ(lines.size(), 8U);
  for (const auto& line : lines) {
    SCOPED_TRACE(line);
    std::istringstream fields(line);
    std::string name, kind;
    Preprocessing p;
    fields >> name >> p.resize >> p.crop >> kind;
    for (auto& mean : p.mean) fields >> mean;
    for (auto& std : p.std) fields >> std;
    ASSERT_TRUE(fields);
    p.interpolation = kind == "bicubic" ? Interpolation::bicubic : Interpolation::bilinear;
    const Tensor tensor = preprocess(read_image(golden(name + ".png")), p);
    EXPECT_EQ(tensor.sizes(), (Dims{1, 3, p.crop, p.crop}));
    const auto bytes = read_bytes(golden(name + ".f32"));
    const auto values = tensor.values<float>();
    ASSERT_EQ(bytes.size(), values.size_bytes());
    float largest = 0;
    for (std::size_t i = 0; i < values.size(); ++i) {
      float expected = 0;
      std::memcpy(&expected, bytes.data() + 4 * i, 4);
      largest = std::max(largest, std::abs(values[i] - expected));
    }
    EXPECT_EQ(largest, 0.0f);
  }
}

TEST(Preprocess, RealPhotosEqualTorchvision) {
  const auto photos = std::filesystem::path(WHERRY_SOURCE_DIR).parent_path() / "shared" / "data" / "imagenet100";
  if (!std::filesystem::is_directory(photos))
    GTEST_SKIP() << "NOT TESTED: no photos in " << photos << "; 100 real photos would be compared with torchvision";
  const auto lines = read_lines("photos.txt");
  ASSERT_EQ(lines.size(), 100U);
  for (const auto& line : lines) {
    std::istringstream fields(line);
    std::string name, bilinear, bicubic;
    fields >> name >> bilinear >> bicubic;
    const Image photo = read_image(photos / name);
    const auto checksum = [&](int size, Interpolation interpolation) {
      Preprocessing p;
      p.resize = size;
      p.interpolation = interpolation;
      const Image seen = resize_and_crop(photo, p);
      char text[9];
      std::snprintf(text, sizeof(text), "%08lx",
                    crc32(0, seen.pixels().data(), static_cast<uInt>(seen.pixels().size())));
      return std::string(text);
    };
    EXPECT_EQ(checksum(256, Interpolation::bilinear), bilinear) << name;
    EXPECT_EQ(checksum(232, Interpolation::bicubic), bicubic) << name;
  }
}

TEST(Preprocess, ExtremeShapesCostNoMemory) {
  // One pixel high and a million wide: resized whole it would be 256 × 256 million.
  Image line(1'000'000, 1);
  std::fill(line.pixels().begin(), line.pixels().end(), std::uint8_t{77});
  const Image seen = resize_and_crop(line, {});
  EXPECT_EQ(seen.width(), 224);
  EXPECT_EQ(seen.height(), 224);
  EXPECT_TRUE(std::all_of(seen.pixels().begin(), seen.pixels().end(), [](std::uint8_t v) { return v == 77; }));
}

TEST(Preprocess, UselessParametersAreRefused) {
  const Image image(8, 8);
  const auto with = [](auto change) {
    Preprocessing p;
    change(p);
    return p;
  };
  EXPECT_THROW(preprocess(image, with([](auto& p) { p.resize = 0; })), InvalidInput);
  EXPECT_THROW(preprocess(image, with([](auto& p) { p.crop = -1; })), InvalidInput);
  EXPECT_THROW(preprocess(image, with([](auto& p) { p.crop = 1 << 20; })), InvalidInput);
  EXPECT_THROW(preprocess(image, with([](auto& p) { p.std[1] = 0; })), InvalidInput);
  EXPECT_THROW(preprocess(image, with([](auto& p) { p.mean[2] = NAN; })), InvalidInput);
}

}  // namespace
}  // namespace wherry::vision
