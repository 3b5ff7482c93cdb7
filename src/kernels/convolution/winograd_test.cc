// Winograd: the transforms alone against their matrices, then whole convolutions against the oracle. Tile 2 with whole
// numbers is exact, and convolution_test.cc holds it to that; here is what rounds, and what its error is.

#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include "kernels/convolution/convolution.h"
#include "kernels/convolution/families.h"
#include "kernels/convolution/testing.h"
#include "kernels/convolution/winograd_kernels.h"
#include "kernels/isa_name.h"
#include "kernels/lanes.h"
#include "kernels/matmul/testing.h"

namespace wherry::kernels {
namespace {

using testing::FakeProgram;
using testing::fractions;
using testing::from_bf16;
using testing::guarded;
using testing::run_in_pieces;
using testing::to_bf16;
using testing::whole_numbers;

const double kRoot = std::sqrt(2.0);

/// Bᵀ and Aᵀ of F(tile, 3), row by row.
std::vector<std::vector<double>> input_matrix(int tile) {
  if (tile == 2) return {{1, 0, -1, 0}, {0, 1, 1, 0}, {0, -1, 1, 0}, {0, 1, 0, -1}};
  return {{1, 0, -2.5, 0, 1, 0},
          {0, -kRoot, -2, kRoot / 2, 1, 0},
          {0, kRoot, -2, -kRoot / 2, 1, 0},
          {0, -kRoot / 2, -0.5, kRoot, 1, 0},
          {0, kRoot / 2, -0.5, -kRoot, 1, 0},
          {0, 1, 0, -2.5, 0, 1}};
}
std::vector<std::vector<double>> output_matrix(int tile) {
  if (tile == 2) return {{1, 1, 1, 0}, {0, 1, -1, -1}};
  return {{1, 1, 1, 1, 1, 0},
          {0, kRoot / 2, -kRoot / 2, kRoot, -kRoot, 0},
          {0, 0.5, 0.5, 2, 2, 0},
          {0, kRoot / 4, -kRoot / 4, 2 * kRoot, -2 * kRoot, 1}};
}

/// (M d Mᵀ)[i, j] for the square d with `at(row, column)`.
template <typename At>
double sandwich(const std::vector<std::vector<double>>& matrix, std::size_t i, std::size_t j, At&& at) {
  double sum = 0;
  for (std::size_t r = 0; r < matrix[i].size(); ++r)
    for (std::size_t c = 0; c < matrix[j].size(); ++c) sum += matrix[i][r] * matrix[j][c] * at(r, c);
  return sum;
}

/// The three matrices make a convolution: Aᵀ[(G g Gᵀ) ⊙ (Bᵀ d B)]A in fp64.
TEST(Winograd, MatricesMakeAConvolution) {
  for (const int tile : {2, 4}) {
    const auto n = static_cast<std::size_t>(tile + 2);
    const std::vector<float> d = fractions(36, 1), g = fractions(9, 2);
    double filter[9], u[36], m[36];
    std::copy(g.begin(), g.end(), filter);
    winograd_filter(tile, filter, u);
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t j = 0; j < n; ++j)
        m[i * n + j] = u[i * n + j] * sandwich(input_matrix(tile), i, j, [&](auto r, auto c) { return d[r * n + c]; });
    for (std::size_t i = 0; i < n - 2; ++i)
      for (std::size_t j = 0; j < n - 2; ++j) {
        double expected = 0;
        for (std::size_t k = 0; k < 9; ++k) expected += double{g[k]} * d[(i + k / 3) * n + j + k % 3];
        EXPECT_NEAR(sandwich(output_matrix(tile), i, j, [&](auto r, auto c) { return m[r * n + c]; }), expected, 1e-14);
      }
  }
}

/// Both ways to name pixels, all channel tails; what lies past the channels is zero, up to a vector, and no further.
void check_input(base::Isa isa, int lanes, int tile) {
  if (!base::runs_here(isa)) GTEST_SKIP() << base::name_of(isa) << " cannot run here";
  if (fixed_length_isa(isa) != isa) GTEST_SKIP() << "vectors are not of " << lanes << " lanes here";
  const WinogradKernels& kernels = winograd_kernels(tile, isa);
  const bool bf16 = base::has_bf16(isa);
  ASSERT_EQ(kernels.lanes, lanes);
  ASSERT_EQ(kernels.tile, tile);
  const auto n = static_cast<std::size_t>(tile + 2);
  for (std::int64_t channels = 1; channels <= 2 * lanes + 1; ++channels)
    for (const bool named : {false, true}) {
      const std::int64_t padded = (channels + lanes - 1) / lanes * lanes, stride = padded + 3;
      const std::int64_t pixel = channels + 1, row = static_cast<std::int64_t>(n) * pixel + 2;
      std::vector<float> x = fractions(static_cast<std::int64_t>(n - 1) * (row + pixel) + channels, 3);
      const std::vector<std::uint16_t> x_bf16 = to_bf16(x);
      if (bf16) x = from_bf16(x_bf16);
      std::vector<const float*> pixels;
      std::vector<const void*> named_pixels;
      for (std::size_t i = 0; i < n; ++i)
        for (std::size_t j = 0; j < n; ++j) {
          const std::size_t at = i * static_cast<std::size_t>(row) + j * static_cast<std::size_t>(pixel);
          pixels.push_back(&x[at]);
          named_pixels.push_back(bf16 ? static_cast<const void*>(&x_bf16[at]) : &x[at]);
        }
      std::vector<float> v = guarded(static_cast<std::int64_t>(n * n) * stride);
      kernels.input({named ? named_pixels.data() : nullptr, named_pixels[0], row, pixel, channels, v.data(), stride});
      for (std::size_t f = 0; f < n * n; ++f)
        for (std::int64_t c = 0; c < stride; ++c) {
          const float got = v[f * stride + c];
          if (c >= padded) {
            ASSERT_EQ(got, guarded(1)[0]);
          } else if (c >= channels) {
            ASSERT_EQ(got, 0.0f);
          } else {
            const double expected =
                sandwich(input_matrix(tile), f / n, f % n, [&](auto i, auto j) { return pixels[i * n + j][c]; });
            ASSERT_NEAR(got, expected, 4e-6) << "frequency " << f << ", channel " << c << " of " << channels;
          }
        }
    }
}

/// Every number of outputs, all channel tails, with and without bias, residual and clamp.
void check_output(base::Isa isa, int lanes, int tile) {
  if (!base::runs_here(isa)) GTEST_SKIP() << base::name_of(isa) << " cannot run here";
  if (fixed_length_isa(isa) != isa) GTEST_SKIP() << "vectors are not of " << lanes << " lanes here";
  const WinogradKernels& kernels = winograd_kernels(tile, isa);
  const auto n = static_cast<std::size_t>(tile + 2);
  // Of 3: residual in bf16; of 4: y too.
  const int kinds = base::has_bf16(isa) ? 5 : 3;
  for (const std::int64_t channels : {1, 3, lanes, lanes + 1, 2 * lanes})
    for (std::int64_t rows = 1; rows <= tile; ++rows)
      for (std::int64_t columns = 1; columns <= tile; ++columns)
        for (int options = 0; options < kinds; ++options) {
          const std::int64_t stride = 2 * lanes + 1, pixel = channels + 2, row = 7 * pixel;
          const std::vector<float> m = fractions(static_cast<std::int64_t>(n * n) * stride, 4);
          const std::vector<float> bias = fractions(channels, 5);
          std::vector<float> residual = fractions((rows - 1) * row + columns * pixel, 6);
          const std::vector<std::uint16_t> residual_bf16 = to_bf16(residual);
          std::vector<float> y = guarded(rows * row), expected = y;
          std::vector<std::uint16_t> y_bf16 = to_bf16(y);
          WinogradOutputTask task{.m = m.data(),
                                  .m_stride = stride,
                                  .rows = rows,
                                  .columns = columns,
                                  .channels = channels,
                                  .bias = options >= 1 ? bias.data() : nullptr,
                                  .residual = nullptr,
                                  .residual_is_bf16 = options >= 3,
                                  .y_is_bf16 = options == 4,
                                  .residual_row = row,
                                  .residual_pixel = pixel,
                                  .y = y.data(),
                                  .y_row = row,
                                  .y_pixel = pixel,
                                  .clamp = options >= 2,
                                  .low = -0.5f,
                                  .high = 1.0f};
          if (options >= 2) task.residual = residual.data();
          if (options >= 3) residual = from_bf16(residual_bf16), task.residual = residual_bf16.data();
          if (options == 4) task.y = y_bf16.data();
          kernels.output(task);
          for (std::int64_t i = 0; i < rows; ++i)
            for (std::int64_t j = 0; j < columns; ++j)
              for (std::int64_t o = 0; o < channels; ++o) {
                double sum = sandwich(output_matrix(tile), static_cast<std::size_t>(i), static_cast<std::size_t>(j),
                                      [&](auto r, auto c) { return m[(r * n + c) * stride + o]; });
                if (options >= 1) sum += bias[o];
                if (options >= 2) sum = std::clamp(sum + residual[i * row + j * pixel + o], -0.5, 1.0);
                expected[i * row + j * pixel + o] = static_cast<float>(sum);
              }
          if (options == 4) y = from_bf16(y_bf16), expected = from_bf16(to_bf16(expected));
          // A sum that rounding takes to the next bf16 number is half a step off at most.
          const double tolerance = options == 4 ? 0x1p-8 : 2e-5;
          for (std::size_t i = 0; i < y.size(); ++i)
            ASSERT_NEAR(y[i], expected[i], tolerance)
                << rows << "x" << columns << " outputs, " << channels << " channels";
        }
}

#define WHERRY_WINOGRAD(isa, lanes, tile)                                            \
  TEST(Winograd, isa##_##tile##_input) { check_input(base::Isa::isa, lanes, tile); } \
  TEST(Winograd, isa##_##tile##_output) { check_output(base::Isa::isa, lanes, tile); }
#include "kernels/convolution/winograd_kernels.inc"
#undef WHERRY_WINOGRAD

class WinogradOn : public ::testing::TestWithParam<base::Isa> {};
INSTANTIATE_TEST_SUITE_P(Isa, WinogradOn, ::testing::ValuesIn(base::runnable_fp32_isas()), isa_name);

struct Problem {
  ConvolutionShape shape;
  std::vector<float> x, weights;
  std::int64_t strides[4];
};

Problem problem(std::int64_t in, std::int64_t out, std::int64_t height, std::int64_t width, std::int64_t padding,
                int tile) {
  Problem result;
  ConvolutionShape& shape = result.shape;
  shape.weights = {in, out, 3, 3, 1, DType::f32, tile};
  shape.in_h = height, shape.in_w = width;
  shape.pad_top = shape.pad_bottom = shape.pad_left = shape.pad_right = padding;
  shape.set_dense_strides();
  result.x = fractions(height * width * in, 11);
  result.weights = fractions(out * in * 9, 12);
  const std::int64_t strides[4] = {in * 9, 9, 3, 1};
  std::copy(strides, strides + 4, result.strides);
  return result;
}

std::vector<float> run(const Problem& problem, ConvolutionArguments arguments, base::Isa isa, int threads) {
  const ConvolutionShape& shape = problem.shape;
  const base::AlignedBuffer packed = testing::packed_copy(shape.weights, isa, problem.weights.data(), problem.strides);
  std::vector<float> y = guarded((shape.batch - 1) * shape.y_stride_n + (shape.out_h() - 1) * shape.y_stride_h +
                                 shape.out_w() * shape.y_stride_w + 8);
  arguments.x = problem.x.data();
  arguments.weights = packed.data();
  arguments.y = y.data();
  run_in_pieces(*make_convolution(shape, isa, threads), arguments, 13);
  return y;
}

std::vector<float> oracle(const Problem& problem, ConvolutionArguments arguments) {
  const ConvolutionShape& shape = problem.shape;
  std::vector<float> y = guarded((shape.batch - 1) * shape.y_stride_n + (shape.out_h() - 1) * shape.y_stride_h +
                                 shape.out_w() * shape.y_stride_w + 8);
  arguments.x = problem.x.data();
  arguments.weights = problem.weights.data();
  arguments.y = y.data();
  convolution_reference(shape, arguments, problem.strides);
  return y;
}

/// Largest difference, relative to the largest value expected.
double error_of(const std::vector<float>& y, const std::vector<float>& expected) {
  double error = 0, largest = 0;
  for (std::size_t i = 0; i < y.size(); ++i) {
    if (expected[i] == guarded(1)[0]) {
      EXPECT_EQ(y[i], expected[i]) << "written outside y, at " << i;
      continue;
    }
    error = std::max(error, std::fabs(double{y[i]} - double{expected[i]}));
    largest = std::max(largest, std::fabs(double{expected[i]}));
  }
  return error / largest;
}

/// The error grows with the square root of the channels, as roundings are independent, and so do the outputs: relative
/// to the largest output it stays level. Measured over these shapes: at most 1.1e-6 (tile 2) and 3.1e-6 (tile 4).
constexpr double kTolerance2 = 4e-6, kTolerance4 = 12e-6;

TEST_P(WinogradOn, ErrorIsSmallForEveryShapeAndEpilogue) {
  int options = 0;
  double worst[5] = {};
  for (const int tile : {0, 2, 4})  // 0 for comparison
    for (const auto& [in, out] : {std::pair{1, 1}, {3, 70}, {16, 16}, {33, 17}, {64, 96}})
      for (const auto& [height, width] : {std::pair{1, 1}, {2, 3}, {4, 4}, {5, 9}, {7, 7}, {13, 22}})
        for (const std::int64_t padding : {0, 1, 2}) {
          if (height + 2 * padding < 3 || width + 2 * padding < 3) continue;
          Problem each = problem(in, out, height, width, padding, tile);
          const std::int64_t pixels = each.shape.out_h() * each.shape.out_w();
          const std::vector<float> bias = fractions(out, 14), residual = fractions(pixels * (out + 3), 15);
          ConvolutionArguments arguments;
          if (options % 2 == 1) arguments.epilogue.bias = bias.data();
          if (options % 3 == 1) arguments.epilogue.residual = residual.data();
          arguments.epilogue.residual_row_stride = out + 3;
          if (options % 5 == 1) arguments.epilogue.low = 0;
          if (options % 7 == 1) arguments.epilogue.high = 6;
          const FakeProgram program(DType::f32);
          std::vector<std::int16_t> pixel_operand(static_cast<std::size_t>(pixels), 1);
          const TileOperand operands[] = {{residual.data(), out, 1}, {pixel_operand.data(), 1, 0, 2}};
          if (options % 4 == 3) {
            arguments.epilogue.program = &program;
            arguments.epilogue.operands = operands;
            arguments.epilogue.operand_count = 2;
          }
          if (options % 6 == 5) {  // a slice of something larger
            each.shape.y_stride_w = out + 5;
            each.shape.y_stride_h = each.shape.out_w() * each.shape.y_stride_w + 7;
          }
          ++options;
          SCOPED_TRACE(::testing::Message() << "tile " << tile << ": " << height << "x" << width << "x" << in << " to "
                                            << out << ", padding " << padding << ", options " << options);
          const double error = error_of(run(each, arguments, GetParam(), 1 + options % 3), oracle(each, arguments));
          EXPECT_LE(error, tile == 4 ? kTolerance4 : kTolerance2);
          worst[tile] = std::max(worst[tile], error);
          if (HasFailure()) return;
        }
  std::printf("largest errors: plain sums %.2g, tile 2 %.2g, tile 4 %.2g\n", worst[0], worst[2], worst[4]);
}

TEST_P(WinogradOn, BatchesManyChannelsAndThreads) {
  for (const int tile : {2, 4})
    for (const int threads : {1, 2, 5}) {
      Problem each = problem(200, 130, 15, 18, 1, tile);
      each.shape.batch = 3;
      each.shape.x_stride_n = 15 * each.shape.x_stride_h + 40;
      each.shape.y_stride_n += 24;
      each.x = fractions(3 * each.shape.x_stride_n, 16);
      const ConvolutionArguments none;
      EXPECT_LE(error_of(run(each, none, GetParam(), threads), oracle(each, none)),
                tile == 2 ? kTolerance2 : kTolerance4);
    }
}

/// A NaN or an infinity reaches at most the outputs of the tiles that read it, and at least those it belongs to.
TEST_P(WinogradOn, NonFiniteInputsStayInTheirTiles) {
  for (const int tile : {2, 4})
    for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
      Problem each = problem(20, 24, 20, 20, 1, tile);
      const ConvolutionArguments none;
      const std::vector<float> expected = oracle(each, none);
      each.x[static_cast<std::size_t>((9 * 20 + 10) * 20 + 3)] = bad;
      const std::vector<float> y = run(each, none, GetParam(), 2);
      for (std::int64_t oh = 0; oh < 20; ++oh)
        for (std::int64_t ow = 0; ow < 20; ++ow) {
          const std::int64_t first_h = oh / tile * tile - 1, first_w = ow / tile * tile - 1;
          const bool reads = first_h <= 9 && 9 < first_h + tile + 2 && first_w <= 10 && 10 < first_w + tile + 2;
          const bool belongs = std::abs(oh - 9) <= 1 && std::abs(ow - 10) <= 1;
          for (std::int64_t o = 0; o < 24; ++o) {
            const std::size_t at = static_cast<std::size_t>((oh * 20 + ow) * 24 + o);
            if (belongs) {
              EXPECT_FALSE(std::isfinite(y[at])) << oh << ", " << ow;
            } else if (!reads) {
              EXPECT_NEAR(y[at], expected[at], 1e-4) << oh << ", " << ow;
            }
          }
        }
    }
}

class Bf16WinogradOn : public ::testing::TestWithParam<base::Isa> {};
INSTANTIATE_TEST_SUITE_P(Isa, Bf16WinogradOn, ::testing::ValuesIn(testing::bf16_isas()), isa_name);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(Bf16WinogradOn);

/// Images in bf16 on the way in and out, and residuals: what lies between is fp32, so that the result is the fp32 one
/// of the same numbers, rounded once.
TEST_P(Bf16WinogradOn, IsTheFp32OneRounded) {
  if (!base::has_bf16(bf16_winograd_isa(GetParam()))) GTEST_SKIP() << "no transforms of bf16 images here";
  int options = 0;
  for (const int tile : {2, 4})
    for (const auto& [in, out] : {std::pair{16, 16}, {33, 17}, {64, 96}})
      for (const auto& [height, width] : {std::pair{1, 1}, {4, 4}, {5, 9}, {13, 22}})
        for (const bool y_is_bf16 : {true, false}) {
          Problem each = problem(in, out, height, width, 1, tile);
          each.shape.batch = 1 + options % 2;
          each.x = fractions(each.shape.batch * each.shape.x_stride_n, 21);
          const std::vector<std::uint16_t> x = to_bf16(each.x);
          each.x = from_bf16(x);
          const std::int64_t pixels = each.shape.batch * each.shape.out_h() * each.shape.out_w();
          const std::vector<float> bias = fractions(out, 22);
          std::vector<float> residual = fractions(pixels * (out + 3), 23);
          const std::vector<std::uint16_t> residual_bf16 = to_bf16(residual);
          residual = from_bf16(residual_bf16);
          ConvolutionArguments arguments;
          arguments.epilogue.bias = bias.data();
          arguments.epilogue.residual_row_stride = out + 3;
          if (options % 3 > 0) arguments.epilogue.residual = residual.data();
          if (options % 4 == 1) arguments.epilogue.low = 0;
          const FakeProgram program(DType::f32);
          const std::vector<std::int16_t> pixel_operand(static_cast<std::size_t>(pixels), 1);
          const TileOperand operands[] = {{residual.data(), out, 1}, {pixel_operand.data(), 1, 0, 2}};
          if (!y_is_bf16 && options % 5 == 2) {
            arguments.epilogue.program = &program;
            arguments.epilogue.operands = operands;
            arguments.epilogue.operand_count = 2;
          }
          std::vector<float> expected = run(each, arguments, base::fp32_isa(GetParam()), 2);

          ConvolutionShape shape = each.shape;
          shape.weights.dtype = DType::bf16;
          if (y_is_bf16) shape.y_dtype = DType::bf16;
          const base::AlignedBuffer packed =
              testing::packed_copy(shape.weights, GetParam(), each.weights.data(), each.strides);
          std::vector<float> y = guarded(static_cast<std::int64_t>(expected.size()));
          std::vector<std::uint16_t> y_bf16 = to_bf16(y);
          arguments.x = x.data();
          arguments.weights = packed.data();
          arguments.y = y_is_bf16 ? static_cast<void*>(y_bf16.data()) : y.data();
          if (options % 3 == 2) {
            arguments.epilogue.residual = residual_bf16.data();
            arguments.epilogue.residual_dtype = DType::bf16;
          }
          SCOPED_TRACE(::testing::Message() << "tile " << tile << ": " << height << "x" << width << "x" << in << " to "
                                            << out << ", options " << options);
          run_in_pieces(*make_convolution(shape, GetParam(), 1 + options % 3), arguments, 17);
          if (y_is_bf16) y = from_bf16(y_bf16), expected = from_bf16(to_bf16(expected));
          // Blocks differ with the number of threads, and with them no sum.
          testing::expect_same(y, expected);
          ++options;
          if (HasFailure()) return;
        }
}

#if defined(__x86_64__)
TEST(Winograd, IsChosenWhereItApplies) {
  const auto chosen = [](std::int64_t channels, std::int64_t size) {
    return choose_winograd(problem(channels, channels, size, size, 1, 0).shape, base::Isa::avx512);
  };
  EXPECT_EQ(chosen(64, 56), 4);
  EXPECT_EQ(chosen(128, 28), 4);
  EXPECT_EQ(chosen(256, 14), 2);
  EXPECT_EQ(chosen(512, 7), 0);  // a few pixels do not pay for streaming weights nearly twice as large
  EXPECT_EQ(chosen(3, 224), 0);
  ConvolutionShape shape = problem(64, 64, 56, 56, 1, 0).shape;
  shape.stride_w = 2;
  EXPECT_EQ(choose_winograd(shape, base::Isa::avx512), 0);
  shape.stride_w = 1, shape.dilation_h = 2;
  EXPECT_EQ(choose_winograd(shape, base::Isa::avx512), 0);
  shape.dilation_h = 1, shape.weights.groups = 2;
  EXPECT_EQ(choose_winograd(shape, base::Isa::avx512), 0);
  shape.weights.groups = 1, shape.weights.dtype = DType::bf16;
  EXPECT_EQ(choose_winograd(shape, base::Isa::amx), 0);  // tiles are faster than fewer fp32 products
  EXPECT_EQ(choose_winograd(shape, base::Isa::avx512_bf16), 4);
  shape.y_stride_phase = 1;
  EXPECT_EQ(choose_winograd(shape, base::Isa::avx512_bf16), 0);
}

TEST(Winograd, PackedFormsHaveNamesOfTheirOwn) {
  ConvolutionWeights weights{64, 64, 3, 3, 1};
  const std::string direct(packed_format(weights, base::Isa::avx512));
  weights.winograd = 2;
  const std::string small(packed_format(weights, base::Isa::avx512));
  EXPECT_EQ(packed_bytes(weights, base::Isa::avx512), std::size_t{16 * 64 * 64 * 4});
  weights.winograd = 4;
  EXPECT_EQ(packed_format(weights, base::Isa::avx512), "f32_winograd4_panel32");
  EXPECT_NE(small, direct);
  EXPECT_EQ(small, "f32_winograd2_panel32");
}
#endif

}  // namespace
}  // namespace wherry::kernels
