// Batches on real TorchScript files: answers that are those of each element alone, and which batches run in slices.
// The models come from make_models.py.

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <array>
#include <thread>

#include "engine/batch_graphs.h"
#include "tests/engine/inputs.h"
#include "wherry/error.h"
#include "wherry/model.h"
#include "wherry/tune.h"

namespace wherry {
namespace {

using engine::slice_size;
using testing::HasSubstr;

std::string data(const std::string& name) { return WHERRY_SOURCE_DIR "/tests/engine/data/" + name; }

/// Element `i` of a batch, as a batch of one.
Tensor element(const Tensor& batch, std::int64_t i) {
  Dims sizes = batch.sizes();
  sizes[0] = 1;
  return batch.view(sizes, batch.strides(), i * batch.strides()[0]).contiguous();
}

void expect_elements(const Model& model, const std::vector<Tensor>& inputs, const std::vector<Tensor>& outputs) {
  ASSERT_EQ(outputs.size(), 1u);
  for (std::int64_t i = 0; i < inputs[0].sizes()[0]; ++i) {
    std::vector<Tensor> alone;
    for (const Tensor& input : inputs) alone.push_back(element(input, i));
    const Tensor expected = model.run(alone)[0];
    const Tensor found = element(outputs[0], i);
    ASSERT_EQ(found.sizes(), expected.sizes());
    // Blockings may differ, and with them the order in which products are added up.
    EXPECT_THAT(found.values<float>(), testing::Pointwise(testing::FloatNear(2e-6f), expected.values<float>()))
        << "element " << i;
  }
}

Options with_threads(int threads) {
  Options options;
  options.threads = threads;
  options.precision = Precision::fp32;
  options.tuning = "";
  return options;
}

struct Batches {
  const char* file;
  std::vector<Tensor> (*inputs)(std::int64_t batch);
};

class Batch : public testing::TestWithParam<std::tuple<Batches, int>> {};

TEST_P(Batch, AnswersAsEachElementAlone) {
  const auto& [batches, threads] = GetParam();
  const Model model = Model::load(data(batches.file), with_threads(threads));
  for (const std::int64_t batch : {6, 7, 32}) {
    SCOPED_TRACE(batch);
    const std::vector<Tensor> inputs = batches.inputs(batch);
    for (int round = 0; round < 2; ++round) expect_elements(model, inputs, model.run(inputs));
    const PlanInfo info = model.inspect(inputs);
    EXPECT_TRUE(batch < 32 || info.slices > 1);
    if (info.slices > 1) {
      EXPECT_EQ((info.slices - (info.rest_size > 0 ? 1 : 0)) * info.slice_size + info.rest_size, batch);
      EXPECT_THAT(info.steps[0].shape, HasSubstr(fmt::format("[{},", info.slice_size)));
    }
    EXPECT_EQ(info.outputs[0].sizes.value()[0], batch);
  }
}

TEST_P(Batch, SeveralCallersShareTheModel) {
  const auto& [batches, threads] = GetParam();
  const Model model = Model::load(data(batches.file), with_threads(threads));
  const std::array<std::vector<Tensor>, 2> inputs{batches.inputs(6), batches.inputs(32)};
  std::array<std::vector<Tensor>, 4> results;
  std::vector<std::thread> callers;
  for (std::size_t i = 0; i < results.size(); ++i) {
    callers.emplace_back([&, i] {
      for (int round = 0; round < 5; ++round) results[i] = model.run(inputs[i % 2]);
    });
  }
  for (std::thread& caller : callers) caller.join();
  for (std::size_t i = 0; i < results.size(); ++i) expect_elements(model, inputs[i % 2], results[i]);
}

INSTANTIATE_TEST_SUITE_P(Files, Batch,
                         testing::Combine(testing::Values(Batches{"small_cnn.pt",
                                                                  [](std::int64_t batch) {
                                                                    return std::vector{ramp({batch, 3, 64, 60})};
                                                                  }},
                                                          Batches{"encoder.pt",
                                                                  [](std::int64_t batch) {
                                                                    return std::vector{ramp({batch, 48}, DType::i64),
                                                                                       ramp({batch, 48}, DType::i64)};
                                                                  }}),
                                          testing::Values(1, 2, 3)));

TEST(BatchSlicing, ElementsThatDependOnEachOtherRunTogether) {
  const Model model = Model::load(data("centred.pt"), with_threads(2));
  const std::vector<Tensor> inputs{ramp({4096, 64})};
  EXPECT_EQ(model.inspect(inputs).slices, 1);
  const Tensor output = model.run(inputs)[0];
  double sum = 0;
  for (std::int64_t i = 0; i < 4096; ++i) sum += output.values<float>()[static_cast<std::size_t>(i * 64)];
  EXPECT_NEAR(sum / 4096, 0, 1e-5) << "the mean of a column";
}

TEST(BatchSlicing, WhatIsDoneInMicrosecondsRunsAsOne) {
  const Model model = Model::load(data("small_cnn.pt"), with_threads(2));
  EXPECT_EQ(model.inspect(std::array{ramp({8, 3, 9, 9})}).slices, 1);
}

TEST(BatchSlicing, ManySmallElementsShareASlice) {
  const Model model = Model::load(data("small_cnn.pt"), with_threads(2));
  const std::vector<Tensor> inputs{ramp({1024, 3, 9, 9})};
  const PlanInfo info = model.inspect(inputs);
  EXPECT_GT(info.slices, 1);
  EXPECT_GE(info.slice_size, 16) << "a slice of one would be over sooner than it has begun";
}

TEST(BatchSlicing, LargeImagesThenLargeWeightsRunInStages) {
  for (const int threads : {1, 2}) {
    SCOPED_TRACE(threads);
    const Model model = Model::random("resnet18", with_threads(threads));
    const std::vector<Tensor> inputs{ramp({12, 3, 64, 64})};
    const PlanInfo info = model.inspect(inputs);
    ASSERT_GT(info.slice_size, 1);
    EXPECT_EQ(info.slices * info.slice_size, 12);
    EXPECT_EQ(info.slices == 1, threads == 1) << "a slice is all of the batch for one thread alone";
    EXPECT_DOUBLE_EQ(info.steps.front().runs, 12);
    EXPECT_DOUBLE_EQ(info.steps.back().runs, static_cast<double>(info.slices));
    const Tensor outputs = model.run(inputs)[0];
    for (std::int64_t i = 0; i < 12; ++i) {
      const Tensor expected = model.run(std::array{element(inputs[0], i)})[0];
      const Tensor found = element(outputs, i);
      EXPECT_THAT(found.values<float>(), testing::Pointwise(testing::FloatNear(1e-4f), expected.values<float>()))
          << "element " << i;
    }
  }
}

TEST(BatchSlicing, FailuresAreThoseOfTheWhole) {
  const Model model = Model::load(data("encoder.pt"), with_threads(2));
  std::vector<Tensor> inputs{ramp({32, 48}, DType::i64), ramp({32, 48}, DType::i64)};
  ASSERT_GT(model.inspect(inputs).slices, 1);
  static_cast<std::int64_t*>(inputs[0].mutable_data())[31 * 48] = 20;
  try {
    model.run(inputs);
    ADD_FAILURE() << "a word that is not in the table was accepted";
  } catch (const InvalidInput& error) {
    EXPECT_THAT(error.what(), HasSubstr("20 rows"));
  }
}

TEST(BatchSlicing, SlicesAreTuned) {
  const Model model = Model::load(data("small_cnn.pt"), with_threads(2));
  const std::vector<Tensor> inputs{ramp({32, 3, 64, 60})};
  const PlanInfo plan = model.inspect(inputs);
  ASSERT_GT(plan.slices, 1);
  TuneOptions options;
  options.seconds = 0.2;
  const TuneReport report = tune(model, inputs, options);
  ASSERT_FALSE(report.primitives.empty());
  const std::string slice = fmt::format("[{},", plan.slice_size);
  for (const TunedPrimitive& primitive : report.primitives) EXPECT_THAT(primitive.shape, HasSubstr(slice));
}

TEST(SliceSize, SharesWorkEvenly) {
  struct Case {
    std::int64_t batch;
    int threads;
    std::int64_t wanted, expected;
  };
  for (const Case& each : {
           Case{32, 2, 4, 4},    // as wanted
           Case{2, 2, 1, 1},     // one each
           Case{4, 2, 4, 2},     // smaller, so that both have one
           Case{6, 2, 4, 3},     //
           Case{7, 2, 4, 4},     // 4 and 3
           Case{24, 3, 3, 4},    // two each
           Case{33, 2, 4, 4},    // 8 slices and one element more
           Case{3, 2, 4, 0},     // a third of the time a thread would be idle
           Case{5, 2, 1, 0},     //
           Case{3, 4, 1, 0},     //
           Case{8, 1, 4, 0},     // two slices in turn gain nothing
           Case{32, 1, 4, 4},    //
           Case{8, 2, 64, 0},    // too few to make up for reading the weights
           Case{256, 2, 64, 64}  //
       }) {
    EXPECT_EQ(slice_size(each.batch, each.threads, each.wanted), each.expected)
        << each.batch << " on " << each.threads << " threads, " << each.wanted << " wanted";
  }
}

}  // namespace
}  // namespace wherry
