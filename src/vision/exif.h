#pragma once
// The one thing wherry wants from EXIF: how the camera was held.

#include <cstddef>
#include <span>

namespace wherry::vision {

/// Tag 0x0112 of the first directory of an EXIF block, which starts with its TIFF header ("II*\0" or "MM\0*"; CIPA
/// DC-008, section 4.6). 1 where there is none or the block is damaged: a photo with broken metadata is still a photo.
int exif_orientation(std::span<const std::byte> tiff);

}  // namespace wherry::vision
