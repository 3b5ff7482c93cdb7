// bf16 convolution against its oracle. Whole numbers make every sum exact, so results must agree to the last bit.

#include <gtest/gtest.h>

#include <string>

#include "kernels/convolution/convolution.h"
#include "kernels/convolution/testing.h"
#include "kernels/elementwise/test_data.h"
#include "kernels/isa_name.h"
#include "kernels/matmul/testing.h"

namespace wherry::kernels {
namespace {

using testing::bf16_isas;
using testing::extent;
using testing::guarded;
using testing::run_in_pieces;
using testing::to_bf16;
using testing::whole_numbers;

class Bf16ConvolutionOn : public ::testing::TestWithParam<base::Isa> {};
INSTANTIATE_TEST_SUITE_P(Isa, Bf16ConvolutionOn, ::testing::ValuesIn(bf16_isas()), isa_name);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(Bf16ConvolutionOn);

/// An image in memory: exactly as long as what may be read, so that a sanitizer sees any access past it.
struct Image {
  std::vector<std::uint16_t> memory;
  const std::uint16_t* x;
};

/// Random pixels; with a halo zeros lie around them, where the strides leave room for it.
Image make_image(const ConvolutionShape& shape, unsigned seed) {
  const std::int64_t channels = shape.weights.in_channels;
  const std::int64_t size =
      extent(shape.batch, shape.x_stride_n, shape.in_h, shape.x_stride_h, shape.in_w, shape.x_stride_w,
             shape.weights.groups > 1 ? channels : bf16_channels(shape.weights));
  const std::int64_t before = shape.x_halo ? shape.pad_top * shape.x_stride_h + shape.pad_left * shape.x_stride_w : 0;
  const std::int64_t after =
      shape.x_halo ? shape.pad_bottom * shape.x_stride_h + shape.pad_right * shape.x_stride_w : 0;
  Image image;
  const std::vector<std::uint16_t> numbers = to_bf16(whole_numbers(size, seed));
  // Without a halo what lies between the pixels is nobody's business: not a number. But few channels are padded with
  // zeros.
  const std::int64_t in_memory = shape.weights.groups > 1 ? channels : bf16_channels(shape.weights);
  image.memory.assign(static_cast<std::size_t>(before + size + after), shape.x_halo ? 0 : 0x7fc0);
  for (std::int64_t n = 0; n < shape.batch; ++n)
    for (std::int64_t h = 0; h < shape.in_h; ++h)
      for (std::int64_t w = 0; w < shape.in_w; ++w)
        for (std::int64_t c = 0; c < in_memory; ++c) {
          const std::int64_t at = n * shape.x_stride_n + h * shape.x_stride_h + w * shape.x_stride_w + c;
          image.memory[static_cast<std::size_t>(before + at)] =
              c < channels ? numbers[static_cast<std::size_t>(at)] : 0;
        }
  image.x = image.memory.data() + before;
  return image;
}

void check(ConvolutionShape shape, base::Isa isa, int options, int threads) {
  const ConvolutionWeights& sizes = shape.weights;
  const std::int64_t inputs = sizes.in_channels / sizes.groups, taps = sizes.kernel_h * sizes.kernel_w;
  const Image image = make_image(shape, 31);
  const std::vector<float> weights = whole_numbers(sizes.out_channels * inputs * taps, 32);
  const std::vector<std::uint16_t> weights_bf16 = to_bf16(weights);
  const std::int64_t strides[2][4] = {{inputs * taps, taps, sizes.kernel_w, 1},
                                      {inputs * taps, 1, sizes.kernel_w * inputs, inputs}};
  const std::int64_t* const weight_strides = strides[options % 2];
  const std::int64_t pixels = shape.batch * shape.out_h() * shape.out_w();
  const std::vector<float> bias = whole_numbers(sizes.out_channels, 33);
  const std::vector<float> residual = whole_numbers(pixels * (sizes.out_channels + 3), 34);
  const std::vector<std::uint16_t> residual_bf16 = to_bf16(residual);
  ConvolutionArguments arguments;
  arguments.x = image.x;
  if (options % 2 == 1) arguments.epilogue.bias = bias.data();
  if (options % 3 > 0) {
    arguments.epilogue.residual =
        options % 3 == 1 ? static_cast<const void*>(residual.data()) : static_cast<const void*>(residual_bf16.data());
    arguments.epilogue.residual_dtype = options % 3 == 1 ? DType::f32 : DType::bf16;
    arguments.epilogue.residual_row_stride = sizes.out_channels + 3;
  }
  if (options % 4 >= 2) arguments.epilogue.low = 0;
  if (options % 4 == 3) arguments.epilogue.high = 6;
  shape.y_dtype = options % 5 < 3 ? DType::bf16 : DType::f32;
  const testing::FakeProgram program(DType::f32);
  std::vector<std::int16_t> pixel_operand(static_cast<std::size_t>(pixels));
  for (std::size_t i = 0; i < pixel_operand.size(); ++i) pixel_operand[i] = static_cast<std::int16_t>(i % 17);
  const TileOperand operands[] = {{residual.data(), sizes.out_channels, 1}, {pixel_operand.data(), 1, 0, 2}};
  if (options % 7 == 6) {
    shape.y_dtype = DType::f32;
    arguments.epilogue.program = &program;
    arguments.epilogue.operands = operands;
    arguments.epilogue.operand_count = 2;
  }
  std::vector<float> expected = guarded(extent(shape.batch, shape.y_stride_n, shape.out_h(), shape.y_stride_h,
                                               shape.out_w(), shape.y_stride_w, sizes.out_channels) +
                                        8);
  std::vector<float> y = expected;
  arguments.y = expected.data();
  arguments.weights = weights_bf16.data();
  convolution_reference(shape, arguments, weight_strides);
  const base::AlignedBuffer packed = testing::packed_copy(sizes, isa, weights.data(), weight_strides);
  arguments.weights = packed.data();
  arguments.y = y.data();
  const auto convolution = make_convolution(shape, isa, threads);
  run_in_pieces(*convolution, arguments, static_cast<unsigned>(pixels));
  SCOPED_TRACE(::testing::Message() << convolution->name() << ": " << shape.batch << "x" << shape.in_h << "x"
                                    << shape.in_w << "x" << sizes.in_channels << " to " << sizes.out_channels
                                    << ", kernel " << sizes.kernel_h << "x" << sizes.kernel_w << ", stride "
                                    << shape.stride_h << "," << shape.stride_w << ", padding " << shape.pad_top << ","
                                    << shape.pad_bottom << "," << shape.pad_left << "," << shape.pad_right
                                    << ", dilation " << shape.dilation_h << "," << shape.dilation_w << ", groups "
                                    << sizes.groups << ", halo " << shape.x_halo << ", options " << options);
  if (shape.y_dtype == DType::f32)
    testing::expect_same(y, expected);
  else
    ASSERT_EQ(std::memcmp(y.data(), expected.data(), y.size() * sizeof(float)), 0);
  if (options % 7 != 3) return;
  // However the work is cut, every sum is made alike.
  for (const Choice& choice : convolution->candidates()) {
    std::vector<float> again = guarded(static_cast<std::int64_t>(y.size()));
    arguments.y = again.data();
    run_in_pieces(*make_convolution(shape, isa, threads, choice), arguments, static_cast<unsigned>(pixels));
    ASSERT_EQ(std::memcmp(again.data(), y.data(), y.size() * sizeof(float)), 0) << choice[0] << " superblocks";
  }
}

/// Dense but for the channels that few are padded to.
void set_strides(ConvolutionShape& shape) {
  shape.set_dense_strides();
  if (shape.weights.groups > 1) return;
  shape.x_stride_w = bf16_channels(shape.weights);
  shape.x_stride_h = shape.in_w * shape.x_stride_w, shape.x_stride_n = shape.in_h * shape.x_stride_h;
}

ConvolutionShape dense(ConvolutionWeights weights, std::int64_t height, std::int64_t width, std::int64_t stride = 1,
                       std::int64_t padding = 0, std::int64_t dilation = 1) {
  weights.dtype = DType::bf16;
  ConvolutionShape shape;
  shape.weights = weights;
  shape.in_h = height, shape.in_w = width;
  shape.stride_h = shape.stride_w = stride;
  shape.pad_top = shape.pad_bottom = shape.pad_left = shape.pad_right = padding;
  shape.dilation_h = shape.dilation_w = dilation;
  set_strides(shape);
  return shape;
}

/// Room for a halo that neighbouring rows and images share.
void add_halo(ConvolutionShape& shape) {
  shape.x_halo = true;
  shape.x_stride_h = (shape.in_w + std::max(shape.pad_left, shape.pad_right)) * shape.x_stride_w;
  shape.x_stride_n = (shape.in_h + std::max(shape.pad_top, shape.pad_bottom)) * shape.x_stride_h;
}

/// Channels and groups that reach every family and its tails.
std::vector<ConvolutionWeights> all_families(std::int64_t kernel_h, std::int64_t kernel_w) {
  std::vector<ConvolutionWeights> all;
  const auto add = [&](std::int64_t in, std::int64_t out, std::int64_t groups) {
    all.push_back({in, out, kernel_h, kernel_w, groups, DType::bf16});
  };
  add(1, 1, 1), add(3, 5, 1), add(3, 64, 1), add(17, 33, 1), add(16, 40, 1), add(24, 130, 1), add(64, 32, 1);
  add(2, 2, 2), add(16, 16, 16), add(19, 19, 19), add(40, 40, 40), add(150, 150, 150);  // depthwise
  add(6, 12, 6), add(8, 8, 2), add(32, 32, 8), add(24, 24, 3), add(12, 30, 6);          // grouped
  add(64, 96, 2), add(120, 80, 4);                                                      // matmul, group by group
  return all;
}

TEST_P(Bf16ConvolutionOn, EveryFamilyStridePaddingAndDilation) {
  int options = 0;
  for (const auto& [kernel_h, kernel_w] : {std::pair{1, 1}, {3, 3}, {2, 3}, {1, 5}, {5, 1}})
    for (const ConvolutionWeights& weights : all_families(kernel_h, kernel_w))
      for (const std::int64_t stride : {1, 2})
        for (const std::int64_t padding : {0, 1, 2})
          for (const std::int64_t dilation : {1, 2})
            for (const bool halo : {false, true}) {
              if (halo && padding == 0) continue;
              ConvolutionShape shape = dense(weights, 9, 11, stride, padding, dilation);
              shape.batch = 1 + options % 2;
              if (halo) add_halo(shape);
              check(shape, GetParam(), options, 1 + options % 3);
              ++options;
              if (HasFatalFailure()) return;
            }
}

TEST_P(Bf16ConvolutionOn, DepthwiseWindowsOfEveryWidthAndTail) {
  int options = 0;
  for (const std::int64_t kernel : {3, 4, 5, 7})
    for (const std::int64_t stride : {1, 2, 3})
      for (const std::int64_t channels : {2, 16, 17, 31, 32, 33, 48, 49, 144, 300})
        for (const std::int64_t width : {1, 2, 3, 5, 7, 8, 9, 13, 14, 15, 16, 17, 19, 27}) {
          ConvolutionWeights weights{channels, channels, kernel, kernel, channels, DType::bf16};
          ConvolutionShape shape = dense(weights, 1 + width % 8, width, stride, kernel / 2);
          if (options % 5 == 4) shape.pad_left = 0;
          if (shape.out_h() < 1 || shape.out_w() < 1) continue;
          shape.set_dense_strides();
          check(shape, GetParam(), options, 1 + options % 3);
          ++options;
          if (HasFatalFailure()) return;
        }
}

TEST_P(Bf16ConvolutionOn, DepthwiseReadsNothingPastTheImage) {
  for (const std::int64_t kernel : {3, 4, 5, 7})
    for (const std::int64_t stride : {1, 2})
      for (const std::int64_t channels : {2, 15, 16, 17, 31, 32, 33, 47, 48, 65}) {
        const ConvolutionWeights weights{channels, channels, kernel, kernel, channels, DType::bf16};
        const ConvolutionShape shape = dense(weights, 4, 9, stride, kernel / 2);
        test::PageEnd<std::uint16_t> x(4 * 9 * channels), y(shape.out_h() * shape.out_w() * channels);
        std::fill_n(x.data(), 4 * 9 * channels, std::uint16_t{0x3f80});
        const std::vector<float> w(static_cast<std::size_t>(channels * kernel * kernel), 1.0f);
        const std::vector<std::uint16_t> w_bf16 = to_bf16(w);
        const std::int64_t strides[4] = {kernel * kernel, 1, kernel, 1};
        std::vector<float> expected(static_cast<std::size_t>(shape.out_h() * shape.out_w() * channels));
        ConvolutionArguments arguments;
        arguments.x = x.data(), arguments.weights = w_bf16.data(), arguments.y = expected.data();
        convolution_reference(shape, arguments, strides);
        const base::AlignedBuffer packed = testing::packed_copy(weights, GetParam(), w.data(), strides);
        arguments.weights = packed.data(), arguments.y = y.data();
        ConvolutionShape rounded = shape;
        rounded.y_dtype = DType::bf16;
        run_in_pieces(*make_convolution(rounded, GetParam(), 2), arguments, 44);
        const std::vector<std::uint16_t> rows = to_bf16(expected);
        ASSERT_TRUE(std::equal(rows.begin(), rows.end(), y.data())) << kernel << " " << stride << " " << channels;
      }
}

TEST_P(Bf16ConvolutionOn, PaddingMayDifferOnEverySideAndExceedTheImage) {
  for (const ConvolutionWeights& weights : all_families(3, 4))
    for (const bool halo : {false, true}) {
      ConvolutionShape shape = dense(weights, 2, 3);
      shape.pad_top = 0, shape.pad_bottom = 7, shape.pad_left = 5, shape.pad_right = 1;
      shape.batch = 2;
      set_strides(shape);
      if (halo) add_halo(shape);
      for (const int options : {0, 3, 5, 6}) check(shape, GetParam(), options, 2);
      if (HasFatalFailure()) return;
    }
}

/// Widths that whole blocks fill, where rows of pixels may be gathered once for all windows that hold them.
TEST_P(Bf16ConvolutionOn, WindowsOfWideRowsShareTheirPixels) {
  int options = 0;
  for (const auto& [kernel_h, kernel_w] : {std::pair{3, 3}, {2, 1}, {5, 3}})
    for (const ConvolutionWeights& weights :
         {ConvolutionWeights{16, 40, kernel_h, kernel_w, 1}, ConvolutionWeights{4, 8, kernel_h, kernel_w, 1},
          ConvolutionWeights{20, 33, kernel_h, kernel_w, 1}, ConvolutionWeights{64, 96, kernel_h, kernel_w, 2}})
      for (const std::int64_t width : {18, 20, 28, 31, 32, 40, 56, 96})
        for (const bool halo : {false, true}) {
          ConvolutionShape shape = dense(weights, 1 + options % 6, width);
          shape.pad_top = kernel_h / 2, shape.pad_bottom = (kernel_h - 1) / 2 + options % 2;
          shape.pad_left = kernel_w / 2, shape.pad_right = (kernel_w - 1) / 2;
          if (kernel_w == 1 && shape.in_h >= kernel_h && !halo) shape.pad_top = shape.pad_bottom = 0;
          if (options % 8 == 7) shape.batch = 2;
          set_strides(shape);
          if (halo) add_halo(shape);
          check(shape, GetParam(), options, 1 + options % 3);
          ++options;
          if (HasFatalFailure()) return;
        }
}

TEST_P(Bf16ConvolutionOn, SlicesOfLargerBuffers) {
  for (const ConvolutionWeights& weights : all_families(3, 3))
    for (const int which : {0, 1, 2, 3}) {
      ConvolutionShape shape = dense(weights, 6, 7, 1, 1);
      shape.batch = 2;
      if (which != 0) shape.x_stride_w = (weights.groups > 1 ? weights.in_channels : bf16_channels(weights)) + 5;
      shape.x_stride_h = shape.in_w * shape.x_stride_w + (which == 1 ? 3 : 0);
      shape.x_stride_n = shape.in_h * shape.x_stride_h + (which == 2 ? 4 : 0);
      shape.y_stride_w = weights.out_channels + (which == 0 ? 0 : 9);
      shape.y_stride_h = shape.out_w() * shape.y_stride_w + (which == 2 ? 6 : 0);
      shape.y_stride_n = shape.out_h() * shape.y_stride_h + (which == 3 ? 2 : 0);
      for (const int options : {1, 3, 6, 7, 20}) check(shape, GetParam(), options, 2);
      if (HasFatalFailure()) return;
    }
}

TEST_P(Bf16ConvolutionOn, LayersOfNetworksOnManyThreads) {
  for (const int threads : {1, 2, 16}) {
    check(dense({3, 64, 7, 7, 1}, 40, 60, 2, 3), GetParam(), 3, threads);
    ConvolutionShape halo = dense({64, 72, 3, 3, 1}, 14, 14, 1, 1);
    add_halo(halo);
    check(halo, GetParam(), 1, threads);
    check(dense({256, 128, 1, 1, 1}, 14, 14), GetParam(), 2, threads);
    check(dense({256, 512, 1, 1, 1}, 14, 14, 2), GetParam(), 2, threads);
    check(dense({96, 96, 3, 3, 96}, 30, 41, 2, 1), GetParam(), 3, threads);
    if (HasFatalFailure()) return;
  }
}

TEST_P(Bf16ConvolutionOn, ImagesAsFourOfEverySecondPixel) {
  if (!reads_phases({.in_channels = 64, .out_channels = 64, .dtype = DType::bf16}))
    GTEST_SKIP() << "bf16 kernels of this architecture gather rows";
  int options = 0;
  for (const std::int64_t kernel : {1, 2, 3, 4, 5})
    for (const std::int64_t padding : {0, 1, 2})
      for (const std::int64_t channels : {32, 48})
        for (const auto& [height, width] : {std::pair{8, 10}, {14, 14}, {28, 20}})
          for (const bool y_too : {false, true}) {
            if (padding >= kernel) continue;
            ConvolutionShape plain = dense({channels, 40, kernel, kernel, 1}, height, width, 2, padding);
            plain.batch = 1 + options++ % 2;
            if (plain.out_h() * plain.out_w() < 16) continue;
            plain.y_dtype = DType::bf16;
            const Image image = make_image(plain, 51);
            const std::int64_t taps = kernel * kernel, strides[4] = {channels * taps, taps, kernel, 1};
            const std::vector<float> w = whole_numbers(40 * channels * taps, 52), bias = whole_numbers(40, 53);
            const std::vector<std::uint16_t> w_bf16 = to_bf16(w);
            const std::int64_t results = plain.batch * plain.out_h() * plain.out_w() * 40;
            std::vector<std::uint16_t> expected(static_cast<std::size_t>(results));
            ConvolutionArguments arguments;
            arguments.x = image.x, arguments.weights = w_bf16.data(), arguments.y = expected.data();
            arguments.epilogue.bias = bias.data(), arguments.epilogue.low = 0;
            convolution_reference(plain, arguments, strides);

            // Zeros as far as the taps reach: from the first to after the last row or column of a phase.
            ConvolutionShape phases = plain;
            const std::int64_t before = (padding + 1) / 2, reach = kernel - 1 - padding;
            const auto after = [&](std::int64_t in, std::int64_t out) {
              return std::max<std::int64_t>(0, out - 1 + (reach - (reach & 1)) / 2 - (in / 2 - 1));
            };
            const std::int64_t gap_h = std::max(before, after(height, plain.out_h()));
            const std::int64_t gap_w = std::max(before, after(width, plain.out_w()));
            phases.x_halo = true;
            phases.x_stride_h = (width / 2 + gap_w) * channels;
            phases.x_stride_n = (height / 2 + gap_h) * phases.x_stride_h;
            phases.x_stride_phase = plain.batch * phases.x_stride_n;
            const std::int64_t origin = before * (phases.x_stride_h + channels);
            std::vector<std::uint16_t> x(
                static_cast<std::size_t>(origin + 4 * phases.x_stride_phase + gap_w * channels));
            for (std::int64_t n = 0; n < plain.batch; ++n)
              for (std::int64_t h = 0; h < height; ++h)
                for (std::int64_t v = 0; v < width; ++v)
                  std::copy_n(image.x + plain.x_at(n, h, v), channels, &x[origin + phases.x_at(n, h, v)]);
            if (y_too) {
              phases.y_stride_h = (plain.out_w() + 1) / 2 * 40;
              phases.y_stride_n = (plain.out_h() + 1) / 2 * phases.y_stride_h;
              phases.y_stride_phase = plain.batch * phases.y_stride_n;
            }
            const std::int64_t room = y_too ? 4 * phases.y_stride_phase : results;
            std::vector<std::uint16_t> y(static_cast<std::size_t>(room), 0x7fc0);
            const base::AlignedBuffer packed = testing::packed_copy(plain.weights, GetParam(), w.data(), strides);
            arguments.x = x.data() + origin, arguments.weights = packed.data(), arguments.y = y.data();
            run_in_pieces(*make_convolution(phases, GetParam(), 2), arguments, 54);
            for (std::int64_t n = 0; n < plain.batch; ++n)
              for (std::int64_t h = 0; h < plain.out_h(); ++h)
                for (std::int64_t v = 0; v < plain.out_w(); ++v)
                  ASSERT_EQ(std::memcmp(&y[phases.y_at(n, h, v)], &expected[plain.y_at(n, h, v)], 80), 0)
                      << "kernel " << kernel << ", padding " << padding << ", " << height << "x" << width << ", pixel "
                      << n << " " << h << " " << v;
          }
}

TEST_P(Bf16ConvolutionOn, NonFiniteInputsStayInTheirWindows) {
  std::vector<ConvolutionWeights> all = all_families(3, 3);
  for (const std::int64_t kernel : {4, 5, 7}) all.push_back({40, 40, kernel, kernel, 40, DType::bf16});
  for (const ConvolutionWeights& weights : all)
    for (const bool halo : {false, true}) {
      ConvolutionShape shape = dense(weights, 9, 9, 1 + weights.groups % 2, 1);
      if (halo) add_halo(shape);
      const std::int64_t inputs = weights.in_channels / weights.groups, taps = weights.kernel_h * weights.kernel_w;
      const std::int64_t strides[4] = {inputs * taps, taps, weights.kernel_w, 1};
      Image image = make_image(shape, 45);
      auto* x = const_cast<std::uint16_t*>(image.x);
      x[4 * shape.x_stride_h + 4 * shape.x_stride_w] = 0x7fc0;  // NaN
      x[weights.in_channels - 1] = 0x7f80;                      // infinity
      const std::vector<float> w(weights.out_channels * inputs * taps, 1.0f);
      const std::vector<std::uint16_t> w_bf16 = to_bf16(w);
      std::vector<float> expected = guarded(9 * 9 * weights.out_channels), y = expected;
      ConvolutionArguments arguments;
      arguments.x = image.x;
      arguments.weights = w_bf16.data();
      arguments.epilogue.high = 100;
      arguments.y = expected.data();
      convolution_reference(shape, arguments, strides);
      const base::AlignedBuffer packed = testing::packed_copy(weights, GetParam(), w.data(), strides);
      arguments.weights = packed.data();
      arguments.y = y.data();
      run_in_pieces(*make_convolution(shape, GetParam(), 2), arguments, 44);
      SCOPED_TRACE(::testing::Message() << weights.in_channels << " to " << weights.out_channels << ", groups "
                                        << weights.groups << ", halo " << halo);
      testing::expect_same(y, expected);
      if (HasFatalFailure()) return;
    }
}

}  // namespace
}  // namespace wherry::kernels
