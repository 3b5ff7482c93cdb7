// Strassen's algorithm against the oracle: exactly where all sums are whole numbers, within a bound where they round,
// and how far what is no number spreads.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>

#include "kernels/isa_name.h"
#include "kernels/matmul/matmul.h"
#include "kernels/matmul/testing.h"
#include "kernels/matmul/tile_kernels.h"

namespace wherry::kernels {
namespace {

using testing::expect_same;
using testing::fractions;
using testing::guarded;
using testing::packed_product;
using testing::reference_product;
using testing::run_in_pieces;
using testing::whole_numbers;

class StrassenOn : public ::testing::TestWithParam<base::Isa> {
 protected:
  /// Columns that one pair of vectors has.
  static std::int64_t pair() { return 2 * tile_kernels(GetParam()).lanes; }
};
INSTANTIATE_TEST_SUITE_P(Isa, StrassenOn, ::testing::ValuesIn(base::runnable_fp32_isas()), isa_name);

MatmulShape dense(std::int64_t rows, std::int64_t depth, std::int64_t columns) {
  MatmulShape shape = testing::dense_product(rows, depth, columns);
  shape.strassen = true;
  return shape;
}

TEST_P(StrassenOn, PreferredWhereProductsOutweighSums) {
  const auto prefers = [](std::int64_t rows, std::int64_t depth, std::int64_t columns) {
    return prefers_strassen(GetParam(), rows, depth, columns);
  };
  for (const std::int64_t rows : {64, 127, 4096}) EXPECT_TRUE(prefers(rows, 768, 3072)) << rows;
  EXPECT_TRUE(prefers(196, 256, 1024));
  for (const std::int64_t rows : {0, 1, 49}) EXPECT_FALSE(prefers(rows, 768, 3072)) << "weights come from memory";
  EXPECT_FALSE(prefers(128, 128, 768)) << "too shallow";
  EXPECT_FALSE(prefers(128, 768, 64)) << "too narrow";
  EXPECT_FALSE(prefers(784, 512, 128)) << "too narrow for so large an A";
  EXPECT_TRUE(prefers(784, 512, 256));
  EXPECT_FALSE(prefers(128, 769, 768)) << "depth cannot be halved";
  EXPECT_FALSE(prefers(128, 768, 768 + pair() / 2)) << "half a pair of vectors";
  EXPECT_FALSE(prefers(128, 0, 768));
  EXPECT_FALSE(prefers(128, 768, 0));
}

TEST_P(StrassenOn, SizesAroundEveryTilePanelAndBlock) {
  for (const std::int64_t rows : {1, 2, 3, 12, 13, 27, 29, 57, 129, 300})
    for (const std::int64_t pairs : {1, 2, 3, 5, 7})
      for (const std::int64_t depth : {2, 6, 32, 34, 74}) {
        const std::int64_t columns = pairs * pair();
        const std::vector<float> a = whole_numbers(rows * depth, 5), b = whole_numbers(depth * columns, 6),
                                 bias = whole_numbers(columns, 7);
        MatmulArguments arguments;
        arguments.a = a.data();
        arguments.epilogue.bias = rows % 2 == 0 ? nullptr : bias.data();
        const MatmulShape shape = dense(rows, depth, columns);
        SCOPED_TRACE(::testing::Message() << rows << "x" << depth << "x" << columns);
        expect_same(packed_product(shape, GetParam(), arguments, b, rows * columns, 1 + static_cast<int>(rows % 5)),
                    reference_product(shape, arguments, b, rows * columns));
        if (HasFatalFailure()) return;
      }
}

TEST_P(StrassenOn, EmptyProductsHaveNoItems) {
  EXPECT_EQ(make_matmul(dense(0, 4, pair()), GetParam(), 2)->items(), 0);
  EXPECT_EQ(make_matmul(dense(4, 4, 0), GetParam(), 2)->items(), 0);
}

TEST_P(StrassenOn, DepthNoneIsTheEpilogueOfZero) {
  const MatmulShape shape = dense(5, 0, pair());
  const std::vector<float> bias = whole_numbers(pair(), 7);
  MatmulArguments arguments;
  arguments.epilogue.bias = bias.data();
  expect_same(packed_product(shape, GetParam(), arguments, {}, 5 * pair()),
              reference_product(shape, arguments, {}, 5 * pair()));
}

TEST_P(StrassenOn, StridesBatchesResidualsAndPrograms) {
  for (const std::int64_t rows : {5, 40, 131})
    for (const int option : {0, 1, 2, 3}) {
      const bool with_program = option == 1, in_place = option == 2;
      const std::int64_t outer = 3, depth = 48, columns = 3 * pair();
      MatmulShape shape = dense(rows, depth, columns);
      shape.batch = {1, outer, 1, 1};
      shape.a_row_stride = option == 0 ? 256 : depth + 5;  // copied, or read where it lies
      shape.a_batch_strides = {0, rows * shape.a_row_stride, 0, 0};
      shape.b_depth_stride = 1, shape.b_column_stride = depth + 1;
      shape.c_row_stride = columns + 11;
      shape.c_batch_strides = {0, rows * shape.c_row_stride, 0, 0};
      const std::int64_t c_elements = outer * rows * shape.c_row_stride;
      // As long as what is read, not more: the sanitizer sees any access past it.
      const std::vector<float> a = whole_numbers((outer * rows - 1) * shape.a_row_stride + depth, 8);
      const std::vector<float> b = whole_numbers((columns - 1) * shape.b_column_stride + depth, 9);
      const std::vector<float> bias = whole_numbers(columns, 10);
      const std::vector<float> addend = whole_numbers(outer * rows * columns, 11);
      std::vector<std::int16_t> numbers(static_cast<std::size_t>(rows));
      for (std::size_t i = 0; i < numbers.size(); ++i) numbers[i] = static_cast<std::int16_t>(i);
      MatmulArguments arguments;
      arguments.a = a.data();
      const testing::FakeProgram program(DType::f32);
      const TileOperand operands[] = {{addend.data(), columns, 1}, {numbers.data(), 1, 0, 2}};
      const BatchSizes moves[] = {{0, rows * columns, 0, 0}, {}};
      if (with_program) {
        arguments.epilogue.program = &program;
        arguments.epilogue.operands = operands;
        arguments.epilogue.operand_count = 2;
        arguments.operand_batch_strides = moves;
      } else {
        arguments.epilogue.residual = addend.data();
        arguments.epilogue.residual_row_stride = columns;
        arguments.residual_batch_strides = moves[0];
        arguments.epilogue.low = 0, arguments.epilogue.high = 60;
      }
      if (option == 3) arguments.epilogue.bias = bias.data();
      const std::vector<float> expected = reference_product(shape, arguments, b, c_elements);
      SCOPED_TRACE(::testing::Message() << rows << " option " << option);
      if (!in_place) {
        expect_same(packed_product(shape, GetParam(), arguments, b, c_elements), expected);
      } else {  // the residual is C itself
        std::vector<float> c = guarded(c_elements);
        for (std::int64_t r = 0; r < outer * rows; ++r)
          std::copy_n(addend.data() + r * columns, columns, c.data() + r * shape.c_row_stride);
        const base::AlignedBuffer packed = testing::packed_copy(shape, GetParam(), b.data());
        arguments.b = packed.data(), arguments.c = c.data();
        arguments.epilogue.residual = c.data();
        arguments.epilogue.residual_row_stride = shape.c_row_stride;
        arguments.residual_batch_strides = shape.c_batch_strides;
        run_in_pieces(*make_matmul(shape, GetParam(), 2), arguments, 1);
        expect_same(c, expected);
      }
      if (HasFatalFailure()) return;
    }
}

TEST_P(StrassenOn, HoweverManyThreads) {
  const MatmulShape shape = dense(390, 60, 4 * pair());
  const std::vector<float> a = fractions(shape.rows * shape.depth, 23), b = fractions(shape.depth * shape.columns, 24);
  MatmulArguments arguments;
  arguments.a = a.data();
  const std::vector<float> once = packed_product(shape, GetParam(), arguments, b, shape.rows * shape.columns, 1);
  for (const int threads : {2, 3, 16, 64})
    expect_same(packed_product(shape, GetParam(), arguments, b, shape.rows * shape.columns, threads), once);
}

/// The largest error, and the largest result.
std::pair<double, double> error_of(const std::vector<float>& found, const std::vector<float>& expected) {
  double worst = 0, largest = 0;
  for (std::size_t i = 0; i < found.size(); ++i) {
    worst = std::max(worst, std::abs(static_cast<double>(found[i]) - expected[i]));
    largest = std::max(largest, std::abs(static_cast<double>(expected[i])));
  }
  return {worst, largest};
}

TEST_P(StrassenOn, RoundsALittleMoreThanPlainSums) {
  for (const std::int64_t depth : {96, 768, 3072}) {
    MatmulShape shape = dense(48, depth, 2 * pair());
    const std::vector<float> a = fractions(shape.rows * depth, 21), b = fractions(depth * shape.columns, 22);
    MatmulArguments arguments;
    arguments.a = a.data();
    const std::vector<float> expected = reference_product(shape, arguments, b, shape.rows * shape.columns);
    const auto [error, largest] =
        error_of(packed_product(shape, GetParam(), arguments, b, shape.rows * shape.columns), expected);
    shape.strassen = false;
    const double plain =
        error_of(packed_product(shape, GetParam(), arguments, b, shape.rows * shape.columns), expected).first;
    EXPECT_LT(error, 4 * plain) << depth;
    EXPECT_LT(error / largest, 1e-5) << depth;
    RecordProperty(fmt::format("strassen_{}", depth), fmt::format("{:.2e}", error / largest));
    RecordProperty(fmt::format("plain_{}", depth), fmt::format("{:.2e}", plain / largest));
  }
}

TEST_P(StrassenOn, WhatIsNoNumberReachesItsNeighbourOnly) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  const std::int64_t rows = 31, depth = 40, columns = 3 * pair();
  std::vector<float> a(rows * depth, 1.0f), b(depth * columns, 0.5f);
  a[4 * depth + 3] = std::numeric_limits<float>::quiet_NaN();
  a[11 * depth + 30] = kInfinity;
  a[20 * depth + 1] = 1e-40f;  // a denormal vanishes beside 1
  a[30 * depth] = -kInfinity;  // in the last row, which has none beside it
  const MatmulShape shape = dense(rows, depth, columns);
  MatmulArguments arguments;
  arguments.a = a.data();
  const std::vector<float> found = packed_product(shape, GetParam(), arguments, b, rows * columns);
  const std::vector<float> expected = reference_product(shape, arguments, b, rows * columns);
  for (std::int64_t i = 0; i < rows * columns; ++i) {
    const std::int64_t row = i / columns;
    const auto at = static_cast<std::size_t>(i);
    if (row == 4 || row == 11 || row == 30) {
      EXPECT_FALSE(std::isfinite(found[at])) << i;
    } else if (row != 5 && row != 10) {
      EXPECT_EQ(found[at], expected[at]) << i;
    }
  }
}

TEST_P(StrassenOn, DenormalsAreKept) {
  const std::int64_t rows = 6, depth = 4, columns = pair();
  std::vector<float> a = whole_numbers(rows * depth, 3);
  for (float& value : a) value *= 0x1p-140f;
  const std::vector<float> b = whole_numbers(depth * columns, 4);
  const MatmulShape shape = dense(rows, depth, columns);
  MatmulArguments arguments;
  arguments.a = a.data();
  expect_same(packed_product(shape, GetParam(), arguments, b, rows * columns),
              reference_product(shape, arguments, b, rows * columns));
}

}  // namespace
}  // namespace wherry::kernels
