#pragma once
// What the reader and the writer of compiled files agree on.

#include <zlib.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace wherry::import::compiled {

/// Not text (0x8f), and damaged visibly by whatever converts line ends, as PNG's is.
inline constexpr std::array<unsigned char, 8> kMagic = {0x8f, 'W', 'H', 'E', 'R', 'R', 'Y', '\n'};

/// The header's fields, by offset; integers are little-endian.
inline constexpr std::size_t kVersionAt = 8;         // u32
inline constexpr std::size_t kFileSizeAt = 16;       // u64
inline constexpr std::size_t kDirectorySizeAt = 24;  // u64; the directory follows the header
inline constexpr std::size_t kDirectoryCrcAt = 32;   // u32
inline constexpr std::size_t kHeaderCrcAt = 60;      // u32, of the bytes before it

inline constexpr std::size_t kPage = 4096;

inline std::uint32_t crc_of(std::span<const std::byte> bytes) {
  if (bytes.empty()) return 0;
  return static_cast<std::uint32_t>(crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

}  // namespace wherry::import::compiled
