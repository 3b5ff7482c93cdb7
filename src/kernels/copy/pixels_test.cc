// Pixels against the formula: every element of y, halo included.

#include "kernels/copy/pixels.h"

#include <gtest/gtest.h>

#include <limits>
#include <vector>

#include "kernels/isa_name.h"
#include "kernels/matmul/testing.h"
#include "tensor/half.h"

namespace wherry::kernels {
namespace {

void check(const PixelsShape& s, base::Isa isa) {
  const std::int64_t size = (s.batch - 1) * s.x_stride_n + (s.channels - 1) * s.x_stride_c +
                            (s.height - 1) * s.x_stride_h + (s.width - 1) * s.x_stride_w + 1;
  std::vector<float> x(static_cast<std::size_t>(size));
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i % 1013) * 0.37f - 100.0f;
  x[0] = std::numeric_limits<float>::infinity();
  x.back() = 1e-40f;
  std::vector<std::uint16_t> bf16(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) bf16[i] = tensor::float_to_bf16(x[i]);

  const auto pixels = make_pixels(s, isa);
  std::vector<std::uint16_t> y(static_cast<std::size_t>(s.elements()) + 4, 0x1234);
  const void* from =
      s.x_dtype == DType::f32 ? static_cast<const void*>(x.data()) : static_cast<const void*>(bf16.data());
  // Backwards, row by row: parts must not lean on each other.
  for (std::int64_t item = pixels->items() - 1; item >= 0; --item) pixels->run(from, y.data(), item, item + 1);

  std::vector<std::uint16_t> expected(static_cast<std::size_t>(s.elements()), 0);
  for (std::int64_t n = 0; n < s.batch; ++n)
    for (std::int64_t h = 0; h < s.height; ++h)
      for (std::int64_t w = 0; w < s.width; ++w)
        for (std::int64_t c = 0; c < s.channels; ++c) {
          const std::int64_t at = s.origin() + ((n * s.image_rows() + h) * s.row_pixels() + w) * s.y_channels + c;
          expected[static_cast<std::size_t>(at)] =
              bf16[static_cast<std::size_t>(n * s.x_stride_n + c * s.x_stride_c + h * s.x_stride_h + w * s.x_stride_w)];
        }
  for (std::size_t i = 0; i < expected.size(); ++i) {
    // AVX-512 flushes denormals to zero when it rounds.
    if (base::includes(isa, base::Isa::avx512_bf16) && expected[i] != y[i] && (expected[i] & 0x7f80) == 0 &&
        (y[i] & 0x7fff) == 0)
      continue;
    ASSERT_EQ(y[i], expected[i]) << pixels->name() << " element " << i;
  }
  for (std::size_t i = expected.size(); i < y.size(); ++i) ASSERT_EQ(y[i], 0x1234) << "past the end";
}

PixelsShape planes(std::int64_t batch, std::int64_t channels, std::int64_t height, std::int64_t width) {
  PixelsShape s;
  s.batch = batch, s.channels = channels, s.height = height, s.width = width;
  s.x_stride_w = 1, s.x_stride_h = width + 1, s.x_stride_c = height * s.x_stride_h,
  s.x_stride_n = channels * s.x_stride_c;
  s.y_channels = channels <= 4 ? 4 : 8;
  return s;
}

class PixelsOn : public ::testing::TestWithParam<base::Isa> {};
INSTANTIATE_TEST_SUITE_P(Isa, PixelsOn, ::testing::ValuesIn(testing::bf16_isas()), isa_name);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(PixelsOn);

TEST_P(PixelsOn, PlanesOfEveryWidth) {
  for (const std::int64_t width : {1, 3, 15, 16, 17, 31, 32, 33, 50})
    for (const std::int64_t channels : {1, 3, 5}) {
      PixelsShape s = planes(2, channels, 3, width);
      check(s, GetParam());
      s.top = 3, s.bottom = 2, s.left = 1, s.right = 3;
      check(s, GetParam());
      s.x_dtype = DType::bf16;
      check(s, GetParam());
      if (::testing::Test::HasFatalFailure()) return;
    }
}

TEST_P(PixelsOn, PixelsWithAHaloOnOneSide) {
  PixelsShape s = planes(3, 3, 4, 20);
  s.x_stride_c = 1, s.x_stride_w = 3, s.x_stride_h = 60, s.x_stride_n = 240;
  for (const std::int64_t side : {0, 1, 2, 3}) {
    s.top = side == 0, s.bottom = side == 1 ? 2 : 0, s.left = side == 2, s.right = side == 3 ? 3 : 0;
    check(s, GetParam());
  }
}

}  // namespace
}  // namespace wherry::kernels
