// The public API on real TorchScript files: answers, names, shapes that change, threads that share, errors that say
// what was wrong. The models and the expected numbers come from make_models.py.

#include "wherry/model.h"

#include <gmock/gmock.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <numeric>
#include <thread>

#include "tests/engine/inputs.h"
#include "wherry/error.h"

namespace wherry {
namespace {

using testing::ElementsAre;
using testing::FloatNear;
using testing::HasSubstr;
using testing::Pointwise;

std::string data(const std::string& name) { return WHERRY_SOURCE_DIR "/tests/engine/data/" + name; }

const std::vector<float> kOneImage{0.31876f, 0.628118f, 0.129686f, -0.257701f, -0.306861f};
const std::vector<float> kTwoImages{0.348032f, 0.637722f, 0.133774f, -0.275975f, -0.287686f,
                                    0.348961f, 0.622034f, 0.135585f, -0.25145f,  -0.313739f};

void expect_values(const Tensor& found, const std::vector<float>& expected) {
  EXPECT_THAT(found.values<float>(), Pointwise(FloatNear(2e-6f), expected));
}

class WithThreads : public testing::TestWithParam<int> {
 protected:
  Options options() const {
    Options options;
    options.threads = GetParam();
    return options;
  }
};

TEST_P(WithThreads, AnswersForEveryShape) {
  const Model model = Model::load(data("small_cnn.pt"), options());
  for (int round = 0; round < 2; ++round) {
    const std::vector<Tensor> one = model.run(std::array{ramp({1, 3, 20, 18})});
    ASSERT_EQ(one.size(), 1u);
    EXPECT_EQ(one[0].sizes(), (Dims{1, 5}));
    expect_values(one[0], kOneImage);
    const std::vector<Tensor> two = model.run(std::array{ramp({2, 3, 9, 13})});
    EXPECT_EQ(two[0].sizes(), (Dims{2, 5}));
    expect_values(two[0], kTwoImages);
  }
}

TEST_P(WithThreads, SeveralCallersShareOneModel) {
  const Model model = Model::load(data("small_cnn.pt"), options());
  std::array<std::vector<Tensor>, 4> results;
  std::vector<std::thread> callers;
  for (std::size_t i = 0; i < results.size(); ++i) {
    callers.emplace_back([&, i] {
      for (int round = 0; round < 10; ++round) {
        results[i] = model.run(std::array{i % 2 == 0 ? ramp({1, 3, 20, 18}) : ramp({2, 3, 9, 13})});
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  for (std::size_t i = 0; i < results.size(); ++i) expect_values(results[i][0], i % 2 == 0 ? kOneImage : kTwoImages);
}

INSTANTIATE_TEST_SUITE_P(Teams, WithThreads, testing::Values(1, 2, 3));

TEST(Model, OutputsKeepTheirNamesAndOrder) {
  const Model model = Model::load(data("pair.pt"));
  const std::vector<Tensor> inputs{ramp({3, 6}), tokens({1, 9, 0, 4})};
  EXPECT_THAT(model.output_names(inputs), ElementsAre("scores", "words"));
  const std::vector<Tensor> outputs = model.run(inputs);
  ASSERT_EQ(outputs.size(), 2u);
  expect_values(outputs[0], {0.210518f, 0.295364f, 0.205946f, 0.288172f, 0.228038f, 0.207146f, 0.340288f, 0.224528f,
                             0.260331f, 0.221076f, 0.257058f, 0.261535f});
  EXPECT_EQ(outputs[1].sizes(), (Dims{4, 4}));
  EXPECT_NEAR(outputs[1].values<float>()[15], 0.059724f, 1e-6);
}

TEST(Model, TakesInputsOfAnyMemoryOrder) {
  const Model model = Model::load(data("small_cnn.pt"));
  const Tensor image = ramp({1, 3, 20, 18});
  Tensor turned = Tensor::empty(DType::f32, {1, 20, 18, 3});
  for (std::int64_t c = 0; c < 3; ++c) {
    for (std::int64_t p = 0; p < 360; ++p) {
      turned.mutable_values<float>()[static_cast<std::size_t>(p * 3 + c)] =
          image.values<float>()[static_cast<std::size_t>(c * 360 + p)];
    }
  }
  expect_values(model.run(std::array{turned.view({1, 3, 20, 18}, {1080, 1, 54, 3}, 0)})[0], kOneImage);
}

TEST(Model, ResultsOutliveTheModel) {
  std::vector<Tensor> outputs;
  {
    const Model model = Model::load(data("small_cnn.pt"));
    outputs = model.run(std::array{ramp({1, 3, 20, 18})});
  }
  expect_values(outputs[0], kOneImage);
}

TEST(Model, DescribesItself) {
  const Model model = Model::load(data("pair.pt"));
  const ModelInfo info = model.describe();
  EXPECT_THAT(info.format, HasSubstr("TorchScript"));
  ASSERT_EQ(info.inputs.size(), 2u);
  EXPECT_EQ(info.inputs[0].name, "features");
  EXPECT_EQ(info.inputs[1].name, "tokens");
  EXPECT_EQ(info.parameter_count, 10 * 4 + 6 * 4 + 4);
  EXPECT_EQ(info.parameter_bytes, 4 * info.parameter_count);
}

TEST(Model, InspectShowsGraphsAndSteps) {
  const Model model = Model::load(data("small_cnn.pt"));
  const PlanInfo info = model.inspect(std::array{ramp({1, 3, 20, 18})});
  EXPECT_THAT(info.graph, HasSubstr("aten::batch_norm"));
  EXPECT_THAT(info.optimized, HasSubstr("convolution"));
  EXPECT_THAT(info.optimized, testing::Not(HasSubstr("aten::")));
  ASSERT_EQ(info.inputs.size(), 1u);
  EXPECT_EQ(info.inputs[0].name, "image");
  ASSERT_EQ(info.outputs.size(), 1u);
  EXPECT_EQ(info.outputs[0].sizes, (Dims{1, 5}));
  EXPECT_GT(info.arena_bytes, 0);
  EXPECT_GT(info.packed_weight_bytes, 4 * (8 * 27 + 8 * 72));
  int convolutions = 0;
  for (const StepInfo& step : info.steps) {
    convolutions += step.op == "convolution";
    EXPECT_EQ(step.precision, "fp32");
    EXPECT_FALSE(step.kernel.empty());
  }
  EXPECT_EQ(convolutions, 2);
}

TEST(Model, ManyShapesStayWithinTheCache) {
  Options one;
  one.threads = 1;
  const Model model = Model::load(data("small_cnn.pt"), one);
  for (std::int64_t i = 0; i < 100; ++i)
    EXPECT_EQ(model.run(std::array{ramp({1, 3, 5 + i % 50, 6})})[0].sizes(), (Dims{1, 5}));
}

template <typename E, typename F>
void expect_error(F&& f, const std::string& part) {
  try {
    f();
    ADD_FAILURE() << "nothing was thrown; expected \"" << part << "\"";
  } catch (const E& error) {
    EXPECT_THAT(error.what(), HasSubstr(part));
    EXPECT_THAT(error.what(), testing::Not(HasSubstr("\n")));
  }
}

TEST(ModelErrors, SayWhatWasFoundAndWanted) {
  const Model model = Model::load(data("pair.pt"));
  const Tensor features = ramp({3, 6});
  expect_error<InvalidInput>([&] { model.run(std::array{features}); }, "found 1, the model takes 2 (features, tokens)");
  expect_error<InvalidInput>([&] { model.run(std::array{features, Tensor()}); },
                             "input 1 (\"tokens\"): found no tensor");
  expect_error<Error>([&] { model.run(std::array{ramp({3, 7}), tokens({1})}); }, "7");
  expect_error<InvalidInput>([&] { model.run(std::array{features, tokens({1, 10, 2})}); }, "10 rows");
  // The model is none the worse for it.
  EXPECT_EQ(model.run(std::array{features, tokens({1, 9})})[0].sizes(), (Dims{3, 2}));
}

TEST(ModelErrors, OfOptionsAndFiles) {
  Options options;
  options.threads = -1;
  expect_error<InvalidInput>([&] { Model::load(data("pair.pt"), options); }, "threads: found -1");
  options.threads = 100000;
  expect_error<InvalidInput>([&] { Model::load(data("pair.pt"), options); }, "100000");
  ::setenv("WHERRY_WINOGRAD", "fast", 1);
  expect_error<InvalidInput>([] { Model::load(data("pair.pt")); }, "WHERRY_WINOGRAD=fast: accepted are 0 and 1");
  ::unsetenv("WHERRY_WINOGRAD");
  expect_error<Error>([] { Model::load(data("missing.pt")); }, "missing.pt");
  expect_error<Error>([] { Model::load(WHERRY_SOURCE_DIR "/tests/engine/model_test.cc"); }, "model_test.cc");
}

}  // namespace
}  // namespace wherry
