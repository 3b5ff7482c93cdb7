// Reads the orientation out of an EXIF block that may be hostile: every offset in it is checked.

#include "vision/exif.h"

#include <cstdint>
#include <optional>
#include <string_view>

namespace wherry::vision {
namespace {

class TiffReader {
 public:
  TiffReader(std::span<const std::byte> bytes, bool big_endian) : bytes_(bytes), big_endian_(big_endian) {}

  /// An unsigned number of `size` bytes; empty past the end.
  std::optional<std::uint32_t> number(std::uint64_t offset, int size) const {
    if (offset > bytes_.size() || bytes_.size() - offset < static_cast<std::uint64_t>(size)) return std::nullopt;
    std::uint32_t value = 0;
    for (int i = 0; i < size; ++i) {
      const auto byte = std::to_integer<std::uint32_t>(bytes_[offset + static_cast<std::uint64_t>(i)]);
      value |= byte << (8 * (big_endian_ ? size - 1 - i : i));
    }
    return value;
  }

 private:
  std::span<const std::byte> bytes_;
  bool big_endian_;
};

}  // namespace

int exif_orientation(std::span<const std::byte> tiff) {
  using namespace std::string_view_literals;
  constexpr std::uint32_t kOrientation = 0x0112, kShort = 3, kLong = 4;
  const std::string_view text(reinterpret_cast<const char*>(tiff.data()), tiff.size());
  const bool big_endian = text.starts_with("MM\0*"sv);
  if (!big_endian && !text.starts_with("II*\0"sv)) return 1;
  const TiffReader reader(tiff, big_endian);
  const auto directory = reader.number(4, 4);
  if (!directory) return 1;
  const auto entries = reader.number(*directory, 2);
  for (std::uint32_t i = 0; i < entries.value_or(0); ++i) {
    const std::uint64_t entry = std::uint64_t{*directory} + 2 + 12 * std::uint64_t{i};
    const auto tag = reader.number(entry, 2);
    if (!tag) return 1;
    if (*tag != kOrientation) continue;
    const auto type = reader.number(entry + 2, 2);
    if (type != kShort && type != kLong) return 1;
    const std::uint32_t value = reader.number(entry + 8, type == kShort ? 2 : 4).value_or(1);
    return value >= 1 && value <= 8 ? static_cast<int>(value) : 1;
  }
  return 1;
}

}  // namespace wherry::vision
