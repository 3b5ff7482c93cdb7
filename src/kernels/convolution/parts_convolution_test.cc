// fp32 convolution whose numbers are multiplied in bf16 parts, against its oracle. All numbers are whole, one of each
// window or filter takes 18 bits, so that every sum is exact and every part counts.

#include <gtest/gtest.h>

#include <string>

#include "kernels/convolution/convolution.h"
#include "kernels/convolution/testing.h"
#include "kernels/elementwise/test_data.h"
#include "kernels/isa_name.h"
#include "kernels/matmul/matmul.h"
#include "kernels/matmul/testing.h"

namespace wherry::kernels {
namespace {

using testing::guarded;
using testing::isas_of_parts;
using testing::run_in_pieces;
using testing::whole_numbers;

class PartsConvolutionOn : public ::testing::TestWithParam<base::Isa> {};
INSTANTIATE_TEST_SUITE_P(Isa, PartsConvolutionOn, ::testing::ValuesIn(isas_of_parts()), isa_name);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(PartsConvolutionOn);

void check(ConvolutionShape shape, base::Isa isa, int options) {
  ConvolutionWeights& sizes = shape.weights;
  sizes.in_parts = true;
  if (options % 2 == 0) {
    shape.set_dense_strides();
  } else {  // slices of larger images
    shape.x_stride_w = sizes.in_channels + 3, shape.x_stride_h = shape.in_w * shape.x_stride_w + 5;
    shape.x_stride_n = shape.in_h * shape.x_stride_h + 7;
    shape.y_stride_w = sizes.out_channels + 1, shape.y_stride_h = shape.out_w() * shape.y_stride_w + 2;
    shape.y_stride_n = shape.out_h() * shape.y_stride_h + 3;
  }
  const std::int64_t taps = sizes.kernel_h * sizes.kernel_w, filter = sizes.in_channels * taps;
  std::vector<float> x = whole_numbers((shape.batch - 1) * shape.x_stride_n + (shape.in_h - 1) * shape.x_stride_h +
                                           (shape.in_w - 1) * shape.x_stride_w + sizes.in_channels,
                                       31);
  std::vector<float> weights = whole_numbers(sizes.out_channels * filter, 32);
  constexpr float kLong = 0x2FE01p0f;
  if (options % 3 == 0)
    for (std::size_t i = 0; i < x.size(); i += 1 + static_cast<std::size_t>(4 * filter)) x[i] = kLong;
  else
    for (std::int64_t o = 0; o < sizes.out_channels; ++o)
      weights[static_cast<std::size_t>(o * filter + o % filter)] = o % 2 == 0 ? kLong : -kLong;
  const std::int64_t weight_strides[4] = {filter, taps, sizes.kernel_w, 1};
  const std::int64_t pixels = shape.batch * shape.out_h() * shape.out_w();
  const std::vector<float> bias = whole_numbers(sizes.out_channels, 33);
  const std::vector<float> residual = whole_numbers(pixels * sizes.out_channels, 34);
  ConvolutionArguments arguments;
  arguments.x = x.data();
  if (options % 2 == 1) arguments.epilogue.bias = bias.data();
  if (options % 4 >= 2) {
    arguments.epilogue.residual = residual.data();
    arguments.epilogue.residual_row_stride = sizes.out_channels;
    arguments.epilogue.low = 0;
  }
  std::vector<float> expected = guarded(shape.batch * shape.y_stride_n), y = expected;
  arguments.y = expected.data();
  arguments.weights = weights.data();
  convolution_reference(shape, arguments, weight_strides);
  const base::AlignedBuffer packed = testing::packed_copy(sizes, isa, weights.data(), weight_strides);
  arguments.weights = packed.data();
  arguments.y = y.data();
  const auto convolution = make_convolution(shape, isa, 2);
  EXPECT_TRUE(convolution->name().starts_with("f32_parts_conv"));
  run_in_pieces(*convolution, arguments, static_cast<unsigned>(pixels));
  testing::expect_same(y, expected);
}

TEST_P(PartsConvolutionOn, WindowsStridesPaddingAndChannels) {
  int options = 0;
  for (const std::int64_t in_channels : {3, 16, 40})
    for (const std::int64_t out_channels : {7, 70})
      for (const std::int64_t kernel : {1, 3})
        for (const std::int64_t stride : {1, 2})
          for (const std::int64_t padding : {0, 1})
            for (const std::int64_t dilation : {1, 2})
              for (const std::int64_t size : {5, 11}) {
                ConvolutionShape shape;
                shape.weights = {in_channels, out_channels, kernel, kernel, 1};
                shape.batch = 1 + options % 2;
                shape.in_h = size, shape.in_w = size + 2;
                shape.stride_h = shape.stride_w = stride;
                shape.pad_top = shape.pad_left = padding, shape.pad_bottom = shape.pad_right = padding * 2;
                shape.dilation_h = shape.dilation_w = dilation;
                SCOPED_TRACE(::testing::Message() << in_channels << " to " << out_channels << ", kernel " << kernel
                                                  << ", stride " << stride << ", padding " << padding << ", dilation "
                                                  << dilation << ", size " << size << ", options " << options);
                check(shape, GetParam(), options++);
                if (HasFatalFailure()) return;
              }
}

TEST_P(PartsConvolutionOn, AStem) {
  ConvolutionShape shape;
  shape.weights = {3, 64, 7, 7, 1};
  shape.in_h = 30, shape.in_w = 34;
  shape.stride_h = shape.stride_w = 2;
  shape.pad_top = shape.pad_bottom = shape.pad_left = shape.pad_right = 3;
  for (int options = 0; options < 6; ++options) check(shape, GetParam(), options);
}

}  // namespace
}  // namespace wherry::kernels
