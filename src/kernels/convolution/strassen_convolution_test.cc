// 1×1 convolutions by Strassen's algorithm, against the oracle: whole numbers, so that every sum is exact.

#include <gtest/gtest.h>

#include "kernels/convolution/convolution.h"
#include "kernels/convolution/testing.h"
#include "kernels/isa_name.h"
#include "kernels/matmul/testing.h"
#include "kernels/matmul/tile_kernels.h"

namespace wherry::kernels {
namespace {

using testing::guarded;
using testing::run_in_pieces;
using testing::whole_numbers;

class StrassenConvolutionOn : public ::testing::TestWithParam<base::Isa> {};
INSTANTIATE_TEST_SUITE_P(Isa, StrassenConvolutionOn, ::testing::ValuesIn(base::runnable_fp32_isas()), isa_name);

ConvolutionShape pointwise(std::int64_t batch, std::int64_t size, std::int64_t in_channels, std::int64_t out_channels) {
  ConvolutionShape shape;
  shape.weights.in_channels = in_channels, shape.weights.out_channels = out_channels;
  shape.batch = batch;
  shape.in_h = shape.in_w = size;
  shape.set_dense_strides();
  return shape;
}

TEST_P(StrassenConvolutionOn, PreferredWhereImagesAreMatrices) {
  const ConvolutionShape shape = pointwise(1, 14, 1024, 256);
  EXPECT_TRUE(prefers_strassen(shape, GetParam()));
  EXPECT_TRUE(prefers_strassen(pointwise(4, 7, 512, 2048), GetParam())) << "images of a batch are one matrix";
  EXPECT_FALSE(prefers_strassen(pointwise(1, 7, 512, 2048), GetParam())) << "49 rows";
  const auto differently = [&](auto&& change) {
    ConvolutionShape other = shape;
    change(other);
    return prefers_strassen(other, GetParam());
  };
  EXPECT_FALSE(differently([](ConvolutionShape& other) { other.weights.kernel_h = 3; }));
  EXPECT_FALSE(differently([](ConvolutionShape& other) { other.weights.groups = 2; }));
  EXPECT_FALSE(differently([](ConvolutionShape& other) { other.weights.dtype = DType::bf16; }));
  EXPECT_FALSE(differently([](ConvolutionShape& other) { other.stride_w = 2; }));
  EXPECT_FALSE(differently([](ConvolutionShape& other) { other.pad_top = 1; }));
  EXPECT_FALSE(differently([](ConvolutionShape& other) { other.x_stride_h += 16; })) << "gaps between rows";
  EXPECT_TRUE(differently([](ConvolutionShape& other) {  // a concat's part: gaps between pixels
    other.y_stride_w += 64, other.y_stride_h = 14 * other.y_stride_w, other.y_stride_n = 14 * other.y_stride_h;
  }));
}

TEST_P(StrassenConvolutionOn, BatchesStridesAndEpilogues) {
  const std::int64_t out_channels = 6 * tile_kernels(GetParam()).lanes;
  for (const std::int64_t batch : {1, 3})
    for (const std::int64_t size : {1, 7})
      for (const bool within : {false, true}) {
        ConvolutionShape shape = pointwise(batch, size, 36, out_channels);
        shape.weights.strassen = true;
        if (within) {
          shape.x_stride_w += 5, shape.y_stride_w += 3;
          shape.x_stride_h = size * shape.x_stride_w, shape.x_stride_n = size * shape.x_stride_h;
          shape.y_stride_h = size * shape.y_stride_w, shape.y_stride_n = size * shape.y_stride_h;
        }
        const std::int64_t pixels = batch * size * size;
        const std::vector<float> x = whole_numbers((pixels - 1) * shape.x_stride_w + 36, 1);
        const std::vector<float> weights = whole_numbers(out_channels * 36, 2), bias = whole_numbers(out_channels, 3);
        const std::vector<float> residual = whole_numbers(pixels * out_channels, 4);
        const std::int64_t strides[4] = {36, 1, 1, 1};
        ConvolutionArguments arguments;
        arguments.x = x.data();
        arguments.epilogue.bias = bias.data();
        if (within) arguments.epilogue.residual = residual.data();
        arguments.epilogue.residual_row_stride = out_channels;
        arguments.epilogue.low = 0;
        std::vector<float> expected = guarded(pixels * shape.y_stride_w), y = expected;
        arguments.weights = weights.data();
        arguments.y = expected.data();
        convolution_reference(shape, arguments, strides);
        const base::AlignedBuffer packed = testing::packed_copy(shape.weights, GetParam(), weights.data(), strides);
        arguments.weights = packed.data();
        arguments.y = y.data();
        const auto convolution = make_convolution(shape, GetParam(), 2);
        EXPECT_TRUE(convolution->name().starts_with("f32_strassen_")) << convolution->name();
        run_in_pieces(*convolution, arguments, static_cast<unsigned>(pixels));
        SCOPED_TRACE(::testing::Message() << batch << " images of " << size << ", within larger ones " << within);
        testing::expect_same(y, expected);
        if (HasFatalFailure()) return;
      }
}

}  // namespace
}  // namespace wherry::kernels
