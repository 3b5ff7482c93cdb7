// The geometry follows torchvision to the pixel, including Python's rounding of halves to even.

#include "vision/preprocess.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/check.h"

namespace wherry::vision {
namespace {

/// Where a crop of `crop` pixels lies along a side of `size`: its start in the picture, its start in the crop, its
/// length.
struct Overlap {
  std::int64_t from = 0, to = 0, length = 0;
};

Overlap centre(std::int64_t size, std::int64_t crop) {
  if (size < crop) return {0, (crop - size) / 2, size};
  // round((size - crop) / 2) with halves to even, as Python rounds.
  const std::int64_t spare = size - crop;
  return {spare / 2 + (spare % 4 == 3 ? 1 : 0), 0, crop};
}

}  // namespace

void check(const Preprocessing& p) {
  constexpr int kLargest = 8192;
  if (p.resize < 1 || p.resize > kLargest)
    base::fail<InvalidInput>("resize: {} pixels; 1 to {} are accepted", p.resize, kLargest);
  if (p.crop < 1 || p.crop > kLargest)
    base::fail<InvalidInput>("crop: {} pixels; 1 to {} are accepted", p.crop, kLargest);
  for (const float mean : p.mean)
    if (!std::isfinite(mean)) base::fail<InvalidInput>("mean: {}; a finite number is expected", mean);
  for (const float std : p.std)
    if (!std::isfinite(std) || std == 0) base::fail<InvalidInput>("std: {}; a finite number, not 0, is expected", std);
}

Image resize_and_crop(const Image& image, const Preprocessing& p) {
  check(p);
  const std::int64_t shorter = std::min(image.width(), image.height());
  const auto side = [&](std::int64_t size) {
    if (size == shorter) return std::int64_t{p.resize};
    return static_cast<std::int64_t>(static_cast<double>(p.resize * size) / static_cast<double>(shorter));
  };
  const std::int64_t width = side(image.width()), height = side(image.height());
  const Overlap x = centre(width, p.crop), y = centre(height, p.crop);
  Image part = resize(image, width, height, p.interpolation, {x.from, y.from, x.length, y.length});
  if (part.width() == p.crop && part.height() == p.crop) return part;
  Image padded(p.crop, p.crop);
  std::fill(padded.pixels().begin(), padded.pixels().end(), std::uint8_t{0});
  for (std::int64_t row = 0; row < part.height(); ++row)
    std::copy_n(part.row(row), 3 * part.width(), padded.row(y.to + row) + 3 * x.to);
  return padded;
}

void normalise(const Image& image, const Preprocessing& p, std::span<float> out) {
  const auto pixels = static_cast<std::size_t>(image.width() * image.height());
  WHERRY_CHECK_EQ(out.size(), 3 * pixels);
  for (std::size_t channel = 0; channel < 3; ++channel) {
    std::array<float, 256> value;
    for (std::size_t v = 0; v < value.size(); ++v)
      value[v] = (static_cast<float>(v) / 255.0f - p.mean[channel]) / p.std[channel];
    const std::uint8_t* from = image.pixels().data() + channel;
    float* to = out.data() + channel * pixels;
    for (std::size_t i = 0; i < pixels; ++i) to[i] = value[from[3 * i]];
  }
}

Tensor preprocess(const Image& image, const Preprocessing& p) {
  check(p);
  Tensor tensor = Tensor::empty(DType::f32, {1, 3, p.crop, p.crop});
  normalise(resize_and_crop(image, p), p, tensor.mutable_values<float>());
  return tensor;
}

}  // namespace wherry::vision
