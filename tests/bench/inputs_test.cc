// Random, but not at random.

#include "bench/inputs.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>

namespace wherry::bench {
namespace {

TEST(Inputs, AreNormalAndTheSameEachTime) {
  const std::vector<TensorInfo> infos = {{"x", DType::f32, Dims{100, 1000}}};
  const Tensor once = random_inputs(infos)[0], again = random_inputs(infos)[0], other = random_inputs(infos, 1)[0];
  const auto values = once.values<float>();
  EXPECT_TRUE(std::equal(values.begin(), values.end(), again.values<float>().begin()));
  EXPECT_FALSE(std::equal(values.begin(), values.end(), other.values<float>().begin()));
  double sum = 0, squares = 0, fourths = 0;
  for (const double value : values) {
    sum += value;
    squares += value * value;
    fourths += value * value * value * value;
  }
  EXPECT_NEAR(sum / 1e5, 0, 0.02);
  EXPECT_NEAR(squares / 1e5, 1, 0.03);
  EXPECT_NEAR(fourths / 1e5, 3, 0.2);
}

TEST(Inputs, OfOtherTypes) {
  const auto inputs = random_inputs({{"ids", DType::i64, Dims{1, 500}},
                                     {"attention_mask", DType::i64, Dims{1, 5}},
                                     {"token_type_ids", DType::i64, Dims{1, 5}},
                                     {"flags", DType::boolean, Dims{3}},
                                     {"half", DType::f16, Dims{2, 2}},
                                     {"none", DType::f32, Dims{0, 3}}});
  const auto ids = inputs[0].values<std::int64_t>();
  EXPECT_GE(*std::min_element(ids.begin(), ids.end()), 0);
  EXPECT_LT(*std::max_element(ids.begin(), ids.end()), 100);
  EXPECT_GT(*std::max_element(ids.begin(), ids.end()), 50);
  EXPECT_THAT(inputs[1].values<std::int64_t>(), testing::Each(1));
  EXPECT_THAT(inputs[2].values<std::int64_t>(), testing::Each(0));
  EXPECT_EQ(inputs[3].dtype(), DType::boolean);
  EXPECT_EQ(inputs[4].dtype(), DType::f16);
  EXPECT_EQ(inputs[5].numel(), 0);
}

}  // namespace
}  // namespace wherry::bench
