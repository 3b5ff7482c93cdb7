// Images that are damaged, truncated, lying or no images at all: one clear line each, never a crash.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <string_view>

#include "goldens.h"
#include "vision/decode.h"
#include "wherry/error.h"

namespace wherry::vision {
namespace {

using namespace std::string_view_literals;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

std::string message_of(std::span<const std::byte> bytes, const DecodeLimits& limits = {}) {
  try {
    decode(bytes, "cat.jpg", limits);
  } catch (const InvalidInput& error) {
    return error.what();
  }
  return "decoded";
}

std::string message_of(std::string_view text) { return message_of(std::as_bytes(std::span(text))); }

TEST(Hostile, OtherFormatsAreNamed) {
  const std::pair<std::string_view, std::string> cases[] = {
      {""sv, "the file is empty"},
      {"GIF89a\1\0\1\0"sv, "a GIF image"},
      {"RIFF\x10\0\0\0WEBPVP8 "sv, "a WebP image"},
      {"BM\x10\0\0\0"sv, "a BMP image"},
      {"II*\0\x08\0\0\0"sv, "a TIFF image"},
      {"MM\0*\0\0\0\x08"sv, "a TIFF image"},
      {"\0\0\0\x18"
       "ftypheic\0\0\0\0"sv,
       "a HEIC image"},
      {"\0\0\0\x1c"
       "ftypavif\0\0\0\0"sv,
       "an AVIF image"},
      {"\0\0\0\x1c"
       "ftypisom\0\0\0\0"sv,
       "a video"},
      {"\xff\x0a\x10\x20"sv, "a JPEG XL image"},
      {"<?xml version='1.0'?><svg xmlns='x'/>"sv, "an SVG drawing"},
      {"PK\3\4\x14\0"sv, "a zip archive"},
      {"hello, world\n"sv, "is text"},
      {"\x01\x02\x03\x04"sv, "no image of a known format"},
      {"\xff\xd8\0"sv, "no image of a known format"},
  };
  for (const auto& [bytes, expected] : cases)
    EXPECT_THAT(message_of(bytes), AllOf(HasSubstr("cat.jpg: "), HasSubstr(expected),
                                         HasSubstr("JPEG and PNG are accepted"), Not(HasSubstr("\n"))));
}

/// A file cut anywhere either fails with one clear line or still holds the whole picture.
void cut_everywhere(const std::string& name) {
  SCOPED_TRACE(name);
  const auto bytes = read_bytes(golden(name));
  const Image whole = decode(bytes, name);
  std::size_t failures = 0;
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    // A fresh copy, so that the address sanitizer sees a read past its end.
    const std::vector<std::byte> cut(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size));
    try {
      EXPECT_EQ(largest_difference(decode(cut, name), whole), 0) << "cut to " << size;
    } catch (const InvalidInput& error) {
      ++failures;
      EXPECT_THAT(error.what(), AllOf(HasSubstr(name), Not(HasSubstr("\n"))));
      if (size > 100) {
        EXPECT_THAT(error.what(), HasSubstr("truncated"));
      }
    }
  }
  EXPECT_GE(failures + 14, bytes.size());  // at most the end marker (JPEG) or the empty last chunk (PNG) may be missing
}

TEST(Hostile, TruncatedAnywhere) {
  for (const auto* name : {"jpeg_420.jpg", "jpeg_progressive.jpg", "jpeg_cmyk.jpg", "jpeg_grey.jpg",
                           "jpeg_restarts.jpg", "png_rgb8.png", "png_rgba16_interlaced.png", "png_palette4.png"})
    cut_everywhere(name);
}

TEST(Hostile, FlippedBytesNeverCrash) {
  std::mt19937 random(1);
  const DecodeLimits limits{1 << 20, 1 << 24};
  std::size_t refused = 0;
  for (const auto* name : {"jpeg_420.jpg", "jpeg_progressive.jpg", "jpeg_ycck.jpg", "jpeg_exif_5.jpg", "png_rgb8.png",
                           "png_palette_transparent.png", "png_rgba16_interlaced.png", "png_exif_8.png"}) {
    const auto bytes = read_bytes(golden(name));
    for (int i = 0; i < 400; ++i) {
      auto damaged = bytes;
      for (int flips = 0; flips < 1 + i % 3; ++flips)
        damaged[random() % damaged.size()] = static_cast<std::byte>(random());
      try {
        EXPECT_LE(decode(damaged, name, limits).width(), 1 << 20);
      } catch (const InvalidInput& error) {
        ++refused;
        EXPECT_THAT(error.what(), AllOf(HasSubstr(name), Not(HasSubstr("\n"))));
      }
    }
  }
  EXPECT_GT(refused, 500U);
}

TEST(Hostile, VastSizesAreRefusedBeforeAnythingIsAllocated) {
  auto png = read_bytes(golden("png_rgb8.png"));
  // IHDR's width and height (offsets 16 and 20): 2^30 × 2^30. The checksum after them is repaired as libpng wants it.
  const auto resized = [&](std::string_view width, std::string_view height, std::string_view crc) {
    auto copy = png;
    const std::string bytes =
        std::string(width) + std::string(height) + std::string("\x08\x02\0\0\0", 5) + std::string(crc);
    for (std::size_t i = 0; i < bytes.size(); ++i) copy[16 + i] = static_cast<std::byte>(bytes[i]);
    return copy;
  };
  EXPECT_THAT(message_of(resized("\x40\0\0\0"sv, "\x40\0\0\0"sv, "\xd7\xf6\x79\xe9"sv)),
              AllOf(HasSubstr("claims 1073741824 x 1073741824 pixels"), HasSubstr("178 million")));
  // 10000 × 10000 passes the limit, but a file of a few hundred bytes cannot hold it.
  EXPECT_THAT(message_of(resized("\0\0\x27\x10"sv, "\0\0\x27\x10"sv, "\x35\x2c\xf5\x70"sv)),
              HasSubstr("truncated PNG"));

  auto jpeg = read_bytes(golden("jpeg_420.jpg"));
  const std::string_view text(reinterpret_cast<const char*>(jpeg.data()), jpeg.size());
  const auto frame = text.find("\xff\xc0"sv);
  ASSERT_NE(frame, text.npos);
  for (std::size_t i = 5; i < 9; ++i) jpeg[frame + i] = std::byte{0xff};
  EXPECT_THAT(message_of(jpeg), HasSubstr("Maximum supported image dimension"));
  for (std::size_t i = 5; i < 9; i += 2) jpeg[frame + i] = std::byte{0xf0};
  EXPECT_THAT(message_of(jpeg), HasSubstr("claims 61695 x 61695 pixels"));
  for (std::size_t i = 5; i < 9; ++i) jpeg[frame + i] = std::byte{0};
  EXPECT_THAT(message_of(jpeg), HasSubstr("damaged JPEG"));
}

TEST(Hostile, EndlessScansAreRefused) {
  // A progressive JPEG whose last scan is repeated for ever more.
  const auto bytes = read_bytes(golden("jpeg_grey_progressive.jpg"));
  const std::string text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const auto scan = text.rfind("\xff\xda");
  ASSERT_NE(scan, text.npos);
  std::string bomb = text.substr(0, text.size() - 2);
  for (int i = 0; i < 600; ++i) bomb += text.substr(scan, text.size() - 2 - scan);
  EXPECT_THAT(message_of(bomb), AllOf(HasSubstr("scans"), HasSubstr("too many")));
  const DecodeLimits strict{1 << 20, 21 * 18 * 2};
  EXPECT_THAT(message_of(bytes, strict), HasSubstr("too many"));
  EXPECT_EQ(message_of(bytes), "decoded");
}

TEST(Hostile, KindsOfJpegThatAreNotRead) {
  auto bytes = read_bytes(golden("jpeg_grey.jpg"));
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const auto frame = text.find("\xff\xc0"sv);
  ASSERT_NE(frame, text.npos);
  bytes[frame + 4] = std::byte{12};
  EXPECT_THAT(message_of(bytes), HasSubstr("precision 12"));
  bytes[frame + 1] = std::byte{0xc3};
  EXPECT_THAT(message_of(bytes), AllOf(HasSubstr("damaged JPEG"), HasSubstr("0xc3")));
}

}  // namespace
}  // namespace wherry::vision
