// Hugging Face models against transformers' own answers, through the public API: every family with every head, every
// form of weights, and traces of both attentions.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <iostream>

#include "agreement.h"
#include "text_golden.h"
#include "wherry/compiled.h"
#include "wherry/model.h"

namespace wherry {
namespace {

namespace fs = std::filesystem;

/// The case's inputs in the model's order. A trace's are named after nothing that must be kept, so theirs go by order.
std::vector<Tensor> inputs_for(const Model& model, const golden::TextCase& text, bool trace) {
  std::vector<Tensor> inputs;
  if (trace) {
    for (const auto& [name, tensor] : text.inputs) inputs.push_back(tensor);
    return inputs;
  }
  for (const TensorInfo& info : model.describe().inputs) {
    const auto given = std::find_if(text.inputs.begin(), text.inputs.end(),
                                    [&](const auto& input) { return input.first == info.name; });
    inputs.push_back(given == text.inputs.end() ? Tensor() : given->second);
  }
  return inputs;
}

class TextGoldenTest : public testing::TestWithParam<fs::path> {
 protected:
  void SetUp() override {
    std::string name = testing::UnitTest::GetInstance()->current_test_info()->name();  // "AnswersAsTransformers/…"
    std::replace(name.begin(), name.end(), '/', '_');
    folder_ = fs::path(WHERRY_BINARY_DIR) / "goldens" / ("text_" + name);
    fs::remove_all(folder_);
    golden_ = golden::restore_text(GetParam(), folder_);
    ASSERT_FALSE(golden_.cases.empty());
    trace_ = golden_.model != folder_;
  }
  void TearDown() override { fs::remove_all(folder_); }

  fs::path folder_;
  golden::TextGolden golden_;
  bool trace_ = false;
};

TEST_P(TextGoldenTest, AnswersAsTransformers) {
  Options options;
  for (const Precision precision : {Precision::fp32, Precision::bf16}) {
    options.precision = precision;
    const Model model = Model::load(golden_.model.string(), options);
    if (name_of(precision) != model.describe().precision) {
      std::cout << "not run: " << model.describe().precision_note << "\n";
      continue;
    }
    for (const golden::TextCase& text : golden_.cases) {
      const auto inputs = inputs_for(model, text, trace_);
      const std::vector<Tensor> outputs = model.run(inputs);
      ASSERT_EQ(outputs.size(), text.outputs.size());
      const auto names = model.output_names(inputs);
      for (std::size_t i = 0; i < outputs.size(); ++i) {
        SCOPED_TRACE(text.outputs[i].first + " for " + to_string(text.inputs[0].second.sizes()));
        if (!trace_) {
          EXPECT_EQ(names[i], text.outputs[i].first);
        }
        ASSERT_EQ(outputs[i].sizes(), text.outputs[i].second.sizes());
        const auto [cosine, error, largest] = golden::agreement(outputs[i], text.outputs[i].second);
        if (precision == Precision::fp32) {
          EXPECT_LE(error, 1e-5);  // answers of size 1 through two layers
        } else {
          EXPECT_GE(cosine, 0.999);
        }
      }
    }
  }
}

/// Compiled for the first case, and run from the mapped file, the same model gives the same bits for every case.
TEST_P(TextGoldenTest, AnswersTheSameCompiled) {
  const Model original = Model::load(golden_.model.string());
  const fs::path file = folder_ / "model.wherry";
  const std::vector<std::vector<Tensor>> shapes = {inputs_for(original, golden_.cases[0], trace_)};
  original.compile(file.string(), shapes);
  const Model compiled = Model::load(file.string());
  for (const golden::TextCase& text : golden_.cases) {
    const auto inputs = inputs_for(original, text, trace_);
    const auto expected = original.run(inputs), found = compiled.run(inputs);
    ASSERT_EQ(found.size(), expected.size());
    for (std::size_t i = 0; i < found.size(); ++i) {
      ASSERT_EQ(found[i].sizes(), expected[i].sizes());
      EXPECT_EQ(std::memcmp(found[i].data(), expected[i].data(), found[i].bytes()), 0);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Transformers, TextGoldenTest, testing::ValuesIn(golden::recordings(".text_golden")),
                         golden::test_name);

}  // namespace
}  // namespace wherry
