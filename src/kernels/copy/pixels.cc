// A walk over rows: each writes its pixels and the zeros up to the next row.

#include "kernels/copy/pixels.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"
#include "kernels/copy/pixels_kernels.h"
#include "tensor/half.h"

namespace wherry::kernels {
namespace {

class RowPixels final : public Pixels {
 public:
  RowPixels(const PixelsShape& shape, base::Isa isa) : shape_(shape) {
    if (shape.x_dtype != DType::f32 || shape.x_stride_w != 1 || shape.channels != 3 || shape.y_channels != 4) return;
#define WHERRY_PIXELS(set) \
  if (base::includes(isa, base::Isa::set)) planes_ = pixels_of_three_planes_##set, name_ = "pixels_" #set;
#include "kernels/copy/pixels_kernels.inc"
#undef WHERRY_PIXELS
  }

  std::string_view name() const override { return name_; }
  std::int64_t items() const override { return shape_.batch * shape_.height; }

  void run(const void* x, void* y, std::int64_t begin, std::int64_t end) const noexcept override {
    const PixelsShape& s = shape_;
    auto* const to = static_cast<std::uint16_t*>(y);
    const std::int64_t row_elements = s.row_pixels() * s.y_channels;
    if (begin == 0) std::memset(to, 0, static_cast<std::size_t>(s.origin()) * 2);
    for (std::int64_t item = begin; item < end; ++item) {
      const std::int64_t n = item / s.height, h = item % s.height;
      std::uint16_t* const row = to + s.origin() + (n * s.image_rows() + h) * row_elements;
      const std::int64_t from = n * s.x_stride_n + h * s.x_stride_h;
      if (planes_ != nullptr)
        planes_(static_cast<const float*>(x) + from, s.x_stride_c, row, s.width);
      else
        write_row(x, from, row);
      // After the last row of an image comes what it shares with the next one, or the end.
      std::uint16_t* const gap = row + s.width * s.y_channels;
      std::int64_t zeros = row_elements - s.width * s.y_channels;
      if (h == s.height - 1) zeros += (s.image_rows() - s.height) * row_elements;
      zeros = std::min(zeros, to + s.elements() - gap);
      std::memset(gap, 0, static_cast<std::size_t>(zeros) * 2);
    }
  }

 private:
  void write_row(const void* x, std::int64_t from, std::uint16_t* row) const noexcept {
    const PixelsShape& s = shape_;
    std::memset(row, 0, static_cast<std::size_t>(s.width * s.y_channels) * 2);
    for (std::int64_t w = 0; w < s.width; ++w)
      for (std::int64_t c = 0; c < s.channels; ++c) {
        const std::int64_t at = from + c * s.x_stride_c + w * s.x_stride_w;
        row[w * s.y_channels + c] = s.x_dtype == DType::f32 ? tensor::float_to_bf16(static_cast<const float*>(x)[at])
                                                            : static_cast<const std::uint16_t*>(x)[at];
      }
  }

  PixelsShape shape_;
  PixelsOfThreePlanes planes_ = nullptr;
  std::string_view name_ = "pixels_scalar";
};

}  // namespace

std::unique_ptr<const Pixels> make_pixels(const PixelsShape& shape, base::Isa isa) {
  WHERRY_CHECK(base::has_bf16(isa));
  WHERRY_CHECK(shape.x_dtype == DType::f32 || shape.x_dtype == DType::bf16);
  WHERRY_CHECK(shape.batch >= 1 && shape.height >= 1 && shape.width >= 1 && shape.y_channels >= shape.channels);
  return std::make_unique<RowPixels>(shape, isa);
}

}  // namespace wherry::kernels
