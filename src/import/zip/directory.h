#pragma once
// The directory at the end of a zip archive (PKWARE's APPNOTE.TXT, sections 4.3.7 to 4.5.3), with ZIP64. Written out
// here because minizip 1.1, which Debian ships, overlooks the ZIP64 sizes of an entry where `long` has 64 bits.

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "import/zip/zip_archive.h"

namespace wherry::import {

/// Every entry, folders too, with its full name, in the directory's order. Each has been held against the file: names
/// are not empty, records lie within `bytes`, and their own headers agree with the directory. Throws InvalidModel,
/// beginning with `path`.
std::vector<ZipRecord> read_zip_directory(std::span<const std::byte> bytes, const std::string& path);

}  // namespace wherry::import
