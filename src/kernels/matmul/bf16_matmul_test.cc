// bf16 matmul against its oracle: whole numbers, whose sums are exact, must agree to the last bit; fractions within the
// error of fp32 sums.

#include <gtest/gtest.h>

#include <cmath>

#include "kernels/isa_name.h"
#include "kernels/matmul/matmul.h"
#include "kernels/matmul/testing.h"
#include "tensor/half.h"

namespace wherry::kernels {
namespace {

using testing::bf16_isas;
using testing::expect_same;
using testing::guarded;
using testing::packed_copy;
using testing::run_in_pieces;
using testing::to_bf16;
using testing::whole_numbers;

#define WHERRY_BF16_BLOCK(isa)                                                                                      \
  TEST(Bf16Block, isa##_runs_here) {                                                                                \
    if (!base::runs_here(base::Isa::isa)) GTEST_SKIP() << #isa " cannot run here";                                  \
    EXPECT_EQ(make_matmul({.rows = 1, .depth = 2, .columns = 1, .dtype = DType::bf16}, base::Isa::isa, 1)->items(), \
              1);                                                                                                   \
  }
#include "kernels/matmul/bf16_kernels.inc"
#undef WHERRY_BF16_BLOCK

class Bf16MatmulOn : public ::testing::TestWithParam<base::Isa> {};
INSTANTIATE_TEST_SUITE_P(Isa, Bf16MatmulOn, ::testing::ValuesIn(bf16_isas()), isa_name);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(Bf16MatmulOn);

MatmulShape dense(std::int64_t rows, std::int64_t depth, std::int64_t columns) {
  MatmulShape shape;
  shape.rows = rows, shape.depth = depth, shape.columns = columns;
  shape.dtype = DType::bf16;
  shape.a_row_stride = depth, shape.b_depth_stride = columns, shape.c_row_stride = columns;
  return shape;
}

/// fp32 and bf16 results, B packed and as an activation. `arguments` has the bf16 operands of both kinds.
void check(MatmulShape shape, base::Isa isa, MatmulArguments arguments, const std::vector<float>& b,
           std::int64_t c_elements, int threads) {
  const std::vector<std::uint16_t> b_bf16 = to_bf16(b);
  for (const DType c_dtype : {DType::f32, DType::bf16})
    for (const bool packed : {false, true}) {
      if (packed && shape.b_batch_strides != BatchSizes{}) continue;
      shape.c_dtype = c_dtype;
      shape.packed_b = packed;
      std::vector<float> expected = guarded(c_elements), c = expected;  // or twice as many bf16
      arguments.b = b_bf16.data();
      arguments.c = expected.data();
      matmul_reference(shape, arguments);
      base::AlignedBuffer weights;
      if (packed) {
        weights = packed_copy(shape, isa, b.data());
        arguments.b = weights.data();
      }
      arguments.c = c.data();
      const auto matmul = make_matmul(shape, isa, threads);
      run_in_pieces(*matmul, arguments, static_cast<unsigned>(shape.rows));
      SCOPED_TRACE(::testing::Message() << shape.rows << "x" << shape.depth << "x" << shape.columns << " packed "
                                        << packed << " c " << name_of(c_dtype) << " " << matmul->name());
      if (c_dtype == DType::f32) {
        expect_same(c, expected);
      } else {
        ASSERT_EQ(std::memcmp(c.data(), expected.data(), c.size() * sizeof(float)), 0);
      }
      // However the work is cut, every sum is made alike.
      if (shape.rows > 48) {
        for (const Choice& choice : matmul->candidates()) {
          std::vector<float> again = guarded(static_cast<std::int64_t>(c.size()));
          arguments.c = again.data();
          run_in_pieces(*make_matmul(shape, isa, threads, choice), arguments, static_cast<unsigned>(shape.rows));
          ASSERT_EQ(std::memcmp(again.data(), c.data(), c.size() * sizeof(float)), 0) << choice[0];
        }
      }
      if (::testing::Test::HasFatalFailure()) return;
    }
}

TEST_P(Bf16MatmulOn, SizesAroundEveryTileStepAndPanel) {
  for (const std::int64_t rows : {1, 2, 3, 4, 15, 16, 17, 31, 32, 33, 48, 49, 70})
    for (const std::int64_t columns : {1, 15, 16, 17, 31, 32, 33, 48, 65})
      for (const std::int64_t depth : {1, 2, 3, 16, 24, 32, 33, 64, 80, 144}) {
        const std::vector<float> a = whole_numbers(rows * depth, 5), b = whole_numbers(depth * columns, 6),
                                 bias = whole_numbers(columns, 7);
        const std::vector<std::uint16_t> a_bf16 = to_bf16(a);
        MatmulArguments arguments;
        arguments.a = a_bf16.data();
        arguments.epilogue.bias = rows % 2 == 0 ? nullptr : bias.data();
        check(dense(rows, depth, columns), GetParam(), arguments, b, rows * columns, 1 + static_cast<int>(rows % 3));
        if (HasFatalFailure()) return;
      }
}

TEST_P(Bf16MatmulOn, ActivationsOfEverySum) {
  // Row r, column j is x[r] + bias[j]: dense around 0, and up to where the function is x or 0.
  const std::int64_t rows = 70, columns = 65, depth = 32;
  for (const Activation activation : {Activation::gelu, Activation::gelu_tanh})
    for (const bool residual : {false, true})
      for (const bool clamps : {false, true})
        for (const DType c_dtype : {DType::f32, DType::bf16}) {
          std::vector<float> a(static_cast<std::size_t>(rows * depth)), b(static_cast<std::size_t>(depth * columns));
          std::vector<float> bias(static_cast<std::size_t>(columns));
          for (std::int64_t r = 0; r < rows; ++r) {
            const auto x = static_cast<float>(r - 35);
            a[static_cast<std::size_t>(r * depth)] = r == 0   ? __builtin_inff()
                                                     : r == 1 ? __builtin_nanf("")
                                                     : r == 2 ? 0x1p100f
                                                     : r == 3 ? -0x1p100f
                                                              : x / 8;
          }
          for (std::int64_t j = 0; j < columns; ++j) {
            b[static_cast<std::size_t>(j)] = 1;
            bias[static_cast<std::size_t>(j)] = static_cast<float>(j - 32) / 517;
          }
          const std::vector<float> more = whole_numbers(rows * columns, 9);
          const std::vector<std::uint16_t> a_bf16 = to_bf16(a);
          MatmulShape shape = dense(rows, depth, columns);
          shape.packed_b = true, shape.c_dtype = c_dtype;
          const base::AlignedBuffer weights = packed_copy(shape, GetParam(), b.data());
          MatmulArguments arguments;
          arguments.a = a_bf16.data(), arguments.b = weights.data();
          arguments.epilogue.bias = bias.data();
          arguments.epilogue.activation = activation;
          if (residual) arguments.epilogue.residual = more.data(), arguments.epilogue.residual_row_stride = columns;
          if (clamps) arguments.epilogue.low = -1, arguments.epilogue.high = 2;
          std::vector<float> c(static_cast<std::size_t>(rows * columns));
          arguments.c = c.data();
          run_in_pieces(*make_matmul(shape, GetParam(), 2), arguments, 8);
          const auto* c_bf16 = reinterpret_cast<const std::uint16_t*>(c.data());
          for (std::int64_t r = 0; r < rows; ++r)
            for (std::int64_t j = 0; j < columns; ++j) {
              const auto at = static_cast<std::size_t>(r * columns + j);
              float x = a[static_cast<std::size_t>(r * depth)] + bias[static_cast<std::size_t>(j)];
              if (residual) x += more[at];
              if (clamps && x < -1) x = -1;
              if (clamps && x > 2) x = 2;
              const double expected = activate(activation, x);
              const float found = c_dtype == DType::f32 ? c[at] : tensor::bf16_to_float(c_bf16[at]);
              if (std::isnan(expected)) {
                EXPECT_TRUE(std::isnan(found)) << x;
                continue;
              }
              // erf within 4e-7 of 1; a bf16 result is rounded once more.
              const double error = 5e-7 * std::max(1.0, std::abs(static_cast<double>(x))) +
                                   (c_dtype == DType::bf16 ? std::abs(expected) / 256 : 0);
              if (std::isinf(expected))
                EXPECT_EQ(found, static_cast<float>(expected));
              else
                EXPECT_NEAR(found, expected, error) << x;
            }
        }
}

TEST_P(Bf16MatmulOn, EmptyProductsHaveNoItems) {
  EXPECT_EQ(make_matmul(dense(0, 4, 4), GetParam(), 2)->items(), 0);
  EXPECT_EQ(make_matmul(dense(4, 4, 0), GetParam(), 2)->items(), 0);
}

TEST_P(Bf16MatmulOn, StridesAndResidualsOfBothTypes) {
  for (const std::int64_t rows : {5, 19, 40})
    for (const bool b_transposed : {false, true})
      for (const DType residual_dtype : {DType::f32, DType::bf16}) {
        const std::int64_t depth = 48, columns = 37;
        MatmulShape shape = dense(rows, depth, columns);
        shape.a_row_stride = depth + 5;
        shape.b_depth_stride = b_transposed ? 1 : columns + 3;
        shape.b_column_stride = b_transposed ? depth + 1 : 1;
        shape.c_row_stride = columns + 11;
        // As long as what is read, not more: the sanitizer sees any access past it.
        const std::vector<std::uint16_t> a = to_bf16(whole_numbers((rows - 1) * shape.a_row_stride + depth, 8));
        const std::vector<float> b =
            whole_numbers((depth - 1) * shape.b_depth_stride + (columns - 1) * shape.b_column_stride + 1, 9);
        const std::vector<float> residual = whole_numbers((rows - 1) * (columns + 1) + columns, 10);
        const std::vector<std::uint16_t> residual_bf16 = to_bf16(residual);
        MatmulArguments arguments;
        arguments.a = a.data();
        arguments.epilogue.residual = residual_dtype == DType::f32 ? static_cast<const void*>(residual.data())
                                                                   : static_cast<const void*>(residual_bf16.data());
        arguments.epilogue.residual_dtype = residual_dtype;
        arguments.epilogue.residual_row_stride = columns + 1;
        arguments.epilogue.low = 0;
        arguments.epilogue.high = 60;
        check(shape, GetParam(), arguments, b, (rows - 1) * shape.c_row_stride + columns, 2);
        if (HasFatalFailure()) return;
      }
}

TEST_P(Bf16MatmulOn, BatchesAndPrograms) {
  // Attention: heads side by side in a row of A, B and C; B shared by the outer batch.
  for (const std::int64_t rows : {9, 35}) {
    const std::int64_t outer = 3, heads = 2, depth = 32, columns = 21;
    MatmulShape shape = dense(rows, depth, columns);
    shape.batch = {1, outer, heads, 1};
    shape.a_row_stride = heads * depth;
    shape.a_batch_strides = {0, rows * heads * depth, depth, 0};
    shape.b_batch_strides = {0, 0, depth * columns, 0};
    shape.c_row_stride = heads * columns;
    shape.c_batch_strides = {0, rows * heads * columns, columns, 0};
    const std::vector<std::uint16_t> a = to_bf16(whole_numbers(outer * rows * heads * depth, 11));
    const std::vector<float> b = whole_numbers(heads * depth * columns, 12);
    const std::vector<float> operand = whole_numbers(heads * rows * columns, 13);
    std::vector<std::int16_t> numbers(static_cast<std::size_t>(rows));
    for (std::size_t i = 0; i < numbers.size(); ++i) numbers[i] = static_cast<std::int16_t>(i);
    MatmulArguments arguments;
    arguments.a = a.data();
    arguments.residual_batch_strides = {0, 0, rows * columns, 0};
    arguments.epilogue.residual = operand.data();
    arguments.epilogue.residual_row_stride = columns;
    check(shape, GetParam(), arguments, b, outer * rows * heads * columns, 2);
    // result = 2·x0 + x1 + x2, fp32.
    const testing::FakeProgram program(DType::f32);
    const TileOperand operands[] = {{operand.data(), columns, 1}, {numbers.data(), 1, 0, 2}};
    const BatchSizes moves[] = {{0, 0, rows * columns, 0}, {}};
    arguments.epilogue.program = &program;
    arguments.epilogue.operands = operands;
    arguments.epilogue.operand_count = 2;
    arguments.operand_batch_strides = moves;
    const std::vector<std::uint16_t> b_bf16 = to_bf16(b);
    std::vector<float> expected = guarded(outer * rows * heads * columns), c = expected;
    shape.packed_b = false;
    arguments.b = b_bf16.data();
    arguments.c = expected.data();
    matmul_reference(shape, arguments);
    arguments.c = c.data();
    run_in_pieces(*make_matmul(shape, GetParam(), 2), arguments, 3);
    expect_same(c, expected);
    if (HasFatalFailure()) return;
  }
}

/// Sums of bf16 products in fp32, in any order: depth · 2^-24 · Σ|a||b|. AMX and vdpbf16ps flush denormals, far below.
TEST_P(Bf16MatmulOn, DeepSumsStayWithinTheErrorBound) {
  const std::int64_t rows = 33, depth = 2048, columns = 40;
  const MatmulShape shape = dense(rows, depth, columns);
  const std::vector<std::uint16_t> a = to_bf16(testing::fractions(rows * depth, 21));
  const std::vector<float> b = testing::fractions(depth * columns, 22);
  const std::vector<std::uint16_t> b_bf16 = to_bf16(b);
  std::vector<float> expected = guarded(rows * columns), c = expected;
  MatmulArguments arguments;
  arguments.a = a.data();
  arguments.b = b_bf16.data();
  arguments.c = expected.data();
  matmul_reference(shape, arguments);
  const base::AlignedBuffer packed = packed_copy(shape, GetParam(), b.data());
  arguments.b = packed.data();
  arguments.c = c.data();
  run_in_pieces(*make_matmul(shape, GetParam(), 2), arguments, 23);
  for (std::size_t i = 0; i < c.size(); ++i)
    ASSERT_NEAR(c[i], expected[i], 0.3 * static_cast<double>(depth * depth) / (1 << 24)) << i;
}

TEST_P(Bf16MatmulOn, NonFiniteNumbersStayInTheirRows) {
  for (const std::int64_t depth : {17, 64}) {
    const std::int64_t rows = 20, columns = 18;
    std::vector<float> a(rows * depth, 1.0f), b(depth * columns, 1.0f);
    a[3 * depth] = std::numeric_limits<float>::quiet_NaN();
    a[7 * depth + depth - 1] = std::numeric_limits<float>::infinity();
    a[12 * depth + 1] = 1e-40f;  // a denormal: flushed or not, it vanishes beside 1
    const std::vector<std::uint16_t> a_bf16 = to_bf16(a);
    MatmulArguments arguments;
    arguments.a = a_bf16.data();
    arguments.epilogue.high = 200;
    check(dense(rows, depth, columns), GetParam(), arguments, b, rows * columns, 1);
  }
}

}  // namespace
}  // namespace wherry::kernels
