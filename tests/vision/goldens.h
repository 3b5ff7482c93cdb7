#pragma once
// Reads tests/vision/goldens, which make_goldens.py wrote with Pillow and torchvision.

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "vision/image.h"

namespace wherry::vision {

std::filesystem::path golden(const std::string& name);

std::vector<std::byte> read_bytes(const std::filesystem::path& path);

/// Lines of a golden text file.
std::vector<std::string> read_lines(const std::string& name);

/// A binary PPM, as Pillow writes it.
Image read_ppm(const std::filesystem::path& path);

/// Largest difference of any channel of any pixel; 256 where the sizes differ.
int largest_difference(const Image& a, const Image& b);

}  // namespace wherry::vision
