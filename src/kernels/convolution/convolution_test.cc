// Convolution: every window kernel alone, then whole convolutions of every family on every instruction set this machine
// has, against the oracle.

#include "kernels/convolution/convolution.h"

#include <gtest/gtest.h>

#include <string>

#include "kernels/convolution/families.h"
#include "kernels/convolution/testing.h"
#include "kernels/convolution/window_kernels.h"
#include "kernels/isa_name.h"
#include "kernels/lanes.h"
#include "kernels/matmul/testing.h"

namespace wherry::kernels {
namespace {

using testing::expect_same;
using testing::extent;
using testing::FakeProgram;
using testing::fractions;
using testing::guarded;
using testing::packed_copy;
using testing::run_in_pieces;
using testing::whole_numbers;

/// One kernel: all pixel counts, channel tails, tap counts (none at all too).
void check_window(WindowKind kind, base::Isa isa, int lanes, int max_pixels) {
  if (!base::runs_here(isa)) GTEST_SKIP() << base::name_of(isa) << " cannot run here";
  if (fixed_length_isa(isa) != isa) GTEST_SKIP() << "vectors are not of " << lanes << " lanes here";
  const WindowKernels& kernels = window_kernels(kind, isa);
  ASSERT_EQ(kernels.lanes, lanes);
  ASSERT_EQ(kernels.max_pixels, max_pixels);
  const bool grouped = kind == WindowKind::grouped;
  const std::int64_t inputs = grouped ? 2 : 1;  // groups of 2 to 1 where grouped
  const std::int64_t groups_per_vector = lanes / inputs;
  std::vector<std::int32_t> index(inputs * lanes);
  for (std::int64_t k = 0; k < inputs; ++k)
    for (std::int64_t lane = 0; lane < groups_per_vector; ++lane)
      index[k * lanes + lane] = static_cast<std::int32_t>(lane * inputs + k);
  for (int pixels = 1; pixels <= max_pixels; ++pixels)
    for (const std::int64_t outputs : {1, 3, lanes - 1, lanes, lanes + 1, 3 * lanes + 2, 11 * lanes + 5})
      for (const std::int64_t taps : {0, 1, 2}) {
        const std::int64_t vectors =
            grouped ? (outputs + groups_per_vector - 1) / groups_per_vector : (outputs + lanes - 1) / lanes;
        const std::int64_t x_pixel = outputs * inputs, y_pixel = outputs + 1;
        const std::vector<float> x = whole_numbers((pixels + 2 * taps) * x_pixel, 1);
        const std::vector<float> values = whole_numbers(vectors * taps * taps * inputs * lanes, 2);
        const std::vector<float> bias = whole_numbers(outputs, 3), residual = whole_numbers(pixels * outputs, 4);
        base::AlignedBuffer packed(values.size() * sizeof(float) + 64);
        float* const weights = reinterpret_cast<float*>(packed.data());
        std::copy(values.begin(), values.end(), weights);
        std::vector<float> y = guarded(pixels * y_pixel), expected = y;
        WindowTask task{};
        task.x = x.data();
        task.taps_h = task.taps_w = taps;
        task.x_tap_h = 2 * x_pixel, task.x_tap_w = x_pixel, task.x_pixel = x_pixel;
        task.weights = weights;
        const std::int64_t tap = grouped ? inputs * lanes : vectors * lanes;
        task.weights_tap_h = taps * tap, task.weights_tap_w = tap;
        task.in_channels = outputs * inputs, task.out_channels = outputs;
        task.bias = taps == 1 ? nullptr : bias.data();
        task.residual = taps == 2 ? residual.data() : nullptr;
        task.residual_pixel = outputs;
        task.y = y.data();
        task.y_pixel = y_pixel;
        task.clamp = taps == 2;
        task.low = -5, task.high = 9;
        task.group_inputs = inputs;
        task.vector_inputs = groups_per_vector * inputs;
        task.vector_outputs = groups_per_vector;
        task.weights_vector = grouped ? taps * taps * inputs * lanes : lanes;
        task.index = index.data();
        kernels.pixels[pixels](task);
        for (int p = 0; p < pixels; ++p)
          for (std::int64_t o = 0; o < outputs; ++o) {
            float sum = task.bias == nullptr ? 0 : bias[o];
            for (std::int64_t i = 0; i < taps; ++i)
              for (std::int64_t j = 0; j < taps; ++j)
                for (std::int64_t k = 0; k < inputs; ++k) {
                  const std::int64_t per_vector = grouped ? groups_per_vector : lanes;
                  const std::int64_t w = o / per_vector * task.weights_vector + i * task.weights_tap_h +
                                         j * task.weights_tap_w + (grouped ? k * lanes : 0) + o % per_vector;
                  sum += x[(p + 2 * i + j) * x_pixel + o * inputs + k] * weights[w];
                }
            if (task.residual != nullptr) sum += residual[p * outputs + o];
            expected[p * y_pixel + o] = task.clamp ? std::clamp(sum, -5.0f, 9.0f) : sum;
          }
        SCOPED_TRACE(::testing::Message() << pixels << " pixels, " << outputs << " outputs, " << taps << " taps");
        expect_same(y, expected);
        if (::testing::Test::HasFatalFailure()) return;
      }
}

/// Row kernels: both strides, all channel tails, both edges inside and outside the image.
void check_rows(base::Isa isa, int lanes, std::int64_t stride) {
  if (!base::runs_here(isa)) GTEST_SKIP() << base::name_of(isa) << " cannot run here";
  if (fixed_length_isa(isa) != isa) GTEST_SKIP() << "vectors are not of " << lanes << " lanes here";
  const WindowKernels& kernels = window_kernels(WindowKind::depthwise, isa);
  for (const std::int64_t taps_h : {2, 3})
    for (std::int64_t pixels = 1; pixels <= 9; ++pixels)
      for (const std::int64_t channels : {1, lanes - 1, lanes, 2 * lanes + 3})
        for (int edges = 0; edges < 4; ++edges) {
          const bool left = edges % 2 == 1, right = edges >= 2;
          const std::int64_t columns = (pixels - 1) * stride + 3 - left - right,
                             padded = (channels + lanes - 1) / lanes * lanes;
          if (columns < 2 - left) continue;  // the first pixel's middle column is always inside
          const std::vector<float> x = whole_numbers(taps_h * columns * channels, 1);
          const std::vector<float> values = whole_numbers(taps_h * 3 * padded, 2);
          const std::vector<float> bias = whole_numbers(channels, 3), residual = whole_numbers(pixels * channels, 4);
          base::AlignedBuffer packed(values.size() * sizeof(float));
          std::copy(values.begin(), values.end(), reinterpret_cast<float*>(packed.data()));
          std::vector<float> y = guarded(pixels * (channels + 1)), expected = y;
          WindowTask task{};
          task.x = x.data() - (left ? channels : 0);
          task.taps_h = taps_h, task.taps_w = 3;
          task.x_tap_h = columns * channels, task.x_tap_w = channels, task.x_pixel = stride * channels;
          task.weights = reinterpret_cast<const float*>(packed.data());
          task.weights_tap_h = 3 * padded, task.weights_tap_w = padded;
          task.in_channels = task.out_channels = channels;
          task.bias = pixels % 2 == 0 ? nullptr : bias.data();
          task.residual = pixels % 3 == 0 ? residual.data() : nullptr;
          task.residual_pixel = channels;
          task.y = y.data();
          task.y_pixel = channels + 1;
          task.clamp = pixels % 4 < 2;
          task.low = -5, task.high = 9;
          task.pixels = pixels;
          task.outside_left = left, task.outside_right = right;
          kernels.rows[stride][taps_h](task);
          for (std::int64_t p = 0; p < pixels; ++p)
            for (std::int64_t o = 0; o < channels; ++o) {
              float sum = task.bias == nullptr ? 0 : bias[o];
              for (std::int64_t i = 0; i < taps_h; ++i)
                for (std::int64_t j = 0; j < 3; ++j) {
                  const std::int64_t column = p * stride + j - left;
                  if (column >= 0 && column < columns)
                    sum += x[(i * columns + column) * channels + o] * values[(i * 3 + j) * padded + o];
                }
              if (task.residual != nullptr) sum += residual[p * channels + o];
              expected[p * (channels + 1) + o] = task.clamp ? std::clamp(sum, -5.0f, 9.0f) : sum;
            }
          SCOPED_TRACE(::testing::Message()
                       << pixels << " pixels, " << channels << " channels, " << taps_h << " taps, edges " << edges);
          expect_same(y, expected);
          if (::testing::Test::HasFatalFailure()) return;
        }
}

class WindowRows : public ::testing::TestWithParam<std::int64_t> {};
INSTANTIATE_TEST_SUITE_P(Stride, WindowRows, ::testing::Values(1, 2));
TEST_P(WindowRows, Scalar) { check_rows(base::Isa::scalar, 4, GetParam()); }
TEST_P(WindowRows, Avx2) { check_rows(base::Isa::avx2, 8, GetParam()); }
TEST_P(WindowRows, Avx512) { check_rows(base::Isa::avx512, 16, GetParam()); }
TEST_P(WindowRows, Neon) { check_rows(base::Isa::neon, 4, GetParam()); }
TEST_P(WindowRows, Sve) { check_rows(base::Isa::sve, 8, GetParam()); }

#define WHERRY_WINDOW(kind, isa, lanes, pixels)                                                        \
  TEST(Window, kind##_##isa) {                                                                         \
    if (base::has_bf16(base::Isa::isa)) GTEST_SKIP() << "bf16_convolution_test.cc tests bf16 kernels"; \
    check_window(WindowKind::kind, base::Isa::isa, lanes, pixels);                                     \
  }
#include "kernels/convolution/kernels.inc"
#undef WHERRY_WINDOW

class ConvolutionOn : public ::testing::TestWithParam<base::Isa> {};
INSTANTIATE_TEST_SUITE_P(Isa, ConvolutionOn, ::testing::ValuesIn(base::runnable_fp32_isas()), isa_name);

/// y must equal the oracle's to the last bit in any partition, and nothing around it may change. x is exactly as long
/// as its last pixel, so that a sanitizer sees any access past it.
void check_exact(const ConvolutionShape& shape, base::Isa isa, int options, int threads) {
  const ConvolutionWeights& sizes = shape.weights;
  if (sizes.winograd != 0 && !winograd_allowed(shape, isa)) return;
  const std::int64_t inputs = sizes.in_channels / sizes.groups;
  const std::vector<float> x = whole_numbers(extent(shape.batch, shape.x_stride_n, shape.in_h, shape.x_stride_h,
                                                    shape.in_w, shape.x_stride_w, sizes.in_channels),
                                             31);
  const std::vector<float> weights = whole_numbers(sizes.out_channels * inputs * sizes.kernel_h * sizes.kernel_w, 32);
  // PyTorch's order, or channels-last weights.
  const std::int64_t taps = sizes.kernel_h * sizes.kernel_w;
  const std::int64_t strides[2][4] = {{inputs * taps, taps, sizes.kernel_w, 1},
                                      {inputs * taps, 1, sizes.kernel_w * inputs, inputs}};
  const std::int64_t* const weight_strides = strides[options % 2];
  const std::int64_t pixels = shape.batch * shape.out_h() * shape.out_w();
  const std::vector<float> bias = whole_numbers(sizes.out_channels, 33);
  const std::vector<float> residual = whole_numbers(pixels * (sizes.out_channels + 3), 34);
  ConvolutionArguments arguments;
  arguments.x = x.data();
  if (options % 2 == 1) arguments.epilogue.bias = bias.data();
  if (options % 3 == 1) {
    arguments.epilogue.residual = residual.data();
    arguments.epilogue.residual_row_stride = sizes.out_channels + 3;
  }
  if (options % 4 >= 2) arguments.epilogue.low = 0;
  if (options % 4 == 3) arguments.epilogue.high = 6;
  const FakeProgram program(shape.y_dtype);
  std::vector<std::int16_t> pixel_operand(pixels);
  for (std::size_t i = 0; i < pixel_operand.size(); ++i) pixel_operand[i] = static_cast<std::int16_t>(i % 17);
  const TileOperand operands[] = {{residual.data(), sizes.out_channels, 1}, {pixel_operand.data(), 1, 0, 2}};
  if (options >= 4) {
    arguments.epilogue.program = &program;
    arguments.epilogue.operands = operands;
    arguments.epilogue.operand_count = 2;
  }
  std::vector<float> expected = guarded(extent(shape.batch, shape.y_stride_n, shape.out_h(), shape.y_stride_h,
                                               shape.out_w(), shape.y_stride_w, sizes.out_channels) +
                                        8);
  std::vector<float> y = expected;
  arguments.y = expected.data();
  arguments.weights = weights.data();
  convolution_reference(shape, arguments, weight_strides);
  const base::AlignedBuffer packed = packed_copy(sizes, isa, weights.data(), weight_strides);
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
                                    << sizes.groups << ", options " << options);
  ASSERT_EQ(std::memcmp(y.data(), expected.data(), y.size() * sizeof(float)) == 0 || options < 4, true);
  if (options < 4) expect_same(y, expected);
}

ConvolutionShape dense(ConvolutionWeights weights, std::int64_t height, std::int64_t width, std::int64_t stride = 1,
                       std::int64_t padding = 0, std::int64_t dilation = 1) {
  ConvolutionShape shape;
  shape.weights = weights;
  shape.in_h = height, shape.in_w = width;
  shape.stride_h = shape.stride_w = stride;
  shape.pad_top = shape.pad_bottom = shape.pad_left = shape.pad_right = padding;
  shape.dilation_h = shape.dilation_w = dilation;
  shape.set_dense_strides();
  return shape;
}

/// Channels and groups that reach every family and its tails.
std::vector<ConvolutionWeights> all_families(std::int64_t kernel_h, std::int64_t kernel_w) {
  std::vector<ConvolutionWeights> all;
  const auto add = [&](std::int64_t in, std::int64_t out, std::int64_t groups) {
    all.push_back({in, out, kernel_h, kernel_w, groups});
  };
  add(1, 1, 1), add(3, 5, 1), add(3, 64, 1), add(17, 33, 1), add(20, 130, 1);  // matmul, stem
  if (kernel_h == 3 && kernel_w == 3) {  // whole numbers stay whole quarters in transforms of tile 2
    for (const auto& [in, out] : {std::pair{1, 1}, {3, 5}, {17, 33}, {20, 130}, {48, 64}}) {
      add(in, out, 1);
      all.back().winograd = 2;
    }
  }
  add(1, 1, 1), add(2, 2, 2), add(16, 16, 16), add(19, 19, 19), add(40, 40, 40), add(150, 150, 150);  // depthwise
  add(6, 12, 6), add(5, 15, 5), add(3, 51, 3);  // depthwise, multiplier
  add(8, 8, 2), add(20, 20, 5), add(32, 32, 8), add(24, 24, 3), add(48, 48, 2), add(64, 32, 4), add(12, 30, 6),
      add(36, 6, 6);  // grouped
  return all;
}

TEST_P(ConvolutionOn, EveryFamilyStridePaddingAndDilation) {
  int options = 0;
  for (const auto& [kernel_h, kernel_w] : {std::pair{1, 1}, {3, 3}, {2, 3}, {1, 5}, {5, 1}})
    for (const ConvolutionWeights& weights : all_families(kernel_h, kernel_w))
      for (const std::int64_t stride : {1, 2, 3})
        for (const std::int64_t padding : {0, 1, 2})
          for (const std::int64_t dilation : {1, 2}) {
            const ConvolutionShape shape = dense(weights, 9, 11, stride, padding, dilation);
            check_exact(shape, GetParam(), options % 8, 1 + options % 3);
            ++options;
            if (HasFatalFailure()) return;
          }
}

TEST_P(ConvolutionOn, PaddingMayDifferOnEverySideAndExceedTheImage) {
  for (const ConvolutionWeights& weights : all_families(3, 4)) {
    ConvolutionShape shape = dense(weights, 2, 3);
    shape.pad_top = 0, shape.pad_bottom = 7, shape.pad_left = 5, shape.pad_right = 1;
    shape.stride_h = 1, shape.stride_w = 2, shape.dilation_w = 2;
    shape.set_dense_strides();
    for (const int options : {0, 3, 5}) check_exact(shape, GetParam(), options, 2);
    shape.dilation_w = 1, shape.batch = 2;
    shape.set_dense_strides();
    for (const int options : {0, 3, 5}) check_exact(shape, GetParam(), options, 2);
    if (HasFatalFailure()) return;
  }
}

TEST_P(ConvolutionOn, SlicesOfLargerBuffers) {
  for (const ConvolutionWeights& weights : all_families(3, 3))
    for (const int which : {0, 1, 2, 3}) {
      ConvolutionShape shape = dense(weights, 6, 7, 1, 1);
      shape.batch = 2;
      if (which != 0) shape.x_stride_w = weights.in_channels + 5;
      shape.x_stride_h = shape.in_w * shape.x_stride_w + (which == 1 ? 3 : 0);
      shape.x_stride_n = shape.in_h * shape.x_stride_h + (which == 2 ? 4 : 0);
      shape.y_stride_w = weights.out_channels + (which == 0 ? 0 : 9);
      shape.y_stride_h = shape.out_w() * shape.y_stride_w + (which == 2 ? 6 : 0);
      shape.y_stride_n = shape.out_h() * shape.y_stride_h + (which == 3 ? 2 : 0);
      for (const int options : {1, 3, 4, 7}) check_exact(shape, GetParam(), options, 2);
      if (HasFatalFailure()) return;
    }
}

TEST_P(ConvolutionOn, ProgramsMayWriteOtherTypes) {
  for (const ConvolutionWeights& weights : all_families(3, 3)) {
    ConvolutionShape shape = dense(weights, 12, 45, 1, 1);
    shape.y_dtype = DType::i16;
    for (const int options : {4, 7}) check_exact(shape, GetParam(), options, 2);
    if (HasFatalFailure()) return;
  }
}

TEST_P(ConvolutionOn, WideImagesAndManyThreads) {
  for (const int threads : {1, 2, 16}) {
    check_exact(dense({3, 32, 7, 7, 1}, 40, 60, 2, 3), GetParam(), 3, threads);
    check_exact(dense({64, 72, 3, 3, 1}, 14, 14, 1, 1), GetParam(), 1, threads);
    check_exact(dense({64, 72, 3, 3, 1, DType::f32, 2}, 14, 14, 1, 1), GetParam(), 1, threads);
    check_exact(dense({64, 72, 3, 3, 1, DType::f32, 2}, 57, 61, 1, 1), GetParam(), 3, threads);
    check_exact(dense({96, 96, 3, 3, 96}, 30, 41, 2, 1), GetParam(), 3, threads);
    check_exact(dense({128, 128, 3, 3, 32}, 14, 14, 1, 1), GetParam(), 3, threads);
    if (HasFatalFailure()) return;
  }
}

/// Depth past the size where it is cut into chunks, both into taps and inside a tap; the tolerance is the error bound
/// of a sum in fp32, depth · 2^-24 · Σ|x||w|, here with every product at most 1.
TEST_P(ConvolutionOn, DeepSumsStayWithinTheErrorBound) {
  for (const ConvolutionWeights& sizes : {ConvolutionWeights{300, 70, 3, 3, 1}, {3000, 40, 2, 1, 1}}) {
    const ConvolutionShape shape = dense(sizes, 6, 7, 1, 1);
    const std::int64_t depth = sizes.in_channels * sizes.kernel_h * sizes.kernel_w;
    const std::int64_t strides[4] = {depth, sizes.kernel_h * sizes.kernel_w, sizes.kernel_w, 1};
    const std::vector<float> x = fractions(shape.in_h * shape.in_w * sizes.in_channels, 41);
    const std::vector<float> weights = fractions(sizes.out_channels * depth, 42);
    std::vector<float> expected = guarded(shape.out_h() * shape.out_w() * sizes.out_channels), y = expected;
    ConvolutionArguments arguments;
    arguments.x = x.data();
    arguments.weights = weights.data();
    arguments.y = expected.data();
    convolution_reference(shape, arguments, strides);
    const base::AlignedBuffer packed = packed_copy(sizes, GetParam(), weights.data(), strides);
    arguments.weights = packed.data();
    arguments.y = y.data();
    run_in_pieces(*make_convolution(shape, GetParam(), 2), arguments, 43);
    // Products of two numbers uniform in [-1, 1) are 1/4 on average in size.
    for (std::size_t i = 0; i < y.size(); ++i)
      ASSERT_NEAR(y[i], expected[i], 0.3 * static_cast<double>(depth * depth) / (1 << 24)) << i;
  }
}

TEST_P(ConvolutionOn, NonFiniteInputsStayInTheirWindows) {
  for (const ConvolutionWeights& weights : all_families(3, 3)) {
    if (weights.winograd != 0) continue;  // reaches further: winograd_test.cc
    const ConvolutionShape shape = dense(weights, 9, 9, 1, 1);
    const std::int64_t inputs = weights.in_channels / weights.groups;
    const std::int64_t strides[4] = {inputs * 9, 9, 3, 1};
    std::vector<float> x(9 * 9 * weights.in_channels, 1.0f);
    x[(4 * 9 + 4) * weights.in_channels] = std::numeric_limits<float>::quiet_NaN();
    x[weights.in_channels - 1] = std::numeric_limits<float>::infinity();
    const std::vector<float> w(weights.out_channels * inputs * 9, 1.0f);
    std::vector<float> expected = guarded(9 * 9 * weights.out_channels), y = expected;
    ConvolutionArguments arguments;
    arguments.x = x.data();
    arguments.weights = w.data();
    arguments.epilogue.high = 100;
    arguments.y = expected.data();
    convolution_reference(shape, arguments, strides);
    const base::AlignedBuffer packed = packed_copy(weights, GetParam(), w.data(), strides);
    arguments.weights = packed.data();
    arguments.y = y.data();
    run_in_pieces(*make_convolution(shape, GetParam(), 2), arguments, 44);
    SCOPED_TRACE(::testing::Message() << weights.in_channels << " to " << weights.out_channels << ", groups "
                                      << weights.groups);
    expect_same(y, expected);
    if (HasFatalFailure()) return;
  }
}

#if defined(__x86_64__)
TEST(Families, FollowFromTheWeights) {
  EXPECT_EQ(family_of({64, 64, 3, 3, 1}, base::Isa::avx512), ConvolutionFamily::implicit_matmul);
  EXPECT_EQ(family_of({64, 64, 3, 3, 64}, base::Isa::avx512), ConvolutionFamily::depthwise);
  EXPECT_EQ(family_of({128, 128, 3, 3, 32}, base::Isa::avx512), ConvolutionFamily::grouped);
  EXPECT_EQ(family_of({256, 256, 3, 3, 32}, base::Isa::avx512), ConvolutionFamily::grouped);
  EXPECT_EQ(family_of({256, 256, 3, 3, 32}, base::Isa::avx2), ConvolutionFamily::implicit_matmul);
  EXPECT_EQ(family_of({512, 512, 3, 3, 32}, base::Isa::avx512), ConvolutionFamily::implicit_matmul);
}
#endif

}  // namespace
}  // namespace wherry::kernels
