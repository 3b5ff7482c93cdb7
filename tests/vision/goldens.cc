// Loading and comparing goldens; deliberately independent of the decoders under test.

#include "goldens.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <sstream>
#include <stdexcept>

namespace wherry::vision {

std::filesystem::path golden(const std::string& name) {
  return std::filesystem::path(WHERRY_SOURCE_DIR) / "tests" / "vision" / "goldens" / name;
}

std::vector<std::byte> read_bytes(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("cannot open " + path.string());
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const auto* begin = reinterpret_cast<const std::byte*>(text.data());
  return {begin, begin + text.size()};
}

std::vector<std::string> read_lines(const std::string& name) {
  std::ifstream file(golden(name));
  if (!file) throw std::runtime_error("cannot open " + golden(name).string());
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  return lines;
}

Image read_ppm(const std::filesystem::path& path) {
  const auto bytes = read_bytes(path);
  std::istringstream header(
      std::string(reinterpret_cast<const char*>(bytes.data()), std::min<std::size_t>(64, bytes.size())));
  std::string magic;
  int width = 0, height = 0, largest = 0;
  header >> magic >> width >> height >> largest;
  const auto start = static_cast<std::size_t>(header.tellg()) + 1;
  Image image(width, height);
  if (magic != "P6" || largest != 255 || bytes.size() - start != image.pixels().size())
    throw std::runtime_error("not the PPM that was expected: " + path.string());
  std::transform(bytes.begin() + static_cast<std::ptrdiff_t>(start), bytes.end(), image.pixels().begin(),
                 [](std::byte b) { return std::to_integer<std::uint8_t>(b); });
  return image;
}

int largest_difference(const Image& a, const Image& b) {
  if (a.width() != b.width() || a.height() != b.height()) return 256;
  int largest = 0;
  for (std::size_t i = 0; i < a.pixels().size(); ++i)
    largest = std::max(largest, std::abs(int{a.pixels()[i]} - int{b.pixels()[i]}));
  return largest;
}

}  // namespace wherry::vision
