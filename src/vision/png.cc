// PNG by libpng, every kind brought to 8-bit RGB by the library's own transformations.

#include <png.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <string_view>

#include "base/check.h"
#include "vision/codecs.h"
#include "vision/exif.h"

namespace wherry::vision {
namespace {

using base::fail;

constexpr std::string_view kExpected = "a complete JPEG or PNG is expected";

class PngReader {
 public:
  PngReader(std::span<const std::byte> bytes, const std::string& name, const DecodeLimits& limits)
      : left_(bytes), size_(bytes.size()), name_(name), limits_(limits) {
    const auto on_error = [](png_structp png, png_const_charp message) {
      Escape& escape = static_cast<PngReader*>(png_get_error_ptr(png))->escape_;
      std::snprintf(escape.message, sizeof(escape.message), "%s", message);
      std::longjmp(escape.target, 1);
    };
    run([&] {
      png_ = png_create_read_struct(PNG_LIBPNG_VER_STRING, this, on_error, [](png_structp, png_const_charp) {});
    });
    if (png_ != nullptr) run([&] { info_ = png_create_info_struct(png_); });
    if (info_ == nullptr) {
      png_destroy_read_struct(&png_, &info_, nullptr);
      throw std::bad_alloc();
    }
    run([&] {
      png_set_read_fn(png_, this, [](png_structp png, png_bytep to, std::size_t count) {
        auto& reader = *static_cast<PngReader*>(png_get_io_ptr(png));
        if (reader.left_.size() < count) {
          reader.ended_ = true;
          png_error(png, "the file ends early");
        }
        std::memcpy(to, reader.left_.data(), count);
        reader.left_ = reader.left_.subspan(count);
      });
      png_set_user_limits(png_, PNG_UINT_31_MAX, PNG_UINT_31_MAX);  // check_size() is the limit
      png_set_chunk_malloc_max(png_, 8 << 20);
      png_set_chunk_cache_max(png_, 128);
    });
  }
  PngReader(const PngReader&) = delete;
  PngReader& operator=(const PngReader&) = delete;
  ~PngReader() { png_destroy_read_struct(&png_, &info_, nullptr); }

  Decoded read() {
    run([&] { png_read_info(png_, info_); });
    const std::int64_t width = png_get_image_width(png_, info_), height = png_get_image_height(png_, info_);
    check_size(width, height, name_, limits_);
    check_plausible(height);

    int passes = 1;
    run([&] {
      const int colour = png_get_color_type(png_, info_);
      if (colour == PNG_COLOR_TYPE_PALETTE) png_set_palette_to_rgb(png_);
      if (colour == PNG_COLOR_TYPE_GRAY) png_set_expand_gray_1_2_4_to_8(png_);
      if ((colour & PNG_COLOR_MASK_COLOR) == 0) png_set_gray_to_rgb(png_);
      png_set_strip_16(png_);
      png_set_strip_alpha(png_);
      passes = png_set_interlace_handling(png_);
      png_read_update_info(png_, info_);
    });
    WHERRY_CHECK_EQ(png_get_rowbytes(png_, info_), static_cast<std::size_t>(3 * width));

    Decoded decoded{Image(width, height), orientation()};
    run([&] {
      for (int pass = 0; pass < passes; ++pass)
        for (std::int64_t y = 0; y < height; ++y) png_read_row(png_, decoded.image.row(y), nullptr);
    });
    return decoded;
  }

 private:
  template <typename Step>
  void run(const Step& step) {
    if (guarded(escape_, step)) return;
    if (ended_) truncated();
    fail<InvalidInput>("{}: damaged PNG: {}; {}", name_, escape_.message, kExpected);
  }

  [[noreturn]] void truncated() {
    fail<InvalidInput>("{}: truncated PNG: its {} bytes end before its picture does; {}", name_, size_, kExpected);
  }

  /// Deflate shrinks at most 1032 to 1 (RFC 1951: 258 bytes from 2 bits), so a short file cannot hold a vast picture:
  /// this refuses it before any memory is claimed.
  void check_plausible(std::int64_t height) {
    constexpr std::uint64_t kBestRatio = 1032;
    const std::uint64_t needed = std::uint64_t{png_get_rowbytes(png_, info_)} * static_cast<std::uint64_t>(height);
    if (needed / kBestRatio > size_) truncated();
  }

  int orientation() {
    png_bytep exif = nullptr;
    png_uint_32 size = 0;
    run([&] { png_get_eXIf_1(png_, info_, &size, &exif); });
    return exif == nullptr ? 1 : exif_orientation({reinterpret_cast<const std::byte*>(exif), size});
  }

  std::span<const std::byte> left_;
  std::size_t size_;
  const std::string& name_;
  const DecodeLimits& limits_;
  bool ended_ = false;
  Escape escape_{};
  png_structp png_ = nullptr;
  png_infop info_ = nullptr;
};

}  // namespace

Decoded decode_png(std::span<const std::byte> bytes, const std::string& name, const DecodeLimits& limits) {
  return PngReader(bytes, name, limits).read();
}

}  // namespace wherry::vision
