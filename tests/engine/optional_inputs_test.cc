// Inputs that may be left out: what they then count as, through every call that takes inputs.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "tests/temporary_folder.h"
#include "wherry/compiled.h"
#include "wherry/error.h"
#include "wherry/model.h"

namespace wherry {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class OptionalInputs : public testing::Test {
 protected:
  /// int64[2, 5] of small numbers.
  static Tensor of(std::int64_t factor, std::int64_t modulus) {
    Tensor tensor = Tensor::empty(DType::i64, {2, 5});
    std::int64_t i = 0;
    for (std::int64_t& value : tensor.mutable_values<std::int64_t>()) value = factor * i++ % modulus;
    return tensor;
  }
  static Tensor full(std::int64_t number) {
    Tensor tensor = Tensor::empty(DType::i64, {2, 5});
    std::ranges::fill(tensor.mutable_values<std::int64_t>(), number);
    return tensor;
  }

  double difference(const std::vector<Tensor>& a, const std::vector<Tensor>& b) const {
    const Tensor x = model_.run(a)[0], y = model_.run(b)[0];
    double most = 0;
    for (std::size_t i = 0; i < x.values<float>().size(); ++i)
      most = std::max(most, std::fabs(double{x.values<float>()[i]} - y.values<float>()[i]));
    return most;
  }
  std::string refusal(const std::vector<Tensor>& inputs) const {
    try {
      model_.run(inputs);
    } catch (const InvalidInput& error) {
      return error.what();
    }
    return "ran";
  }

  const Model model_ = Model::load(WHERRY_SOURCE_DIR "/tests/engine/data/small_bert");
  const Tensor ids_ = of(7, 60), mask_ = of(1, 2), types_ = of(3, 2), ones_ = full(1), zeros_ = full(0);
  static constexpr double kRounding = 1e-6;
};

TEST_F(OptionalInputs, CountAsTheirFallback) {
  EXPECT_LE(difference({ids_}, {ids_, ones_, zeros_}), kRounding);
  EXPECT_LE(difference({ids_, mask_}, {ids_, mask_, zeros_}), kRounding);
  EXPECT_LE(difference({ids_, Tensor(), types_}, {ids_, ones_, types_}), kRounding);
  EXPECT_LE(difference({ids_, Tensor(), Tensor()}, {ids_}), 0);
  // And what they say matters.
  EXPECT_GE(difference({ids_}, {ids_, mask_}), 1e-3);
  EXPECT_GE(difference({ids_}, {ids_, ones_, types_}), 1e-3);
}

TEST_F(OptionalInputs, EveryCallTakesFewer) {
  const std::vector<Tensor> few = {ids_};
  EXPECT_EQ(model_.inspect(few).inputs.size(), 1u);
  EXPECT_EQ(model_.output_names(few), std::vector<std::string>{"logits"});
  const TemporaryFolder folder;
  const std::string path = folder.path("model.wherry");
  const std::vector<std::vector<Tensor>> sets = {few};
  EXPECT_EQ(model_.compile(path, sets).shapes[0].size(), 1u);
  const Model compiled = Model::load(path);
  EXPECT_EQ(compiled.run(few)[0].sizes(), (Dims{2, 3}));
  EXPECT_EQ(compiled.run(std::vector{ids_, mask_})[0].sizes(), (Dims{2, 3}));
}

TEST_F(OptionalInputs, OthersAreNeeded) {
  EXPECT_THAT(refusal({}), AllOf(HasSubstr("found 0"), HasSubstr("1 to 5"), HasSubstr("input_ids, attention_mask")));
  EXPECT_THAT(refusal({ids_, mask_, types_, ids_.view({10}, {1}, 0), types_, types_}), HasSubstr("found 6"));
  EXPECT_THAT(refusal({ids_, mask_, types_, types_}), AllOf(HasSubstr("positions"), HasSubstr("[-1]")));
  EXPECT_THAT(refusal({Tensor(), mask_}), HasSubstr("input_ids"));
  EXPECT_THAT(refusal({ids_, mask_.to(DType::f32)}), AllOf(HasSubstr("attention_mask"), HasSubstr("int64")));
  EXPECT_THAT(refusal({ids_, Tensor::zeros(DType::i64, {2, 4})}), HasSubstr("one shape"));
  EXPECT_THAT(refusal({ids_.view({10}, {1}, 0)}), HasSubstr("[-1, -1]"));
}

TEST_F(OptionalInputs, PositionsSayWhichTokensCount) {
  const auto run = [&](std::vector<std::int64_t> tokens) {
    Tensor positions = Tensor::empty(DType::i64, {static_cast<std::int64_t>(tokens.size())});
    std::ranges::copy(tokens, positions.mutable_values<std::int64_t>().begin());
    return model_.run(std::vector{ids_, Tensor(), Tensor(), positions})[0];
  };
  const Tensor first = model_.run(std::vector{ids_})[0], picked = run({0, 5, 5});
  ASSERT_EQ(picked.sizes(), (Dims{3, 3}));
  for (std::size_t i = 0; i < 6; ++i) EXPECT_NEAR(picked.values<float>()[i], first.values<float>()[i], kRounding);
  for (std::size_t i = 6; i < 9; ++i) EXPECT_EQ(picked.values<float>()[i], picked.values<float>()[i - 3]);
  EXPECT_THROW(run({10}), InvalidInput);
}

TEST_F(OptionalInputs, IdsOutsideOfTheVocabularyAreRefused) {
  EXPECT_THAT(refusal({full(60)}), HasSubstr("60 rows"));
  EXPECT_THAT(refusal({ids_, ones_, full(2)}), HasSubstr("2 rows"));
}

}  // namespace
}  // namespace wherry
