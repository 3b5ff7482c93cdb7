// Tells formats apart by their first bytes, and names the ones that wherry does not read.

#include "vision/decode.h"

#include <algorithm>
#include <string_view>

#include "base/check.h"
#include "base/mapped_file.h"
#include "vision/codecs.h"

namespace wherry::vision {
namespace {

using namespace std::string_view_literals;
using base::fail;

constexpr std::string_view kAccepted = "JPEG and PNG are accepted";

std::string_view text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// The name of a format we know but do not read; empty if unknown.
std::string_view foreign_format(std::string_view text) {
  const auto at = [text](std::size_t offset, std::string_view magic) {
    return text.size() >= offset && text.substr(offset, magic.size()) == magic;
  };
  if (at(0, "GIF87a"sv) || at(0, "GIF89a"sv)) return "a GIF image";
  if (at(0, "RIFF"sv) && at(8, "WEBP"sv)) return "a WebP image";
  if (at(0, "II*\0"sv) || at(0, "MM\0*"sv)) return "a TIFF image";
  if (at(0, "BM"sv)) return "a BMP image";
  if (at(0, "\0\0\0\x0cJXL \r\n\x87\n"sv) || at(0, "\xff\x0a"sv)) return "a JPEG XL image";
  if (at(0, "\0\0\0\x0cjP  \r\n\x87\n"sv) || at(0, "\xff\x4f\xff\x51"sv)) return "a JPEG 2000 image";
  if (at(0, "\0\0\1\0"sv)) return "an icon";
  if (at(0, "8BPS"sv)) return "a Photoshop image";
  if (at(0, "%PDF"sv)) return "a PDF document";
  if (at(0, "PK\3\4"sv)) return "a zip archive";
  if (at(4, "ftyp"sv)) {
    const std::string_view brand = text.substr(8, 4);
    if (brand == "avif" || brand == "avis") return "an AVIF image";
    for (const auto heic : {"heic"sv, "heix"sv, "hevc"sv, "hevx"sv, "heim"sv, "heis"sv, "mif1"sv, "msf1"sv})
      if (brand == heic) return "a HEIC image";
    return "a video or another file of the MP4 family";
  }
  if (at(0, "P1"sv) || at(0, "P2"sv) || at(0, "P3"sv) || at(0, "P4"sv) || at(0, "P5"sv) || at(0, "P6"sv))
    return "a PNM image";
  const std::string_view start = text.substr(0, 256);
  if (start.find("<svg"sv) != start.npos) return "an SVG drawing";
  const bool printable = std::all_of(start.begin(), start.end(), [](char c) {
    return static_cast<unsigned char>(c) >= 0x20 || c == '\n' || c == '\r' || c == '\t';
  });
  return printable ? "text" : "";
}

}  // namespace

void check_size(std::int64_t width, std::int64_t height, const std::string& name, const DecodeLimits& limits) {
  if (width <= 0 || height <= 0)
    fail<InvalidInput>("{}: an image of {} x {} pixels has no content", name, width, height);
  if (width > limits.max_pixels / height)
    fail<InvalidInput>("{}: claims {} x {} pixels; at most {} million pixels are accepted", name, width, height,
                       limits.max_pixels / 1'000'000);
}

Image decode(std::span<const std::byte> bytes, const std::string& name, const DecodeLimits& limits) {
  const std::string_view text = text_of(bytes);
  if (text.empty()) fail<InvalidInput>("{}: the file is empty; {}", name, kAccepted);
  Decoded decoded;
  if (text.starts_with("\xff\xd8\xff"sv)) {
    decoded = decode_jpeg(bytes, name, limits);
  } else if (text.starts_with("\x89PNG\r\n\x1a\n"sv)) {
    decoded = decode_png(bytes, name, limits);
  } else if (const auto format = foreign_format(text); !format.empty()) {
    fail<InvalidInput>("{}: is {}; {}", name, format, kAccepted);
  } else {
    fail<InvalidInput>("{}: is no image of a known format; {}", name, kAccepted);
  }
  return upright(std::move(decoded.image), decoded.orientation);
}

Image read_image(const std::string& path, const DecodeLimits& limits) {
  return decode(base::MappedFile::open(path)->bytes(), path, limits);
}

}  // namespace wherry::vision
