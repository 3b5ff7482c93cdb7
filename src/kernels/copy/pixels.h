#pragma once
// Images of few channels as bf16 tiles read them: channels innermost and padded with zeros, a halo of zeros around each
// image. One pass from whatever a network's input is, usually fp32 planes.

#include <cstdint>
#include <memory>
#include <string_view>

#include "base/cpu.h"
#include "wherry/dtype.h"

namespace wherry::kernels {

/// y[n, h, w, c] = x[n, c, h, w] rounded to nearest even for c < channels; 0 for other channels and in the halo.
/// Strides of x are in elements and free. Rows and images of y share the halo between them: a row has width + max(left,
/// right) pixels, an image height + max(top, bottom) rows.
struct PixelsShape {
  std::int64_t batch = 1, channels = 0, height = 0, width = 0;
  DType x_dtype = DType::f32;  ///< f32 or bf16
  std::int64_t x_stride_n = 0, x_stride_c = 0, x_stride_h = 0, x_stride_w = 1;
  std::int64_t y_channels = 0;  ///< ≥ channels
  std::int64_t top = 0, bottom = 0, left = 0, right = 0;

  std::int64_t row_pixels() const { return width + (left > right ? left : right); }
  std::int64_t image_rows() const { return height + (top > bottom ? top : bottom); }
  /// Elements of y before its first pixel, and in all.
  std::int64_t origin() const { return (top * row_pixels() + left) * y_channels; }
  std::int64_t elements() const {
    const std::int64_t last = ((batch - 1) * image_rows() + height - 1) * row_pixels() + width;
    return origin() + (last + bottom * row_pixels() + right) * y_channels;
  }

  bool operator==(const PixelsShape&) const = default;
};

/// A primitive: no memory of its own, shareable between threads.
class Pixels {
 public:
  virtual ~Pixels() = default;
  virtual std::string_view name() const = 0;  ///< "pixels_avx512_bf16"
  /// Rows of images; any partition of [0, items()) gives the same y, halo and all.
  virtual std::int64_t items() const = 0;
  /// `y` is where its elements() begin.
  virtual void run(const void* x, void* y, std::int64_t begin, std::int64_t end) const noexcept = 0;
};

/// `isa` must have bf16. batch, height and width are at least 1.
std::unique_ptr<const Pixels> make_pixels(const PixelsShape& shape, base::Isa isa);

}  // namespace wherry::kernels
