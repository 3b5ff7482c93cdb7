#pragma once
// What decode.cc and the two codecs share: their entry points, and the way out of a C library's error handler.

#include <csetjmp>
#include <cstddef>
#include <span>
#include <string>

#include "vision/decode.h"
#include "vision/image.h"

namespace wherry::vision {

/// Pixels as stored, and the EXIF orientation that was beside them.
struct Decoded {
  Image image;
  int orientation = 1;
};

Decoded decode_jpeg(std::span<const std::byte> bytes, const std::string& name, const DecodeLimits& limits);
Decoded decode_png(std::span<const std::byte> bytes, const std::string& name, const DecodeLimits& limits);

/// Throws InvalidInput unless 0 < width × height ≤ limits.max_pixels.
void check_size(std::int64_t width, std::int64_t height, const std::string& name, const DecodeLimits& limits);

/// Where libjpeg and libpng jump to when they give up, and what they said. They are C: no exception may pass them.
struct Escape {
  std::jmp_buf target;
  char message[256];
};

/// Calls `step`; false if it left through `escape`. The step must own nothing with a destructor, since a jump skips
/// those: whatever it allocates has to live outside.
template <typename Step>
bool guarded(Escape& escape, const Step& step) {
  if (setjmp(escape.target) != 0) return false;
  step();
  return true;
}

}  // namespace wherry::vision
