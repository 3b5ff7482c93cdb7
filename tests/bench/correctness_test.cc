// The check must pass what is right and, above all, not pass what is wrong.

#include "bench/correctness.h"

#include <gmock/gmock.h>

#include "bench/inputs.h"

namespace wherry::bench {
namespace {

using testing::HasSubstr;

Model load(const Options& options) { return Model::load(WHERRY_SOURCE_DIR "/tests/engine/data/small_cnn.pt", options); }
Model load_pair(const Options& options) { return Model::load(WHERRY_SOURCE_DIR "/tests/engine/data/pair.pt", options); }

std::vector<Tensor> images(std::int64_t batch) {
  return random_inputs({{"image", DType::f32, Dims{batch, 3, 12, 12}}});
}

Tensor copy_of(const Tensor& tensor) {
  const auto values = tensor.values<float>();
  return Tensor::of<float>(tensor.sizes(), values);
}

TEST(Correctness, PassesRightAnswersImageByImage) {
  const std::vector<Tensor> inputs = images(6);
  const std::vector<std::vector<Tensor>> rounds(2, load({}).run(inputs));
  std::vector<std::int64_t> heard;
  const Correctness found = check(load, {}, inputs, rounds, {}, [&](std::int64_t image, std::int64_t count) {
    EXPECT_EQ(count, 4);
    heard.push_back(image);
  });
  EXPECT_TRUE(found.passed);
  EXPECT_EQ(found.images, 4);
  EXPECT_THAT(heard, testing::ElementsAre(0, 1, 2, 3));
  EXPECT_EQ(found.agreement.rows, 8);
  EXPECT_EQ(found.agreement.top1_agreement(), 1);
  EXPECT_GT(found.agreement.cosine, 0.999999);
}

TEST(Correctness, FailsOneWrongNumberInEitherRound) {
  const std::vector<Tensor> inputs = images(2);
  const std::vector<Tensor> right = load({}).run(inputs);
  Tensor wrong = copy_of(right[0]);
  wrong.mutable_values<float>()[7] += 0.01F;  // of the second image
  for (const auto& rounds : {std::vector<std::vector<Tensor>>{right, {wrong}}, {{wrong}, right}}) {
    const Correctness found = check(load, {}, inputs, rounds, {});
    EXPECT_FALSE(found.passed);
    EXPECT_NEAR(found.agreement.max_abs_error, 0.01, 1e-4);
    EXPECT_TRUE(check(load, {}, inputs, rounds, {Rule::cosine, {}}).passed);
  }
  for (float& value : wrong.mutable_values<float>()) value = -value;
  EXPECT_FALSE(check(load, {}, inputs, std::vector<std::vector<Tensor>>{{wrong}}, {Rule::cosine, {}}).passed);
}

// Whatever was asked for, the reference is scalar and fp32.
TEST(Correctness, LoadsTheReference) {
  const std::vector<Tensor> inputs = images(1);
  const std::vector<std::vector<Tensor>> rounds = {load({}).run(inputs)};
  Options options, seen;
  options.precision = Precision::bf16;
  options.threads = 1;
  check([&](const Options& asked) { return load(seen = asked); }, options, inputs, rounds, {});
  EXPECT_EQ(seen.isa, "scalar");
  EXPECT_EQ(seen.precision, Precision::fp32);
  EXPECT_EQ(seen.threads, 1);
}

// Two inputs whose first dimensions differ: no images to take apart.
TEST(Correctness, RunsTheWholeWhereThereAreNoImages) {
  const std::vector<Tensor> inputs =
      random_inputs({{"features", DType::f32, Dims{3, 6}}, {"token_types", DType::i64, Dims{4}}});
  const std::vector<std::vector<Tensor>> rounds = {load_pair({}).run(inputs)};
  const Correctness found = check(load_pair, {}, inputs, rounds, {});
  EXPECT_TRUE(found.passed);
  EXPECT_EQ(found.images, 1);
  EXPECT_EQ(found.agreement.rows, 3);
}

// As of a traced model whose batch size is written into it: image by image would ask another question.
TEST(Correctness, RunsTheWholeBatchWhereOneImageIsRefused) {
  const std::vector<Tensor> inputs =
      random_inputs({{"features", DType::f32, Dims{3, 6}}, {"token_types", DType::i64, Dims{3}}});
  const std::vector<std::vector<Tensor>> rounds = {load_pair({}).run(inputs)};
  const Correctness found = check(load_pair, {}, inputs, rounds, {});
  EXPECT_TRUE(found.passed);
  EXPECT_EQ(found.images, 3);
  EXPECT_EQ(found.agreement.rows, 3);
}

TEST(Correctness, RuleFollowsPrecision) {
  EXPECT_EQ(rule_for("fp32", false), Rule::all_close);
  EXPECT_EQ(rule_for("fp32", true), Rule::cosine);
  EXPECT_EQ(rule_for("bf16", false), Rule::cosine);
  EXPECT_THAT(describe(Rule::all_close, {}), HasSubstr("0.0001"));
  EXPECT_THAT(describe(Rule::cosine, {}), HasSubstr("0.99"));
}

}  // namespace
}  // namespace wherry::bench
