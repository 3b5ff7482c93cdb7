// JPEG by libjpeg-turbo, set up as Pillow sets it up (accurate integer DCT, smooth upsampling), so pixels agree
// exactly.

#include <cstdio>
// libjpeg's header needs <cstdio> before it.
#include <jerror.h>
#include <jpeglib.h>

#include <algorithm>
#include <cstring>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "vision/codecs.h"
#include "vision/exif.h"

namespace wherry::vision {
namespace {

using base::fail;

constexpr std::string_view kExpected = "a complete JPEG or PNG is expected";

/// Owns libjpeg's state. The library calls back into the static functions; each finds its way home by client_data.
class JpegReader {
 public:
  JpegReader(std::span<const std::byte> bytes, const std::string& name, const DecodeLimits& limits)
      : name_(name), limits_(limits) {
    info_.err = jpeg_std_error(&errors_);
    errors_.error_exit = [](j_common_ptr info) {
      Escape& escape = self(info).escape_;
      info->err->format_message(info, escape.message);
      std::longjmp(escape.target, 1);
    };
    // Warnings are damage that libjpeg repaired by guessing. Pillow accepts such pictures, and so do we.
    errors_.emit_message = [](j_common_ptr, int) {};
    errors_.output_message = [](j_common_ptr) {};
    info_.client_data = this;
    run([&] { jpeg_create_decompress(&info_); });
    info_.client_data = this;

    source_.init_source = [](j_decompress_ptr) {};
    source_.term_source = [](j_decompress_ptr) {};
    source_.resync_to_restart = jpeg_resync_to_restart;
    // "No more bytes for now": libjpeg stops and says so. Its stock source invents an end marker and greys the rest.
    source_.fill_input_buffer = [](j_decompress_ptr) -> boolean { return FALSE; };
    source_.skip_input_data = [](j_decompress_ptr info, long count) {
      if (count <= 0) return;
      const auto skipped = std::min(static_cast<std::size_t>(count), info->src->bytes_in_buffer);
      info->src->next_input_byte += skipped;
      info->src->bytes_in_buffer -= skipped;
    };
    source_.next_input_byte = reinterpret_cast<const JOCTET*>(bytes.data());
    source_.bytes_in_buffer = bytes.size();
    info_.src = &source_;
    progress_.progress_monitor = [](j_common_ptr info) { self(info).limit_scans(); };
    info_.progress = &progress_;
  }
  JpegReader(const JpegReader&) = delete;
  JpegReader& operator=(const JpegReader&) = delete;
  ~JpegReader() { jpeg_destroy_decompress(&info_); }

  Decoded read() {
    int status = JPEG_SUSPENDED;
    run([&] {
      jpeg_save_markers(&info_, JPEG_APP0 + 1, 0xffff);
      status = jpeg_read_header(&info_, TRUE);
    });
    if (status != JPEG_HEADER_OK) truncated("inside its header");
    check_size(info_.image_width, info_.image_height, name_, limits_);
    const bool four_inks = info_.num_components == 4;
    if (info_.num_components != 1 && info_.num_components != 3 && !four_inks)
      fail<InvalidInput>("{}: a JPEG of {} channels; grey, colour (3) and CMYK (4) are accepted", name_,
                         info_.num_components);
    info_.out_color_space = four_inks ? JCS_CMYK : JCS_RGB;
    info_.dct_method = JDCT_ISLOW;
    info_.do_fancy_upsampling = TRUE;

    boolean started = FALSE;
    run([&] { started = jpeg_start_decompress(&info_); });
    if (!started) truncated("before the end of its picture");

    Decoded decoded{Image(info_.output_width, info_.output_height), orientation()};
    std::vector<std::uint8_t> inks(four_inks ? std::size_t{4} * info_.output_width : 0);
    run([&] {
      while (info_.output_scanline < info_.output_height) {
        std::uint8_t* row = decoded.image.row(info_.output_scanline);
        std::uint8_t* target = four_inks ? inks.data() : row;
        if (jpeg_read_scanlines(&info_, &target, 1) != 1) return;
        if (four_inks) rgb_of_inks(inks.data(), info_.output_width, row);
      }
    });
    if (info_.output_scanline < info_.output_height)
      truncated(fmt::format("after {} of {} rows", info_.output_scanline, info_.output_height));
    return decoded;
  }

 private:
  static JpegReader& self(j_common_ptr info) { return *static_cast<JpegReader*>(info->client_data); }

  template <typename Step>
  void run(const Step& step) {
    if (!guarded(escape_, step)) fail<InvalidInput>("{}: damaged JPEG: {}; {}", name_, escape_.message, kExpected);
  }

  [[noreturn]] void truncated(std::string_view where) {
    fail<InvalidInput>("{}: truncated JPEG: the file ends {}; {}", name_, where, kExpected);
  }

  /// Called by libjpeg as it works. A few bytes suffice for one more scan over the whole picture, so the work that a
  /// file may ask for has to be bounded apart from its size.
  void limit_scans() {
    constexpr std::int64_t kMaxScans = 500;
    const std::int64_t scans = info_.input_scan_number;
    const std::int64_t pixels = std::int64_t{info_.image_width} * info_.image_height;
    if (scans <= kMaxScans && scans * pixels <= limits_.max_scanned_pixels + pixels) return;
    std::snprintf(escape_.message, sizeof(escape_.message), "%d scans over the picture are too many",
                  static_cast<int>(scans));
    std::longjmp(escape_.target, 1);
  }

  /// Adobe stores inks inverted, so 255 is "no ink". red = black' × cyan' / 255 up to Pillow's rounding, which is that
  /// of 255 − ink followed by an exact division by 255.
  static void rgb_of_inks(const std::uint8_t* inks, std::int64_t width, std::uint8_t* rgb) {
    for (std::int64_t x = 0; x < width; ++x, inks += 4, rgb += 3) {
      const int paper = inks[3];
      for (int c = 0; c < 3; ++c) {
        const int product = (255 - inks[c]) * paper + 128;
        rgb[c] = static_cast<std::uint8_t>(std::clamp(paper - (((product >> 8) + product) >> 8), 0, 255));
      }
    }
  }

  int orientation() const {
    constexpr std::string_view kExif("Exif\0\0", 6);
    for (auto* marker = info_.marker_list; marker != nullptr; marker = marker->next) {
      const std::span<const std::byte> bytes(reinterpret_cast<const std::byte*>(marker->data), marker->data_length);
      if (marker->marker == JPEG_APP0 + 1 && bytes.size() >= kExif.size() &&
          std::memcmp(bytes.data(), kExif.data(), kExif.size()) == 0)
        return exif_orientation(bytes.subspan(kExif.size()));
    }
    return 1;
  }

  const std::string& name_;
  const DecodeLimits& limits_;
  Escape escape_{};
  jpeg_error_mgr errors_{};
  jpeg_source_mgr source_{};
  jpeg_progress_mgr progress_{};
  jpeg_decompress_struct info_{};
};

static_assert(sizeof(Escape::message) >= JMSG_LENGTH_MAX);

}  // namespace

Decoded decode_jpeg(std::span<const std::byte> bytes, const std::string& name, const DecodeLimits& limits) {
  return JpegReader(bytes, name, limits).read();
}

}  // namespace wherry::vision
