// Attention against fp64: every tail of rows, keys, depth and columns, strides, masks, infinities and NaN.

#include "kernels/attention/attention.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "kernels/attention/attention_kernels.h"
#include "kernels/attention/blocked_attention.h"
#include "kernels/elementwise/test_data.h"
#include "kernels/matmul/testing.h"

namespace wherry::kernels {
namespace {

using base::Isa;
constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kLowest = std::numeric_limits<float>::lowest();

/// An instruction set and what is multiplied.
struct Kind {
  Isa isa;
  DType dtype;
};

std::vector<Kind> tested_kinds() {
  std::vector<Kind> kinds;
#define WHERRY_ATTENTION_KERNELS(set, type, table) \
  if (base::runs_here(Isa::set) && DType::type == DType::f32) kinds.push_back({Isa::set, DType::f32});
#include "kernels/attention/kernels.inc"
#undef WHERRY_ATTENTION_KERNELS
  // The products of bf16 have a list of their own.
  for (const Isa isa : testing::bf16_isas()) kinds.push_back({isa, DType::bf16});
  return kinds;
}

class AttentionOn : public ::testing::TestWithParam<Kind> {};
INSTANTIATE_TEST_SUITE_P(Kinds, AttentionOn, ::testing::ValuesIn(tested_kinds()), [](const auto& tested) {
  return std::string(base::name_of(tested.param.isa)) + "_" + std::string(name_of(tested.param.dtype));
});

/// Rows of Q, K and V one after the other, Y's some columns apart.
AttentionShape dense(const Kind& kind, std::int64_t heads, std::int64_t rows, std::int64_t keys, std::int64_t depth,
                     std::int64_t columns) {
  AttentionShape shape;
  shape.outer_sizes = {heads};
  shape.rows = rows, shape.keys = keys, shape.depth = depth, shape.columns = columns;
  shape.dtype = kind.dtype;
  shape.scale = 1 / std::sqrt(static_cast<float>(depth > 0 ? depth : 1));
  shape.q_row_stride = shape.k_row_stride = depth;
  shape.v_row_stride = columns;
  shape.y_row_stride = columns + 3;
  shape.q_outer_strides = {rows * depth};
  shape.k_outer_strides = {keys * depth};
  shape.v_outer_strides = {keys * columns};
  shape.y_outer_strides = {rows * (columns + 3)};
  shape.mask_outer_strides = {0};
  return shape;
}

/// What a shape reads.
struct Operands {
  std::vector<float> q, k, v, mask;
};

Operands random_operands(const AttentionShape& shape, std::uint32_t seed, float size = 1) {
  const std::int64_t heads = shape.outer_sizes[0];
  Operands operands{test::normal_values(heads * shape.rows * shape.depth, seed, size),
                    test::normal_values(heads * shape.keys * shape.depth, seed + 1, size),
                    test::normal_values(heads * shape.keys * shape.columns, seed + 2),
                    {}};
  return operands;
}

/// Y has rows of y_row_stride elements one after the other, of which the first `row_elements` are results.
void run_and_compare(const AttentionShape& shape, Isa isa, const AttentionArguments& given, std::int64_t y_elements,
                     std::int64_t row_elements, double largest_value) {
  const auto y_bytes = static_cast<std::int64_t>(size_of(shape.y_dtype));
  test::Guarded<unsigned char> expected(y_elements * y_bytes), y(y_elements * y_bytes);
  AttentionArguments arguments = given;
  arguments.y = expected.data();
  attention_reference(shape, arguments);
  arguments.y = y.data();
  const auto attention = make_attention(shape, isa);
  testing::run_in_pieces(*attention, arguments, 5);
  EXPECT_TRUE(y.intact());
  // fp32: sums of a few hundred products. bf16: weights have 8 bits each, and so has the result.
  const double tolerance = (shape.dtype == DType::f32     ? 3e-6
                            : shape.y_dtype == DType::f32 ? 4e-3
                                                          : 8e-3) *
                           largest_value;
  for (std::int64_t i = 0; i < y_elements; ++i) {
    if (i % shape.y_row_stride >= row_elements) {
      for (std::int64_t b = 0; b < y_bytes; ++b) ASSERT_TRUE(y.untouched(i * y_bytes + b)) << i;
      continue;
    }
    const auto at = [&](test::Guarded<unsigned char>& bytes) {
      float f;
      std::uint16_t half;
      std::memcpy(&f, bytes.data() + i * y_bytes, shape.y_dtype == DType::f32 ? 4 : 0);
      std::memcpy(&half, bytes.data() + i * y_bytes, 2);
      return shape.y_dtype == DType::f32 ? f : tensor::bf16_to_float(half);
    };
    const float want = at(expected), got = at(y);
    if (std::isnan(want))
      ASSERT_TRUE(std::isnan(got)) << i << ": " << got;
    else if (std::isinf(want))
      ASSERT_EQ(got, want) << i;
    else
      ASSERT_NEAR(got, want, tolerance) << i;
  }
}

/// With both dtypes of Y where there are two.
void check(AttentionShape shape, Isa isa, const Operands& operands) {
  std::int64_t y_elements = shape.rows * shape.y_row_stride;
  y_elements *= shape.outer_sizes[0];
  double largest = 0;
  for (const float v : operands.v)
    largest = std::max(largest, std::isfinite(v) ? std::fabs(static_cast<double>(v)) : 0);
  const auto q = testing::to_bf16(operands.q), k = testing::to_bf16(operands.k), v = testing::to_bf16(operands.v);
  AttentionArguments arguments;
  arguments.q = operands.q.data(), arguments.k = operands.k.data(), arguments.v = operands.v.data();
  if (shape.dtype == DType::bf16) arguments.q = q.data(), arguments.k = k.data(), arguments.v = v.data();
  arguments.mask = operands.mask.data();
  for (const DType y_dtype : {DType::f32, DType::bf16}) {
    if (y_dtype == DType::bf16 && shape.dtype != DType::bf16) continue;
    shape.y_dtype = y_dtype;
    run_and_compare(shape, isa, arguments, y_elements, shape.columns, largest);
  }
}

TEST_P(AttentionOn, EveryTail) {
  const auto [isa, dtype] = GetParam();
  for (const std::int64_t rows : {1, 2, 3, 4, 15, 16, 17, 31, 32, 33, 50})
    for (const std::int64_t keys : {1, 2, 15, 16, 31, 33, 64, 77})
      for (const bool causal : {false, true}) {
        SCOPED_TRACE(::testing::Message() << rows << " rows, " << keys << " keys" << (causal ? ", causal" : ""));
        AttentionShape shape = dense(GetParam(), 2, rows, keys, 20, 24);
        shape.causal = causal;
        check(shape, isa, random_operands(shape, static_cast<std::uint32_t>(100 * rows + keys)));
        if (HasFatalFailure()) return;
      }
}

TEST_P(AttentionOn, HeadSizes) {
  for (const std::int64_t depth : {0, 1, 2, 7, 31, 32, 33, 64, 80, 96, 128, 129})
    for (const std::int64_t columns : {1, 5, 16, 17, 32, 48, 64, 96, 100, 128}) {
      SCOPED_TRACE(::testing::Message() << "depth " << depth << ", " << columns << " columns");
      const AttentionShape shape = dense(GetParam(), 1, 37, 45, depth, columns);
      check(shape, GetParam().isa, random_operands(shape, static_cast<std::uint32_t>(depth + 1000 * columns)));
      if (HasFatalFailure()) return;
    }
}

TEST_P(AttentionOn, SeveralChunksOfKeys) {
  for (const std::int64_t keys : {255, 256, 257, 300, 512, 777})
    for (const bool causal : {false, true})
      for (const float size : {1.0f, 3.0f}) {
        SCOPED_TRACE(::testing::Message() << keys << " keys" << (causal ? ", causal" : ""));
        AttentionShape shape = dense(GetParam(), 1, causal ? keys : 40, keys, 64, 64);
        shape.causal = causal;
        check(shape, GetParam().isa, random_operands(shape, static_cast<std::uint32_t>(keys), size));
        if (HasFatalFailure()) return;
      }
}

TEST_P(AttentionOn, HeadsOfOneProduct) {
  // Q, K and V as [batch, row, 3, head, depth], Y as [batch, row, head, depth].
  constexpr std::int64_t kBatch = 2, kHeads = 3, kRows = 41, kDepth = 32;
  AttentionShape shape = dense(GetParam(), kBatch, kRows, kRows, kDepth, kDepth);
  shape.outer_sizes = {kBatch, kHeads};
  shape.q_row_stride = shape.k_row_stride = shape.v_row_stride = 3 * kHeads * kDepth;
  shape.y_row_stride = kHeads * kDepth;
  shape.q_outer_strides = shape.k_outer_strides = shape.v_outer_strides = {kRows * 3 * kHeads * kDepth, kDepth};
  shape.y_outer_strides = {kRows * kHeads * kDepth, kDepth};
  shape.mask_outer_strides = {kRows, 0};
  shape.masked = true;
  Operands operands;
  operands.q = test::normal_values(kBatch * kRows * 3 * kHeads * kDepth, 1);
  operands.mask.assign(kBatch * kRows, 0.0f);
  std::fill(operands.mask.begin() + 29, operands.mask.begin() + kRows, -kInf);
  const auto bf16 = testing::to_bf16(operands.q);
  const auto place = [&](std::int64_t part) {
    const std::int64_t at = part * kHeads * kDepth;
    return shape.dtype == DType::bf16 ? static_cast<const void*>(bf16.data() + at) : operands.q.data() + at;
  };
  const AttentionArguments arguments{place(0), place(1), place(2), operands.mask.data(), nullptr};
  run_and_compare(shape, GetParam().isa, arguments, kBatch * kRows * kHeads * kDepth, kHeads * kDepth, 4);
}

TEST_P(AttentionOn, RepeatedHeads) {
  AttentionShape shape = dense(GetParam(), 4, 35, 50, 32, 32);
  shape.k_outer_strides = shape.v_outer_strides = {0};
  check(shape, GetParam().isa, random_operands(shape, 3));
}

TEST_P(AttentionOn, MasksOfKeys) {
  for (const std::int64_t keys : {5, 70, 300})
    for (const float hidden : {-kInf, kLowest, -10000.0f})
      for (const std::int64_t visible : {std::int64_t{0}, std::int64_t{1}, keys / 2, keys - 1, keys}) {
        if (hidden == -10000.0f && visible == 0) continue;  // fp32 rounds all scores to thousandths there
        SCOPED_TRACE(::testing::Message() << visible << " of " << keys << " keys, the others " << hidden);
        AttentionShape shape = dense(GetParam(), 2, 34, keys, 24, 40);
        shape.masked = true;
        shape.mask_outer_strides = {keys};
        Operands operands = random_operands(shape, static_cast<std::uint32_t>(visible));
        operands.mask.assign(static_cast<std::size_t>(2 * keys), 0.0f);
        // The last ones of the first head, the first ones of the second.
        std::fill(operands.mask.begin() + visible, operands.mask.begin() + keys, hidden);
        std::fill(operands.mask.begin() + keys, operands.mask.end() - visible, hidden);
        check(shape, GetParam().isa, operands);
        if (HasFatalFailure()) return;
      }
}

TEST_P(AttentionOn, MasksOfRowsAndKeys) {
  for (const std::int64_t keys : {33, 290})
    for (const bool causal : {false, true}) {
      AttentionShape shape = dense(GetParam(), 2, 45, keys, 32, 32);
      shape.masked = true;
      shape.causal = causal;
      shape.mask_row_stride = keys + 1;
      Operands operands = random_operands(shape, 9);
      operands.mask = test::normal_values(45 * (keys + 1), 10, 2);
      for (std::size_t i = 0; i < operands.mask.size(); i += 7) operands.mask[i] = -kInf;
      // A row that sees nothing, and one that sees nothing of its first chunk.
      std::fill_n(operands.mask.begin() + 3 * (keys + 1), keys, -kInf);
      std::fill_n(operands.mask.begin() + 40 * (keys + 1), std::min<std::int64_t>(keys - 1, 270), -kInf);
      operands.mask[static_cast<std::size_t>(40 * (keys + 1) + std::min<std::int64_t>(keys - 1, 39))] = -kInf;
      for (const bool zero_hidden : {false, true}) {
        shape.zero_hidden = zero_hidden;
        check(shape, GetParam().isa, operands);
      }
    }
}

TEST_P(AttentionOn, NanAndInfinity) {
  for (const float odd : {std::numeric_limits<float>::quiet_NaN(), kInf, -kInf}) {
    AttentionShape shape = dense(GetParam(), 1, 40, 300, 16, 16);
    Operands operands = random_operands(shape, 4);
    operands.q[3 * 16 + 5] = odd;  // row 3 alone
    operands.v[120 * 16 + 2] = odd;
    check(shape, GetParam().isa, operands);
    operands.k[200 * 16] = odd;
    check(shape, GetParam().isa, operands);
  }
}

TEST_P(AttentionOn, NothingToDo) {
  for (const auto& [rows, keys, columns] : {std::array{0, 5, 5}, std::array{5, 0, 5}, std::array{5, 5, 0}}) {
    const AttentionShape shape = dense(GetParam(), 2, rows, keys, 8, columns);
    check(shape, GetParam().isa, random_operands(shape, 4));
  }
}

TEST_P(AttentionOn, VisibleKeysAreThoseBeforeTheHiddenOnes) {
  const auto& kernels = attention_kernels(DType::f32, base::fp32_isa(GetParam().isa));
  const auto count = [&](const std::vector<float>& mask, std::int64_t rows = 1) {
    const auto keys = static_cast<std::int64_t>(mask.size()) / rows;
    return kernels.visible_keys(mask.data(), keys, rows, keys);
  };
  EXPECT_EQ(count({0, 0, -kInf, 0, -kInf, kLowest}), 4);
  EXPECT_EQ(count({0, -10000, -10000}), 3);  // not low enough to be nothing beside any score
  EXPECT_EQ(count({kLowest, kLowest}), 2);   // averages
  EXPECT_EQ(count({-kInf, -kInf}), 2);       // NaN
  EXPECT_EQ(count({kLowest, -kInf}), 1);
  EXPECT_EQ(count({0, std::numeric_limits<float>::quiet_NaN(), -kInf}), 2);
  EXPECT_EQ(count({}), 0);
  EXPECT_EQ(count({0, -kInf, -kInf, -kInf, 0, -kInf}, 2), 2);  // of the row that sees most
  for (const std::int64_t keys : {1, 7, 16, 33, 100})
    for (std::int64_t visible = 1; visible <= keys; ++visible) {
      std::vector<float> mask(static_cast<std::size_t>(3 * keys), kLowest);
      mask[static_cast<std::size_t>(keys)] = mask[static_cast<std::size_t>(2 * keys)] = mask[0] = 1;
      mask[static_cast<std::size_t>(keys + visible - 1)] = -5;
      EXPECT_EQ(count(mask, 3), visible) << "of " << keys;
    }
}

TEST_P(AttentionOn, HiddenKeysAreThoseBeforeTheVisibleOnes) {
  const auto& kernels = attention_kernels(DType::f32, base::fp32_isa(GetParam().isa));
  const auto count = [&](const std::vector<float>& mask, std::int64_t rows = 1) {
    const auto keys = static_cast<std::int64_t>(mask.size()) / rows;
    return kernels.hidden_keys(mask.data(), keys, rows, keys);
  };
  EXPECT_EQ(count({-kInf, kLowest, 0, -kInf, 0}), 2);
  EXPECT_EQ(count({-10000, -10000, 0}), 0);
  EXPECT_EQ(count({-kInf, -kInf}), 0);
  EXPECT_EQ(count({-kInf, std::numeric_limits<float>::quiet_NaN(), 0}), 1);
  EXPECT_EQ(count({}), 0);
  EXPECT_EQ(count({-kInf, -kInf, 0, -kInf, 0, 0}, 2), 1);
  for (const std::int64_t keys : {1, 7, 16, 33, 100})
    for (std::int64_t hidden = 0; hidden < keys; ++hidden) {
      std::vector<float> mask(static_cast<std::size_t>(3 * keys), kLowest);
      for (std::int64_t row = 1; row <= 3; ++row) mask[static_cast<std::size_t>(row * keys - 1)] = 1;
      mask[static_cast<std::size_t>(keys + hidden)] = 1;
      EXPECT_EQ(count(mask, 3), hidden) << "of " << keys;
    }
}

// Texts in one row, each seeing itself: blocks of rows begin and end at keys of their own.
TEST_P(AttentionOn, SeveralTextsInARow) {
  constexpr std::int64_t kTokens = 700;
  AttentionShape shape = dense(GetParam(), 2, kTokens, kTokens, 32, 40);
  shape.masked = true;
  shape.mask_row_stride = kTokens;
  Operands operands = random_operands(shape, 12);
  operands.mask.assign(kTokens * kTokens, -kInf);
  for (const std::int64_t step : {1, 23, 64, 310}) {
    std::fill(operands.mask.begin(), operands.mask.end(), -kInf);
    for (std::int64_t i = 0; i < kTokens; ++i)
      for (std::int64_t j = i / step * step; j < std::min(kTokens, i / step * step + step); ++j)
        operands.mask[static_cast<std::size_t>(i * kTokens + j)] = 0;
    SCOPED_TRACE(step);
    check(shape, GetParam().isa, operands);
  }
}

}  // namespace
}  // namespace wherry::kernels
