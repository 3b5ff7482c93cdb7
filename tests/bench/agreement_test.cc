// Figures worked out by hand.

#include "bench/agreement.h"

#include <gmock/gmock.h>

#include <array>
#include <cmath>
#include <cstdlib>
#include <limits>

#include "wherry/error.h"

namespace wherry::bench {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

Tensor row(std::vector<float> values) {
  return Tensor::of<float>({1, static_cast<std::int64_t>(values.size())}, values);
}

Agreement compared(const Tensor& found, const Tensor& expected) {
  Agreement agreement;
  compare(std::array{found}, std::array{expected}, {}, agreement);
  return agreement;
}

TEST(Agreement, OfEquals) {
  const Agreement agreement = compared(row({1, -2, 3}), row({1, -2, 3}));
  EXPECT_DOUBLE_EQ(agreement.cosine, 1);
  EXPECT_EQ(agreement.max_abs_error, 0);
  EXPECT_EQ(agreement.max_rel_error, 0);
  EXPECT_TRUE(agreement.all_close);
  EXPECT_EQ(agreement.top1_agreement(), 1);
}

TEST(Agreement, MeasuresErrors) {
  const Agreement agreement = compared(row({3, 4, 0}), row({4, 3, 0}));
  EXPECT_DOUBLE_EQ(agreement.cosine, 24.0 / 25);
  EXPECT_EQ(agreement.max_abs_error, 1);
  EXPECT_EQ(agreement.max_rel_error, 0.25);
  EXPECT_FALSE(agreement.all_close);
  EXPECT_EQ(agreement.rows, 1);
  EXPECT_EQ(agreement.rows_agreed, 0);
}

// torch.allclose: the tolerances add up.
TEST(Agreement, IsCloseAsTorchSays) {
  EXPECT_TRUE(compared(row({1.00019F}), row({1})).all_close);
  EXPECT_FALSE(compared(row({1.00021F}), row({1})).all_close);
  EXPECT_TRUE(compared(row({0.00009F}), row({0})).all_close);
  EXPECT_FALSE(compared(row({0.00011F}), row({0})).all_close);
  EXPECT_TRUE(compared(row({1000.09F}), row({1000})).all_close);
}

TEST(Agreement, OfWhatIsNotFinite) {
  const Agreement same = compared(row({kNan, kInf, 1}), row({kNan, kInf, 1}));
  EXPECT_TRUE(same.all_close);
  EXPECT_EQ(same.cosine, 1);
  for (const auto& [found, expected] :
       {std::pair(kNan, 1.F), std::pair(1.F, kNan), std::pair(kInf, -kInf), std::pair(kInf, 1.F)}) {
    const Agreement agreement = compared(row({found, 1}), row({expected, 1}));
    EXPECT_FALSE(agreement.all_close);
    EXPECT_EQ(agreement.cosine, 0);
    EXPECT_TRUE(std::isinf(agreement.max_abs_error));
  }
}

TEST(Agreement, OfZeros) {
  EXPECT_EQ(compared(row({0, 0}), row({0, 0})).cosine, 1);
  EXPECT_EQ(compared(row({1, 0}), row({0, 0})).cosine, 0);
  EXPECT_TRUE(std::isinf(compared(row({1, 0}), row({0, 0})).max_rel_error));
}

TEST(Agreement, KeepsTheWorstAndCountsRows) {
  Agreement agreement;
  const auto two = [](std::vector<float> values) { return Tensor::of<float>({2, 2}, values); };
  compare(std::array{two({1, 2, 4, 3})}, std::array{two({1, 2, 3, 4})}, {}, agreement);
  const double worst = agreement.cosine;
  compare(std::array{two({1, 2, 3, 4})}, std::array{two({1, 2, 3, 4})}, {}, agreement);
  EXPECT_EQ(agreement.cosine, worst);
  EXPECT_EQ(agreement.max_abs_error, 1);
  EXPECT_FALSE(agreement.all_close);
  EXPECT_EQ(agreement.rows, 4);
  EXPECT_EQ(agreement.rows_agreed, 3);
}

TEST(Agreement, ReadsIntegers) {
  const std::vector<std::int64_t> a{1, 2}, b{1, 3};
  EXPECT_FALSE(compared(Tensor::of<std::int64_t>({2}, a), Tensor::of<std::int64_t>({2}, b)).all_close);
  EXPECT_TRUE(compared(Tensor::of<std::int64_t>({2}, a), Tensor::of<std::int64_t>({2}, a)).all_close);
}

TEST(Tolerance, FollowsTorchbenchsVariables) {
  ::setenv("TORCHBENCH_ATOL", "0.5", 1);
  EXPECT_EQ(Tolerance::from_environment().absolute, 0.5);
  EXPECT_EQ(Tolerance::from_environment().relative, 1e-4);
  ::setenv("TORCHBENCH_ATOL", "much", 1);
  EXPECT_THROW(Tolerance::from_environment(), InvalidInput);
  ::unsetenv("TORCHBENCH_ATOL");
  EXPECT_EQ(Tolerance::from_environment().absolute, 1e-4);
}

}  // namespace
}  // namespace wherry::bench
