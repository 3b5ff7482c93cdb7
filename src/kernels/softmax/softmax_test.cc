// softmax and log_softmax against fp64: every tail, strides, in place, infinities and NaN.

#include "kernels/softmax/softmax.h"

#include <gtest/gtest.h>

#include "kernels/elementwise/test_data.h"
#include "kernels/isa_name.h"
#include "kernels/softmax/softmax_kernels.h"

namespace wherry::kernels {
namespace {

using base::Isa;
constexpr float kInf = std::numeric_limits<float>::infinity();

std::vector<Isa> tested_isas() {
  std::vector<Isa> isas;
#define WHERRY_SOFTMAX_KERNELS(set, table) \
  if (base::runs_here(Isa::set)) isas.push_back(Isa::set);
#include "kernels/softmax/kernels.inc"
#undef WHERRY_SOFTMAX_KERNELS
  return isas;
}

class Rows : public testing::TestWithParam<Isa> {};
INSTANTIATE_TEST_SUITE_P(Isas, Rows, testing::ValuesIn(tested_isas()), isa_name);

void check(const SoftmaxShape& shape, Isa isa, const std::vector<float>& x, std::int64_t y_size) {
  test::Guarded<float> expected(y_size), y(y_size, 1);
  softmax_reference(shape, x.data(), expected.data());
  const auto softmax = make_softmax(shape, isa);
  const std::int64_t middle = softmax->items() / 2;
  softmax->run(x.data(), y.data(), middle, softmax->items());
  softmax->run(x.data(), y.data(), 0, middle);
  EXPECT_TRUE(y.intact());
  for (std::int64_t i = 0; i < y_size; ++i) {
    if (expected.untouched(i)) {
      ASSERT_TRUE(y.untouched(i)) << i;
    } else if (std::isnan(expected[i])) {
      ASSERT_TRUE(std::isnan(y[i])) << i;
    } else if (shape.log) {
      if (std::isinf(expected[i]))
        ASSERT_EQ(y[i], expected[i]);
      else
        ASSERT_NEAR(y[i], expected[i], 2e-6 * (1 + std::fabs(expected[i]))) << i;
    } else {
      // x − m is rounded before it is exponentiated; results below the normal range may be 0.
      const double rounding = expected[i] > 0 ? 6e-8 * -std::log(expected[i]) : 0;
      ASSERT_NEAR(y[i], expected[i], (1e-6 + rounding) * expected[i] + 2e-38) << i;
    }
  }
}

TEST_P(Rows, EveryLength) {
  for (const bool log : {false, true})
    for (std::int64_t n = 1; n < 150; ++n)
      for (const float scale : {1.0f, 30.0f}) {
        SoftmaxShape shape;
        shape.outer_sizes = {3};
        shape.x_outer_strides = {n + 1};
        shape.y_outer_strides = {n + 2};
        shape.columns = n;
        shape.log = log;
        check(shape, GetParam(), test::normal_values(3 * (n + 1), static_cast<std::uint32_t>(n), scale), 3 * (n + 2));
      }
}

TEST_P(Rows, LongRows) {
  for (const bool log : {false, true}) {
    SoftmaxShape shape;
    shape.columns = 50001;
    shape.log = log;
    check(shape, GetParam(), test::normal_values(shape.columns, 3, 2), shape.columns);
  }
}

TEST_P(Rows, StridesAndSeveralOuterDimensions) {
  for (const bool log : {false, true}) {
    SoftmaxShape shape;  // over the channels of [2, 5, 4, 3], channels-last to channels-first
    shape.outer_sizes = {2, 4, 3};
    shape.columns = 5;
    shape.x_outer_strides = {60, 15, 5};
    shape.x_stride = 1;
    shape.y_outer_strides = {60, 3, 1};
    shape.y_stride = 12;
    shape.log = log;
    check(shape, GetParam(), test::normal_values(120, 4), 120);
  }
}

TEST_P(Rows, InPlace) {
  for (const bool log : {false, true}) {
    const auto x = test::normal_values(77, 6);
    SoftmaxShape shape;
    shape.columns = 77;
    shape.log = log;
    std::vector<float> expected(77);
    test::Guarded<float> y(77);
    std::copy(x.begin(), x.end(), y.data());
    const auto softmax = make_softmax(shape, GetParam());
    softmax->run(x.data(), expected.data(), 0, 1);
    softmax->run(y.data(), y.data(), 0, 1);
    EXPECT_TRUE(std::equal(expected.begin(), expected.end(), y.data()));
  }
}

TEST_P(Rows, InfinitiesAndNaN) {
  for (const std::int64_t n : {5, 16, 40})
    for (const std::int64_t at : {std::int64_t{0}, n - 1}) {
      SoftmaxShape shape;
      shape.columns = n;
      const auto softmax = make_softmax(shape, GetParam());
      for (const float value : {-kInf, kInf, NAN}) {
        auto x = test::normal_values(n, 8);
        x[static_cast<std::size_t>(at)] = value;
        std::vector<float> y(x.size());
        softmax->run(x.data(), y.data(), 0, 1);
        for (std::int64_t i = 0; i < n; ++i) {
          if (value == -kInf)
            EXPECT_TRUE(i == at ? y[static_cast<std::size_t>(i)] == 0 : y[static_cast<std::size_t>(i)] > 0);
          else
            EXPECT_TRUE(std::isnan(y[static_cast<std::size_t>(i)]));
        }
      }
      const std::vector<float> none(static_cast<std::size_t>(n), -kInf);
      std::vector<float> y(none.size());
      softmax->run(none.data(), y.data(), 0, 1);
      for (const float value : y) EXPECT_TRUE(std::isnan(value));
    }
}

TEST_P(Rows, TouchNothingPastTheEnd) {
  for (const bool log : {false, true})
    for (std::int64_t n = 1; n < 70; ++n) {
      SoftmaxShape shape;
      shape.columns = n;
      shape.log = log;
      test::PageEnd<float> x(n), y(n);
      make_softmax(shape, GetParam())->run(x.data(), y.data(), 0, 1);
      EXPECT_NEAR(log ? std::exp(y.data()[n - 1]) : y.data()[n - 1], 1.0 / static_cast<double>(n), 1e-6);
    }
}

}  // namespace
}  // namespace wherry::kernels
