#pragma once
// Writes zip archives byte by byte, so that a test can make every field lie.

#include <cstdint>
#include <string>
#include <vector>

namespace wherry::import {

struct ZipEntry {
  std::string name;
  std::string content;
  bool compress = false;
  // What the headers say instead of the truth, where set.
  std::int64_t claimed_size = -1;
  std::int64_t claimed_stored_size = -1;
  std::int64_t claimed_offset = -1;
  std::int64_t claimed_crc = -1;
  std::uint16_t flags = 0;
  int method = -1;
  bool zip64 = false;  ///< sizes and offset in the ZIP64 extra field
  int padding = 0;     ///< extra bytes in the local header, as PyTorch uses to align contents
};

/// `claimed_count` < 0 means the true number of entries.
std::string build_zip(const std::vector<ZipEntry>& entries, int claimed_count = -1);

}  // namespace wherry::import
