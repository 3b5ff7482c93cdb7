// Two passes of weighted sums. The weights depend only on the coordinate, so each pass computes them once per column or
// row.

#include "vision/resize.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/check.h"

namespace wherry::vision {
namespace {

constexpr int kFractionBits = 32 - 8 - 2;  // 8 bits of pixel and a sign, with one bit to spare for bicubic's overshoot

double weight(Interpolation interpolation, double x) {
  x = std::abs(x);
  if (interpolation == Interpolation::bilinear) return x < 1 ? 1 - x : 0;
  constexpr double a = -0.5;  // Keys, "Cubic convolution interpolation for digital image processing", 1981
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2) return (((x - 5) * x + 8) * x - 4) * a;
  return 0;
}

/// For each output coordinate: which input coordinates it sums, and with what fixed-point weights.
struct Taps {
  struct Span {
    std::int64_t first;
    std::int64_t count;
  };
  std::vector<Span> spans;
  std::vector<std::int32_t> weights;  // [spans.size(), stride]
  std::size_t stride = 0;
  bool identity = false;

  const std::int32_t* of(std::int64_t i) const { return weights.data() + static_cast<std::size_t>(i) * stride; }
};

Taps taps(std::int64_t in, std::int64_t out, Interpolation interpolation, std::int64_t begin, std::int64_t count) {
  Taps taps;
  taps.identity = in == out;
  if (taps.identity) {
    for (std::int64_t i = 0; i < count; ++i) taps.spans.push_back({begin + i, 1});
    return taps;
  }
  const double scale = static_cast<double>(in) / static_cast<double>(out);
  const double stretch = std::max(scale, 1.0);
  const double support = (interpolation == Interpolation::bilinear ? 1.0 : 2.0) * stretch;
  taps.stride = static_cast<std::size_t>(std::ceil(support)) * 2 + 1;
  taps.weights.resize(taps.stride * static_cast<std::size_t>(count));
  std::vector<double> exact(taps.stride);
  for (std::int64_t i = 0; i < count; ++i) {
    const double centre = (static_cast<double>(begin + i) + 0.5) * scale;
    const auto first = std::max<std::int64_t>(static_cast<std::int64_t>(centre - support + 0.5), 0);
    const auto last = std::min<std::int64_t>(static_cast<std::int64_t>(centre + support + 0.5), in);
    double sum = 0;
    for (std::int64_t x = 0; x < last - first; ++x) {
      const double w = weight(interpolation, (static_cast<double>(x + first) - centre + 0.5) * (1.0 / stretch));
      exact[static_cast<std::size_t>(x)] = w;
      sum += w;
    }
    std::int32_t* fixed = taps.weights.data() + static_cast<std::size_t>(i) * taps.stride;
    for (std::int64_t x = 0; x < last - first; ++x) {
      double w = exact[static_cast<std::size_t>(x)];
      if (sum != 0) w /= sum;
      fixed[x] = static_cast<std::int32_t>(w * (1 << kFractionBits) + (w < 0 ? -0.5 : 0.5));
    }
    taps.spans.push_back({first, last - first});
  }
  return taps;
}

std::uint8_t rounded(std::int32_t sum) { return static_cast<std::uint8_t>(std::clamp(sum >> kFractionBits, 0, 255)); }

constexpr std::int32_t kHalf = 1 << (kFractionBits - 1);

}  // namespace

Image resize(const Image& image, std::int64_t width, std::int64_t height, Interpolation interpolation,
             const Window& window) {
  WHERRY_CHECK(image.width() > 0 && image.height() > 0);
  WHERRY_CHECK(window.x >= 0 && window.width > 0 && window.x <= width - window.width);
  WHERRY_CHECK(window.y >= 0 && window.height > 0 && window.y <= height - window.height);
  const Taps columns = taps(image.width(), width, interpolation, window.x, window.width);
  const Taps rows = taps(image.height(), height, interpolation, window.y, window.height);
  const std::int64_t first_row = rows.spans.front().first;
  const std::int64_t last_row = rows.spans.back().first + rows.spans.back().count;

  Image narrow(window.width, last_row - first_row);
  for (std::int64_t y = 0; y < narrow.height(); ++y) {
    const std::uint8_t* from = image.row(first_row + y);
    std::uint8_t* to = narrow.row(y);
    if (columns.identity) {
      std::copy_n(from + 3 * window.x, 3 * window.width, to);
      continue;
    }
    for (std::int64_t x = 0; x < window.width; ++x, to += 3) {
      const auto [first, count] = columns.spans[static_cast<std::size_t>(x)];
      const std::int32_t* weights = columns.of(x);
      const std::uint8_t* pixel = from + 3 * first;
      std::int32_t red = kHalf, green = kHalf, blue = kHalf;
      for (std::int64_t i = 0; i < count; ++i, pixel += 3) {
        red += weights[i] * pixel[0];
        green += weights[i] * pixel[1];
        blue += weights[i] * pixel[2];
      }
      to[0] = rounded(red);
      to[1] = rounded(green);
      to[2] = rounded(blue);
    }
  }
  if (rows.identity) return narrow;

  Image result(window.width, window.height);
  const auto row_bytes = static_cast<std::size_t>(3 * window.width);
  std::vector<std::int32_t> sums(row_bytes);
  for (std::int64_t y = 0; y < window.height; ++y) {
    const auto [first, count] = rows.spans[static_cast<std::size_t>(y)];
    const std::int32_t* weights = rows.of(y);
    std::fill(sums.begin(), sums.end(), kHalf);
    for (std::int64_t i = 0; i < count; ++i) {
      const std::uint8_t* from = narrow.row(first - first_row + i);
      const std::int32_t w = weights[i];
      for (std::size_t j = 0; j < row_bytes; ++j) sums[j] += w * from[j];
    }
    std::transform(sums.begin(), sums.end(), result.row(y), rounded);
  }
  return result;
}

Image resize(const Image& image, std::int64_t width, std::int64_t height, Interpolation interpolation) {
  return resize(image, width, height, interpolation, {0, 0, width, height});
}

}  // namespace wherry::vision
