// Matmul: every micro-kernel alone, then whole products on every instruction set this machine has, against the oracle.

#include "kernels/matmul/matmul.h"

#include <gtest/gtest.h>

#include <string>

#include "kernels/isa_name.h"
#include "kernels/lanes.h"
#include "kernels/matmul/blocking.h"
#include "kernels/matmul/panels.h"
#include "kernels/matmul/testing.h"
#include "kernels/matmul/tile_kernels.h"

namespace wherry::kernels {
namespace {

using testing::dense_product;
using testing::expect_same;
using testing::FakeProgram;
using testing::fractions;
using testing::guarded;
using testing::packed_copy;
using testing::run_in_pieces;
using testing::whole_numbers;

/// One width of one ISA: all row counts, all tails, several taps where rows are gathered, both starts.
void check_tile(base::Isa isa, int lanes, int vectors, int max_rows, bool strided) {
  if (!base::runs_here(isa)) GTEST_SKIP() << base::name_of(isa) << " cannot run here";
  const TileRow& kernels = tile_kernels(isa).widths[vectors].rows(strided);
  ASSERT_EQ(kernels.max_rows, max_rows);
  const std::int64_t width = static_cast<std::int64_t>(vectors) * lanes, taps = strided ? 1 : 3, depth = 5,
                     depth_stride = strided ? 1 : 2, a_stride = 11, c_stride = width + 3;
  base::AlignedBuffer b(taps * depth * width * sizeof(float));
  float* const packed = reinterpret_cast<float*>(b.data());
  const std::vector<float> b_values = whole_numbers(taps * depth * width, 1);
  std::copy(b_values.begin(), b_values.end(), packed);
  for (int rows = 1; rows <= max_rows; ++rows)
    for (std::int64_t columns = width - lanes + 1; columns <= width; ++columns)
      for (const int options : {0, 1, 2, 3}) {
        // Row r of tap t: row (r + t) of a matrix; exactly as long as what is read.
        const std::vector<float> a =
            whole_numbers((rows + taps - 2) * a_stride + 1 + depth_stride * (depth - 1) + 1, 2);
        const std::vector<float> init = whole_numbers((rows - 1) * width + columns, 3);
        const std::vector<float> residual = whole_numbers((rows - 1) * width + columns, 4);
        std::vector<const float*> table;
        for (std::int64_t t = 0; t < taps; ++t)
          for (int r = 0; r < rows; ++r) table.push_back(a.data() + (r + t) * a_stride);
        std::vector<float> c = guarded(rows * c_stride), expected = c;
        TileTask task{};
        task.depth = depth;
        if (strided) {
          task.a = a.data() + 1;
          task.a_stride = a_stride;
        } else {
          task.rows = table.data();
          task.first = 1;
          task.taps = taps;
          task.depth_stride = depth_stride;
        }
        task.b = packed;
        task.init = options == 0 ? nullptr : init.data();
        task.init_stride = options == 1 ? 0 : width;
        task.residual = options >= 2 ? residual.data() : nullptr;
        task.residual_stride = width;
        task.c = c.data();
        task.c_stride = c_stride;
        task.columns = columns;
        task.clamp = options == 3;
        task.low = -7;
        task.high = 20;
        kernels.kernels[rows](task);
        for (int r = 0; r < rows; ++r)
          for (std::int64_t j = 0; j < columns; ++j) {
            float sum = options == 0 ? 0 : init[r * task.init_stride + j];
            for (std::int64_t t = 0; t < taps; ++t)
              for (std::int64_t k = 0; k < depth; ++k)
                sum += a[(r + t) * a_stride + 1 + depth_stride * k] * packed[(t * depth + k) * width + j];
            if (options >= 2) sum += residual[r * width + j];
            if (options == 3) sum = std::clamp(sum, -7.0f, 20.0f);
            expected[r * c_stride + j] = sum;
          }
        SCOPED_TRACE(::testing::Message() << rows << " rows, " << columns << " columns, options " << options);
        expect_same(c, expected);
        if (::testing::Test::HasFatalFailure()) return;
      }
}

#define WHERRY_TILE(isa, lanes, vectors, gathering, strided)                                                        \
  TEST(Tile, isa##_##vectors##_vectors) { check_tile(base::Isa::isa, lanes_of(lanes), vectors, gathering, false); } \
  TEST(Tile, isa##_##vectors##_vectors_strided) { check_tile(base::Isa::isa, lanes_of(lanes), vectors, strided, true); }
#include "kernels/matmul/kernels.inc"
#undef WHERRY_TILE

class MatmulOn : public ::testing::TestWithParam<base::Isa> {};
INSTANTIATE_TEST_SUITE_P(Isa, MatmulOn, ::testing::ValuesIn(base::runnable_fp32_isas()), isa_name);

/// C must equal the oracle's to the last bit, with and without packing, in any partition.
void check_exact(const MatmulShape& shape, base::Isa isa, const MatmulArguments& arguments, std::int64_t c_elements,
                 int threads) {
  std::vector<float> expected = guarded(c_elements);
  MatmulArguments oracle = arguments;
  oracle.c = expected.data();
  matmul_reference(shape, oracle);
  for (const bool packed : {false, true}) {
    if (packed && shape.b_batch_strides != BatchSizes{}) continue;
    MatmulShape variant = shape;
    variant.packed_b = packed;
    const auto matmul = make_matmul(variant, isa, threads);
    std::vector<float> c = guarded(c_elements);
    MatmulArguments run = arguments;
    run.c = c.data();
    base::AlignedBuffer b;
    if (packed) {
      b = packed_copy(shape, isa, static_cast<const float*>(arguments.b));
      run.b = b.data();
    }
    run_in_pieces(*matmul, run, static_cast<unsigned>(shape.rows));
    SCOPED_TRACE(::testing::Message() << shape.rows << "x" << shape.depth << "x" << shape.columns << " packed "
                                      << packed << " threads " << threads << " " << matmul->name());
    expect_same(c, expected);
  }
}

TEST_P(MatmulOn, SizesAroundEveryTileAndPanel) {
  for (const std::int64_t rows : {1, 2, 5, 6, 7, 13, 25, 49})
    for (const std::int64_t columns : {1, 7, 8, 15, 16, 17, 31, 33, 48, 63, 64, 65, 80, 129})
      for (const std::int64_t depth : {0, 1, 3, 37}) {
        const std::vector<float> a = whole_numbers(rows * depth, 5), b = whole_numbers(depth * columns, 6),
                                 bias = whole_numbers(columns, 7);
        MatmulArguments arguments;
        arguments.a = a.data();
        arguments.b = b.data();
        arguments.epilogue.bias = rows % 2 == 0 ? nullptr : bias.data();
        check_exact(dense_product(rows, depth, columns), GetParam(), arguments, rows * columns,
                    1 + static_cast<int>(rows % 3));
        if (HasFatalFailure()) return;
      }
}

TEST_P(MatmulOn, EmptyProductsHaveNoItems) {
  EXPECT_EQ(make_matmul(dense_product(0, 4, 4), GetParam(), 2)->items(), 0);
  EXPECT_EQ(make_matmul(dense_product(4, 4, 0), GetParam(), 2)->items(), 0);
}

TEST_P(MatmulOn, StridesOfEveryOperand) {
  const std::int64_t rows = 19, depth = 23, columns = 37;
  for (const bool a_transposed : {false, true})
    for (const bool b_transposed : {false, true}) {
      MatmulShape shape = dense_product(rows, depth, columns);
      shape.a_row_stride = a_transposed ? 1 : depth + 5;
      shape.a_depth_stride = a_transposed ? rows + 2 : 1;
      shape.b_depth_stride = b_transposed ? 1 : columns + 3;
      shape.b_column_stride = b_transposed ? depth + 1 : 1;
      shape.c_row_stride = columns + 11;
      // As long as what is read, not more: the sanitizer sees any access past it.
      const std::vector<float> a =
          whole_numbers((rows - 1) * shape.a_row_stride + (depth - 1) * shape.a_depth_stride + 1, 8);
      const std::vector<float> b =
          whole_numbers((depth - 1) * shape.b_depth_stride + (columns - 1) * shape.b_column_stride + 1, 9);
      const std::vector<float> residual = whole_numbers((rows - 1) * (columns + 1) + columns, 10);
      MatmulArguments arguments;
      arguments.a = a.data();
      arguments.b = b.data();
      arguments.epilogue.residual = residual.data();
      arguments.epilogue.residual_row_stride = columns + 1;
      arguments.epilogue.low = 0;
      arguments.epilogue.high = 60;
      check_exact(shape, GetParam(), arguments, (rows - 1) * shape.c_row_stride + columns, 2);
      if (HasFatalFailure()) return;
    }
}

TEST_P(MatmulOn, BatchesWithTheirOwnStrides) {
  // Attention: heads side by side in a row of A, B and C; B shared by the outer batch.
  const std::int64_t outer = 3, heads = 2, rows = 9, depth = 17, columns = 21;
  MatmulShape shape = dense_product(rows, depth, columns);
  shape.batch = {1, outer, heads, 1};
  shape.a_row_stride = heads * depth;
  shape.a_batch_strides = {0, rows * heads * depth, depth, 0};
  shape.b_batch_strides = {0, 0, depth * columns, 0};
  shape.c_row_stride = heads * columns;
  shape.c_batch_strides = {0, rows * heads * columns, columns, 0};
  const std::vector<float> a = whole_numbers(outer * rows * heads * depth, 11);
  const std::vector<float> b = whole_numbers(heads * depth * columns, 12);
  const std::vector<float> residual = whole_numbers(heads * rows * columns, 13);
  MatmulArguments arguments;
  arguments.a = a.data();
  arguments.b = b.data();
  arguments.epilogue.residual = residual.data();
  arguments.epilogue.residual_row_stride = columns;
  arguments.residual_batch_strides = {0, 0, rows * columns, 0};
  check_exact(shape, GetParam(), arguments, outer * rows * heads * columns, 2);
  shape.b_batch_strides = {};
  check_exact(shape, GetParam(), arguments, outer * rows * heads * columns, 5);
}

TEST_P(MatmulOn, ProgramsSeeTheRightElements) {
  const std::int64_t batch = 2, rows = 50, depth = 12, columns = 75;
  for (const DType dtype : {DType::f32, DType::i16})
    for (const bool packed : {false, true}) {
      MatmulShape shape = dense_product(rows, depth, columns);
      shape.packed_b = packed;
      shape.c_dtype = dtype;
      shape.c_row_stride = columns + 2;
      shape.batch = {1, 1, 1, batch};
      shape.a_batch_strides = {0, 0, 0, rows * depth};
      shape.c_batch_strides = {0, 0, 0, rows * (columns + 2)};
      const std::vector<float> a = whole_numbers(batch * rows * depth, 14), b = whole_numbers(depth * columns, 15);
      const std::vector<float> column_operand = whole_numbers(batch * columns, 16), bias = whole_numbers(columns, 17);
      std::vector<std::int16_t> full_operand(rows * columns);
      for (std::size_t i = 0; i < full_operand.size(); ++i) full_operand[i] = static_cast<std::int16_t>(i % 13);
      const TileOperand operands[] = {{column_operand.data(), 0, 1}, {full_operand.data(), columns, 1, 2}};
      const BatchSizes operand_strides[] = {{0, 0, 0, columns}, {}};
      const FakeProgram program(dtype);
      MatmulArguments arguments;
      arguments.a = a.data();
      arguments.b = b.data();
      arguments.epilogue.bias = bias.data();
      arguments.epilogue.low = -50;
      arguments.epilogue.program = &program;
      arguments.epilogue.operands = operands;
      arguments.epilogue.operand_count = 2;
      arguments.operand_batch_strides = operand_strides;
      std::vector<float> expected = guarded(batch * rows * (columns + 2)), c = expected;
      arguments.c = expected.data();
      matmul_reference(shape, arguments);
      arguments.c = c.data();
      base::AlignedBuffer panels;
      if (packed) {
        panels = packed_copy(shape, GetParam(), b.data());
        arguments.b = panels.data();
      }
      run_in_pieces(*make_matmul(shape, GetParam(), 3), arguments, 18);
      ASSERT_EQ(std::memcmp(c.data(), expected.data(), c.size() * sizeof(float)), 0);
    }
}

/// Depth past the size where it is cut into chunks; the tolerance is the error bound of a sum in fp32,
/// depth · 2^-24 · Σ|a||b|.
TEST_P(MatmulOn, DeepSumsStayWithinTheErrorBound) {
  for (const auto& [rows, depth, columns] : {std::tuple{14, 9001, 70}, {1, 4096, 100}, {3, 2500, 33}}) {
    MatmulShape shape = dense_product(rows, depth, columns);
    const std::vector<float> a = fractions(rows * depth, 19), b = fractions(depth * columns, 20),
                             bias = fractions(columns, 21);
    std::vector<float> expected = guarded(rows * columns), c = expected, magnitude = expected;
    MatmulArguments arguments;
    arguments.a = a.data();
    arguments.b = b.data();
    arguments.c = expected.data();
    arguments.epilogue.bias = bias.data();
    matmul_reference(shape, arguments);
    const base::AlignedBuffer packed = packed_copy(shape, GetParam(), b.data());
    arguments.b = packed.data();
    arguments.c = c.data();
    run_in_pieces(*make_matmul(shape, GetParam(), 2), arguments, 22);
    for (int m = 0; m < rows; ++m)
      for (int n = 0; n < columns; ++n) {
        double sum = std::abs(bias[n]);
        for (int k = 0; k < depth; ++k) sum += std::abs(static_cast<double>(a[m * depth + k]) * b[k * columns + n]);
        ASSERT_NEAR(c[m * columns + n], expected[m * columns + n], sum * (depth + 2) / (1 << 24)) << m << ", " << n;
      }
  }
}

TEST_P(MatmulOn, NonFiniteAndTinyNumbersPassThrough) {
  const std::int64_t rows = 13, depth = 6, columns = 70;
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN(), kInfinity = std::numeric_limits<float>::infinity();
  std::vector<float> a(rows * depth, 1.0f), b(depth * columns, 1.0f);
  a[2 * depth + 1] = kNan;
  a[5 * depth] = kInfinity;
  for (std::int64_t k = 0; k < depth; ++k) a[8 * depth + k] = std::numeric_limits<float>::denorm_min();
  b[3 * columns + 69] = kNan;
  MatmulShape shape = dense_product(rows, depth, columns);
  MatmulArguments arguments;
  arguments.a = a.data();
  arguments.b = b.data();
  arguments.epilogue.low = 0;
  arguments.epilogue.high = 6;
  check_exact(shape, GetParam(), arguments, rows * columns, 1);
  arguments.epilogue.high = kInfinity;
  check_exact(shape, GetParam(), arguments, rows * columns, 1);
}

TEST(Panels, CutEvenlyAndPackEveryColumnOnce) {
  for (const base::Isa isa : base::runnable_fp32_isas()) {
    const TileKernels& kernels = tile_kernels(isa);
    for (std::int64_t columns = 0; columns < 300; ++columns) {
      const Panels panels = make_panels(columns, kernels);
      std::int64_t seen = 0;
      for (std::int64_t panel = 0; panel < panels.count; ++panel) {
        ASSERT_EQ(panels.first_column(panel), seen);
        ASSERT_GE(panels.width(panel), 1);
        ASSERT_LE(panels.width(panel), kernels.max_vectors);
        ASSERT_GT(panels.columns_of(panel), (panels.width(panel) - 1) * panels.lanes);
        seen += panels.columns_of(panel);
      }
      ASSERT_EQ(seen, columns);
    }
  }
}

TEST(Blocking, EveryRowBelongsToOneTileAndOneBlock) {
  for (const base::Isa isa : base::runnable_fp32_isas())
    for (const std::int64_t rows : {1, 2, 6, 7, 49, 196, 197, 3136, 12544})
      for (const std::int64_t columns : {1, 16, 64, 1000})
        for (const int threads : {1, 2, 3, 16, -2}) {
          const TileKernels& kernels = tile_kernels(isa);
          const Panels panels = make_panels(columns, kernels);
          BlockingProblem problem;
          problem.rows = rows, problem.taps = 9, problem.depth = 300, problem.a_bytes_per_row = 1200;
          problem.threads = std::abs(threads);
          problem.strided = threads < 0;
          if (problem.strided) problem.taps = 1;
          const Blocking blocking = choose_blocking(kernels, panels, problem);
          ASSERT_GE(blocking.blocks, 1);
          ASSERT_EQ(blocking.first_row_of_block(blocking.blocks), rows);
          for (std::int64_t tile = 0; tile < blocking.tiles; ++tile) {
            const std::int64_t size = blocking.first_row(tile + 1) - blocking.first_row(tile);
            ASSERT_GE(size, 1);
            ASSERT_LE(size, kernels.widths[panels.widest()].rows(problem.strided).max_rows);
          }
          ASSERT_GE(blocking.chunk_taps, 1);
          ASSERT_GE(blocking.chunk_depth, 1);
        }
}

}  // namespace
}  // namespace wherry::kernels
