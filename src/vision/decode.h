#pragma once
// From a file's bytes to pixels. The format is told by content, never by the file's name.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "vision/image.h"

namespace wherry::vision {

/// What a file may ask for before it is refused.
struct DecodeLimits {
  /// Pillow's limit against decompression bombs.
  std::int64_t max_pixels = 178'956'970;
  /// A progressive JPEG may repeat its whole picture once per scan: pixels × scans.
  std::int64_t max_scanned_pixels = std::int64_t{1} << 32;
};

/// Decodes JPEG or PNG into upright 8-bit RGB, pixel for pixel what Pillow's `convert("RGB")` gives:
/// grey is repeated, palettes are looked up, alpha is dropped, CMYK is taken as Adobe stores it (inverted), 16 bits
/// keep their high byte. Two differences, both on purpose: EXIF orientation is applied (Pillow leaves that to the
/// caller), and 16-bit grey keeps its high byte too (Pillow clips it to white). `name` appears in messages. Throws
/// InvalidInput for anything else, for damaged or truncated files and beyond `limits`.
Image decode(std::span<const std::byte> bytes, const std::string& name, const DecodeLimits& limits = {});

/// decode() of a file. Throws InvalidInput where it cannot be opened.
Image read_image(const std::string& path, const DecodeLimits& limits = {});

}  // namespace wherry::vision
