// Softmax and ranking against values worked out by hand.

#include "tasks/top_classes.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace wherry::tasks {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

TEST(TopClasses, RanksAndSumsToOne) {
  const float logits[] = {std::log(1.0f), std::log(5.0f), std::log(2.0f), std::log(2.0f)};
  const auto top = top_classes(logits, 4);
  ASSERT_TRUE(top);
  ASSERT_EQ(top->size(), 4U);
  const std::pair<int, double> expected[] = {{1, 0.5}, {2, 0.2}, {3, 0.2}, {0, 0.1}};
  double sum = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ((*top)[i].index, expected[i].first);
    EXPECT_NEAR((*top)[i].probability, expected[i].second, 1e-7);
    EXPECT_EQ((*top)[i].logit, logits[expected[i].first]);
    sum += (*top)[i].probability;
  }
  EXPECT_NEAR(sum, 1, 1e-12);
}

TEST(TopClasses, TheSoftmaxIsOverAllClassesNotTheTop) {
  const float logits[] = {3, 3, 3, 3};
  const auto top = top_classes(logits, 1);
  ASSERT_TRUE(top);
  ASSERT_EQ(top->size(), 1U);
  EXPECT_EQ(top->front().index, 0);
  EXPECT_DOUBLE_EQ(top->front().probability, 0.25);
}

TEST(TopClasses, LargeLogitsDoNotOverflow) {
  const float logits[] = {3e38f, -3e38f, 0};
  const auto top = top_classes(logits, 9);
  ASSERT_TRUE(top);
  ASSERT_EQ(top->size(), 3U);
  EXPECT_EQ(top->front().index, 0);
  EXPECT_DOUBLE_EQ(top->front().probability, 1);
  EXPECT_DOUBLE_EQ(top->back().probability, 0);
}

TEST(TopClasses, MaskedClassesAreAllowedNonsenseIsNot) {
  const float masked[] = {-kInfinity, 1};
  EXPECT_EQ(top_classes(masked, 1)->front().index, 1);
  const float nan[] = {1, NAN};
  EXPECT_FALSE(top_classes(nan, 1));
  const float infinite[] = {1, kInfinity};
  EXPECT_FALSE(top_classes(infinite, 1));
  const float nothing[] = {-kInfinity, -kInfinity};
  EXPECT_FALSE(top_classes(nothing, 1));
  EXPECT_TRUE(top_classes({}, 1)->empty());
}

}  // namespace
}  // namespace wherry::tasks
