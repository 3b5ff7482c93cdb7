// Layer and group norm against fp64: every tail, strides, absent weights, in place, large means, infinities.

#include "kernels/normalization/normalization.h"

#include <gtest/gtest.h>

#include "kernels/elementwise/test_data.h"
#include "kernels/isa_name.h"
#include "kernels/normalization/normalization_kernels.h"
#include "tensor/half.h"

namespace wherry::kernels {
namespace {

using base::Isa;

std::vector<Isa> tested_isas() {
  std::vector<Isa> isas;
#define WHERRY_NORMALIZATION_KERNELS(set, table) \
  if (base::runs_here(Isa::set)) isas.push_back(Isa::set);
#include "kernels/normalization/kernels.inc"
#undef WHERRY_NORMALIZATION_KERNELS
  return isas;
}

std::vector<Isa> tested_bf16_isas() {
  std::vector<Isa> isas;
#define WHERRY_BF16_ROWS(set) \
  if (base::runs_here(Isa::set)) isas.push_back(Isa::set);
#include "kernels/normalization/bf16_kernels.inc"
#undef WHERRY_BF16_ROWS
  return isas;
}

class Norms : public testing::TestWithParam<Isa> {};
INSTANTIATE_TEST_SUITE_P(Isas, Norms, testing::ValuesIn(tested_isas()), isa_name);

void expect_near(const test::Guarded<float>& y, test::Guarded<float>& expected, double tolerance) {
  EXPECT_TRUE(y.intact());
  for (std::int64_t i = 0; i < expected.size(); ++i) {
    if (expected.untouched(i))
      ASSERT_TRUE(y.untouched(i)) << i;
    else
      ASSERT_NEAR(y.data()[i], expected[i], tolerance * (1 + std::fabs(expected[i]))) << i;
  }
}

TEST_P(Norms, LayerNormOfEveryLength) {
  for (std::int64_t n = 1; n < 160; ++n)
    for (const bool weighted : {false, true})
      for (const bool biased : {false, true}) {
        LayerNormShape s;
        s.outer_sizes = {2, 3};
        s.columns = n;
        s.x_outer_strides = {3 * (n + 1), n + 1};
        s.y_outer_strides = {n + 2, 2 * (n + 2)};
        const auto x = test::normal_values(6 * (n + 1), static_cast<std::uint32_t>(n), 3);
        const auto w = test::normal_values(n, 100), b = test::normal_values(n, 101);
        test::Guarded<float> expected(6 * (n + 2)), y(6 * (n + 2), 1);
        layer_norm_reference(s, x.data(), weighted ? w.data() : nullptr, biased ? b.data() : nullptr, expected.data());
        const auto norm = make_layer_norm(s, GetParam());
        ASSERT_EQ(norm->items(), 6);
        for (const auto& [begin, end] : {std::pair{4, 6}, std::pair{0, 1}, std::pair{1, 4}})
          norm->run(x.data(), weighted ? w.data() : nullptr, biased ? b.data() : nullptr, y.data(), begin, end);
        expect_near(y, expected, n == 1 ? 1e-4 : 4e-6);  // of one element: (x − x) magnified by 1/√epsilon
      }
}

TEST_P(Norms, LayerNormOfLongRowsAndLargeMeans) {
  LayerNormShape s;
  s.columns = 40003;
  auto x = test::normal_values(s.columns, 1);
  for (const float mean : {0.0f, 100.0f}) {
    for (float& value : x) value += mean;
    test::Guarded<float> expected(s.columns), y(s.columns);
    layer_norm_reference(s, x.data(), nullptr, nullptr, expected.data());
    make_layer_norm(s, GetParam())->run(x.data(), nullptr, nullptr, y.data(), 0, 1);
    expect_near(y, expected, mean == 0 ? 4e-6 : 4e-5);  // the mean is rounded to 2⁻¹⁸
  }
}

TEST_P(Norms, LayerNormInPlaceAndOfNaN) {
  LayerNormShape s;
  s.columns = 50;
  const auto x = test::normal_values(50, 2);
  test::Guarded<float> expected(50), y(50);
  std::copy(x.begin(), x.end(), y.data());
  const auto norm = make_layer_norm(s, GetParam());
  norm->run(x.data(), nullptr, nullptr, expected.data(), 0, 1);
  norm->run(y.data(), nullptr, nullptr, y.data(), 0, 1);
  EXPECT_TRUE(std::equal(expected.data(), expected.data() + 50, y.data()));
  y[49] = NAN;
  norm->run(y.data(), nullptr, nullptr, y.data(), 0, 1);
  for (int i = 0; i < 50; ++i) EXPECT_TRUE(std::isnan(y[i]));
}

class Bf16Norms : public testing::TestWithParam<Isa> {};
INSTANTIATE_TEST_SUITE_P(Isas, Bf16Norms, testing::ValuesIn(tested_bf16_isas()), isa_name);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(Bf16Norms);

TEST_P(Bf16Norms, LayerNormOfEveryLength) {
  for (std::int64_t n = 1; n < 200; ++n)
    for (const auto& [x_dtype, y_dtype] :
         {std::pair{DType::bf16, DType::f32}, std::pair{DType::f32, DType::bf16}, std::pair{DType::bf16, DType::bf16}})
      for (const bool weighted : {false, true}) {
        LayerNormShape s;
        s.outer_sizes = {3};
        s.columns = n;
        s.x_outer_strides = {n + 1};
        s.y_outer_strides = {n + 2};
        s.epsilon = 1e-3f;
        s.x_dtype = x_dtype;
        s.y_dtype = y_dtype;
        // The oracle sees the rounded numbers.
        std::vector<float> x = test::normal_values(3 * (n + 1), static_cast<std::uint32_t>(n), 3);
        std::vector<std::uint16_t> halves;
        for (float& value : x) {
          halves.push_back(tensor::float_to_bf16(value));
          if (x_dtype == DType::bf16) value = tensor::bf16_to_float(halves.back());
        }
        const auto w = test::normal_values(n, 100), b = test::normal_values(n, 101);
        test::Guarded<float> expected(3 * (n + 2)), y(3 * (n + 2)), found(3 * (n + 2));
        test::Guarded<std::uint16_t> y_halves(3 * (n + 2));
        layer_norm_reference(s, x.data(), weighted ? w.data() : nullptr, b.data(), expected.data());
        const auto norm = make_layer_norm(s, GetParam());
        const void* from = x_dtype == DType::bf16 ? static_cast<const void*>(halves.data()) : x.data();
        void* to = y_dtype == DType::bf16 ? static_cast<void*>(y_halves.data()) : y.data();
        norm->run(from, weighted ? w.data() : nullptr, b.data(), to, 1, 3);
        norm->run(from, weighted ? w.data() : nullptr, b.data(), to, 0, 1);
        for (std::int64_t i = 0; i < found.size(); ++i) {
          if (y_dtype == DType::f32 ? y.untouched(i) : y_halves.untouched(i)) continue;
          found[i] = y_dtype == DType::f32 ? y[i] : tensor::bf16_to_float(y_halves[i]);
        }
        EXPECT_TRUE(y.intact() && y_halves.intact());
        expect_near(found, expected, y_dtype == DType::f32 ? 2e-5 : 4e-3);
      }
}

TEST_P(Norms, GroupNormInEveryLayout) {
  for (const std::int64_t groups : {1, 2, 4})
    for (const std::int64_t width : {1, 3, 8, 17, 40})
      for (const std::int64_t positions : {1, 5, 16, 49})
        for (int layout = 0; layout < 4; ++layout) {
          GroupNormShape s;
          s.batch = 2;
          s.groups = groups;
          s.channels = groups * width;
          s.positions = positions;
          s.x_batch_stride = s.y_batch_stride = s.channels * positions;
          const bool x_last = layout == 0 || layout == 2, y_last = layout == 0 || layout == 3;
          s.x_channel_stride = x_last ? 1 : positions;
          s.x_position_stride = x_last ? s.channels : 1;
          s.y_channel_stride = y_last ? 1 : positions;
          s.y_position_stride = y_last ? s.channels : 1;
          const std::int64_t size = 2 * s.channels * positions;
          const auto x = test::normal_values(size, 3);
          const auto w = test::normal_values(s.channels, 4), b = test::normal_values(s.channels, 5);
          test::Guarded<float> expected(size), y(size, 1);
          group_norm_reference(s, x.data(), w.data(), b.data(), expected.data());
          const auto norm = make_group_norm(s, GetParam());
          const std::int64_t middle = norm->items() / 2;
          norm->run(x.data(), w.data(), b.data(), y.data(), middle, norm->items());
          norm->run(x.data(), w.data(), b.data(), y.data(), 0, middle);
          expect_near(y, expected, width * positions == 1 ? 1e-4 : 4e-6);
          group_norm_reference(s, x.data(), nullptr, nullptr, expected.data());
          norm->run(x.data(), nullptr, nullptr, y.data(), 0, norm->items());
          expect_near(y, expected, width * positions == 1 ? 1e-4 : 4e-6);
        }
}

TEST(LayerNormReference, IsTheFormula) {
  LayerNormShape s;
  s.columns = 4;
  s.epsilon = 0;
  const float x[] = {1, 2, 3, 6}, w[] = {1, 1, 1, 2}, b[] = {0, 0, 0, 1};
  float y[4];
  layer_norm_reference(s, x, w, b, y);  // mean 3, variance 3.5
  EXPECT_FLOAT_EQ(y[0], -2 / std::sqrt(3.5f));
  EXPECT_FLOAT_EQ(y[3], 2 * 3 / std::sqrt(3.5f) + 1);
}

TEST_P(Norms, TouchNothingPastTheEnd) {
  for (std::int64_t n = 1; n < 70; ++n) {
    LayerNormShape s;
    s.columns = n;
    test::PageEnd<float> x(n), w(n), b(n), y(n);
    make_layer_norm(s, GetParam())->run(x.data(), w.data(), b.data(), y.data(), 0, 1);
    for (std::int64_t i = 0; i < n; ++i) EXPECT_EQ(y.data()[i], 1);  // x is constant: the bias remains
  }
}

}  // namespace
}  // namespace wherry::kernels
