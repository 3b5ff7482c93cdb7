// fp32 matmul whose numbers are multiplied in bf16 parts, against its oracle. Whole numbers that take all 24 bits make
// sums that are exact: a part left out or taken twice cannot hide. Fractions must come as near as fp32 products do.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "kernels/isa_name.h"
#include "kernels/matmul/matmul.h"
#include "kernels/matmul/testing.h"

namespace wherry::kernels {
namespace {

using testing::expect_same;
using testing::fractions;
using testing::isas_of_parts;
using testing::packed_product;
using testing::reference_product;
using testing::whole_numbers;

class PartsMatmulOn : public ::testing::TestWithParam<base::Isa> {};
INSTANTIATE_TEST_SUITE_P(Isa, PartsMatmulOn, ::testing::ValuesIn(isas_of_parts()), isa_name);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(PartsMatmulOn);

TEST(PartsMatmul, RunsWhereTilesAre) {
  EXPECT_FALSE(multiplies_parts(base::Isa::scalar));
  if (isas_of_parts().empty()) GTEST_SKIP() << "no instruction set here multiplies parts (AMX does)";
  EXPECT_EQ(isas_of_parts(), std::vector{base::Isa::amx});
}

TEST_P(PartsMatmulOn, PreferredWhereWorkOutweighsWeights) {
  const auto prefers = [](std::int64_t rows, std::int64_t depth, std::int64_t columns) {
    return prefers_parts(GetParam(), rows, depth, columns);
  };
  for (const std::int64_t rows : {64, 128, 4096}) {
    EXPECT_TRUE(prefers(rows, 768, 768)) << rows;
    EXPECT_TRUE(prefers(rows, 768, 3072)) << rows;
    EXPECT_TRUE(prefers(rows, 3072, 768)) << rows;
  }
  for (const std::int64_t rows : {0, 1, 8, 16, 24}) EXPECT_FALSE(prefers(rows, 768, 3072)) << rows;
  EXPECT_FALSE(prefers(3136, 16, 96)) << "half a step of depth";
  EXPECT_FALSE(prefers(3136, 256, 8)) << "numbers are taken apart for half a tile of columns";
  EXPECT_FALSE(prefers(128, 0, 768));
  EXPECT_FALSE(prefers(128, 768, 0));
  EXPECT_FALSE(prefers_parts(base::Isa::avx512, 128, 768, 768));
}

MatmulShape dense(std::int64_t rows, std::int64_t depth, std::int64_t columns) {
  MatmulShape shape = testing::dense_product(rows, depth, columns);
  shape.in_parts = true;
  return shape;
}

/// Of 18 bits, the lowest set, so that all three parts count. Sums of a few, times small numbers, are exact in fp32.
std::vector<float> long_numbers(std::int64_t count, unsigned seed) {
  std::vector<float> values = whole_numbers(count, seed);
  for (float& value : values) value = value == 0 ? 0 : std::copysign(0x1p17f + std::abs(value) * 0x1p9f + 1, value);
  return values;
}

TEST_P(PartsMatmulOn, SizesAroundEveryTileStepAndPanel) {
  for (const std::int64_t rows : {1, 2, 3, 4, 15, 16, 17, 31, 32, 33, 70})
    for (const std::int64_t columns : {1, 15, 16, 17, 32, 33, 65})
      for (const std::int64_t depth : {1, 2, 31, 32, 33, 64, 150}) {
        // One long number a row, or a column: its products are exact, and so are sums with small ones.
        std::vector<float> a = whole_numbers(rows * depth, 5), b = whole_numbers(depth * columns, 6);
        const std::vector<float> lengths = long_numbers(rows + columns, 7);
        const bool long_a = (rows + columns) % 2 == 0;
        if (long_a)
          for (std::int64_t r = 0; r < rows; ++r)
            a[static_cast<std::size_t>(r * depth + r % depth)] = lengths[static_cast<std::size_t>(r)];
        else
          for (std::int64_t j = 0; j < columns; ++j)
            b[static_cast<std::size_t>(j % depth * columns + j)] = lengths[static_cast<std::size_t>(j)];
        const std::vector<float> bias = whole_numbers(columns, 8);
        MatmulArguments arguments;
        arguments.a = a.data();
        arguments.epilogue.bias = rows % 2 == 0 ? nullptr : bias.data();
        const MatmulShape shape = dense(rows, depth, columns);
        SCOPED_TRACE(::testing::Message() << rows << "x" << depth << "x" << columns);
        expect_same(packed_product(shape, GetParam(), arguments, b, rows * columns),
                    reference_product(shape, arguments, b, rows * columns));
        if (HasFatalFailure()) return;
      }
}

/// The largest error relative to the sum of the products' magnitudes.
double error_of(const std::vector<float>& found, const std::vector<float>& expected, const std::vector<float>& a,
                const std::vector<float>& b, const MatmulShape& shape) {
  double worst = 0;
  for (std::int64_t r = 0; r < shape.rows; ++r)
    for (std::int64_t j = 0; j < shape.columns; ++j) {
      double magnitude = 0;
      for (std::int64_t k = 0; k < shape.depth; ++k)
        magnitude += std::abs(static_cast<double>(a[static_cast<std::size_t>(r * shape.depth + k)]) *
                              b[static_cast<std::size_t>(k * shape.columns + j)]);
      const auto at = static_cast<std::size_t>(r * shape.columns + j);
      worst = std::max(worst, std::abs(static_cast<double>(found[at]) - expected[at]) / magnitude);
    }
  return worst;
}

TEST_P(PartsMatmulOn, RoundsNoMoreThanFp32Does) {
  for (const std::int64_t depth : {96, 768, 3072}) {
    MatmulShape shape = dense(48, depth, 40);
    const std::vector<float> a = fractions(shape.rows * depth, 21), b = fractions(depth * shape.columns, 22);
    MatmulArguments arguments;
    arguments.a = a.data();
    const std::vector<float> expected = reference_product(shape, arguments, b, shape.rows * shape.columns);
    const double in_parts =
        error_of(packed_product(shape, GetParam(), arguments, b, shape.rows * shape.columns), expected, a, b, shape);
    shape.in_parts = false;
    const double in_fp32 = error_of(packed_product(shape, base::Isa::avx512, arguments, b, shape.rows * shape.columns),
                                    expected, a, b, shape);
    EXPECT_LT(in_parts, 1.5 * in_fp32) << depth;
    EXPECT_LT(in_parts, 1e-7) << depth;
    RecordProperty(fmt::format("parts_{}", depth), fmt::format("{:.2e}", in_parts));
    RecordProperty(fmt::format("fp32_{}", depth), fmt::format("{:.2e}", in_fp32));
  }
}

TEST_P(PartsMatmulOn, HoweverTheWorkIsCut) {
  const MatmulShape shape = dense(150, 400, 90);
  const std::vector<float> a = fractions(shape.rows * shape.depth, 23), b = fractions(shape.depth * shape.columns, 24);
  MatmulArguments arguments;
  arguments.a = a.data();
  const std::vector<float> once = packed_product(shape, GetParam(), arguments, b, shape.rows * shape.columns);
  for (const Choice& choice : make_matmul(shape, GetParam(), 2)->candidates())
    expect_same(packed_product(shape, GetParam(), arguments, b, shape.rows * shape.columns, 2, choice), once);
}

TEST_P(PartsMatmulOn, StridesBatchesResidualsAndPrograms) {
  for (const std::int64_t rows : {5, 40})
    for (const bool with_program : {false, true}) {
      const std::int64_t outer = 3, depth = 48, columns = 37;
      MatmulShape shape = dense(rows, depth, columns);
      shape.batch = {1, outer, 1, 1};
      shape.a_row_stride = depth + 5;
      shape.a_batch_strides = {0, rows * shape.a_row_stride, 0, 0};
      shape.b_depth_stride = 1, shape.b_column_stride = depth + 1;
      shape.c_row_stride = columns + 11;
      shape.c_batch_strides = {0, rows * shape.c_row_stride, 0, 0};
      const std::int64_t c_elements = outer * rows * shape.c_row_stride;
      const std::vector<float> a = whole_numbers((outer * rows - 1) * shape.a_row_stride + depth, 8);
      const std::vector<float> b = whole_numbers((columns - 1) * shape.b_column_stride + depth, 9);
      const std::vector<float> addend = whole_numbers(rows * columns, 10);
      std::vector<std::int16_t> numbers(static_cast<std::size_t>(rows));
      for (std::size_t i = 0; i < numbers.size(); ++i) numbers[i] = static_cast<std::int16_t>(i);
      MatmulArguments arguments;
      arguments.a = a.data();
      const testing::FakeProgram program(DType::f32);
      const TileOperand operands[] = {{addend.data(), columns, 1}, {numbers.data(), 1, 0, 2}};
      if (with_program) {
        arguments.epilogue.program = &program;
        arguments.epilogue.operands = operands;
        arguments.epilogue.operand_count = 2;
      } else {
        arguments.epilogue.residual = addend.data();
        arguments.epilogue.residual_row_stride = columns;
        arguments.epilogue.low = 0, arguments.epilogue.high = 60;
      }
      SCOPED_TRACE(::testing::Message() << rows << " program " << with_program);
      expect_same(packed_product(shape, GetParam(), arguments, b, c_elements),
                  reference_product(shape, arguments, b, c_elements));
      if (HasFatalFailure()) return;
    }
}

TEST_P(PartsMatmulOn, NumbersAtTheEndsOfTheRange) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity(), kLargest = std::numeric_limits<float>::max();
  const std::int64_t rows = 20, depth = 40, columns = 18;
  std::vector<float> a(rows * depth, 1.0f), b(depth * columns, 0.7f);
  for (std::int64_t j = 0; j < columns; ++j) b[static_cast<std::size_t>(5 * columns + j)] = j % 2 == 0 ? -0.3f : 0.3f;
  a[3 * depth] = std::numeric_limits<float>::quiet_NaN();
  a[4 * depth + 5] = kInfinity;
  a[5 * depth + 5] = -kInfinity;
  a[6 * depth + 5] = kInfinity, a[6 * depth + 6] = -kInfinity;  // some columns' infinities meet, and are no number
  a[7 * depth + 39] = kLargest;
  a[8 * depth + 39] = -kLargest;
  a[9 * depth + 1] = 1e-40f;  // a denormal vanishes beside 1
  const MatmulShape shape = dense(rows, depth, columns);
  MatmulArguments arguments;
  arguments.a = a.data();
  const std::vector<float> expected = reference_product(shape, arguments, b, rows * columns);
  const std::vector<float> found = packed_product(shape, GetParam(), arguments, b, rows * columns);
  for (std::size_t i = 0; i < found.size(); ++i) {
    if (std::isfinite(expected[i]))
      EXPECT_NEAR(found[i], expected[i], 1e-6 * std::abs(expected[i])) << i;
    else
      EXPECT_EQ(std::isnan(found[i]) ? 0 : found[i], std::isnan(expected[i]) ? 0 : expected[i]) << i;
  }
  // Weights that are infinite, or no numbers, spoil their own columns.
  b[2 * columns + 3] = kInfinity;
  b[2 * columns + 9] = std::numeric_limits<float>::quiet_NaN();
  const std::vector<float> spoilt = packed_product(shape, GetParam(), arguments, b, rows * columns);
  for (std::int64_t i = 0; i < rows * columns; ++i) {
    const auto at = static_cast<std::size_t>(i);
    if (i % columns == 3 || i % columns == 9)
      EXPECT_FALSE(std::isfinite(spoilt[at])) << i;
    else
      EXPECT_EQ(std::isnan(spoilt[at]) ? 0 : spoilt[at], std::isnan(found[at]) ? 0 : found[at]) << i;
  }
}

}  // namespace
}  // namespace wherry::kernels
