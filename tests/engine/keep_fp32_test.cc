// Modules that stay in fp32 while the rest multiplies bf16, what every layer computes, and the file that remembers the
// choice.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "base/cpu.h"
#include "engine/precision_record.h"
#include "tests/temporary_folder.h"
#include "wherry/compiled.h"
#include "wherry/error.h"
#include "wherry/model.h"

namespace wherry {
namespace {

using engine::parse_precision_record;
using engine::PrecisionRecord;
using testing::ElementsAre;
using testing::HasSubstr;

const std::string kSmallCnn = WHERRY_SOURCE_DIR "/tests/engine/data/small_cnn.pt";

Tensor image() {
  Tensor tensor = Tensor::empty(DType::f32, {1, 3, 20, 18});
  std::int64_t i = 0;
  for (float& value : tensor.mutable_values<float>()) value = static_cast<float>(i++ * 37 % 101) / 50 - 1;
  return tensor;
}

std::vector<std::string> precisions(const std::vector<LayerOutput>& layers) {
  std::vector<std::string> found;
  for (const LayerOutput& layer : layers) found.push_back(layer.module + " " + layer.precision);
  return found;
}

TEST(LayerOutputs, AreOfEveryProductAndTheModelsOwnAreTheSame) {
  const Model model = Model::load(kSmallCnn);
  const std::array inputs{image()};
  std::vector<Tensor> outputs;
  const std::vector<LayerOutput> layers = model.layer_outputs(inputs, &outputs);
  EXPECT_THAT(precisions(layers), ElementsAre("first fp32", "second fp32", "head fp32"));
  EXPECT_EQ(layers[0].value.sizes(), (Dims{1, 8, 10, 9}));
  for (const float value : layers[0].value.values<float>()) EXPECT_GE(value, 0);  // with the ReLU that was fused
  const std::vector<Tensor> expected = model.run(inputs);
  ASSERT_EQ(outputs.size(), 1u);
  EXPECT_EQ(std::memcmp(outputs[0].data(), expected[0].data(), outputs[0].bytes()), 0);
  EXPECT_EQ(std::memcmp(layers[2].value.data(), expected[0].data(), expected[0].bytes()), 0);
}

TEST(KeepFp32, ModulesByPath) {
  if (!base::has_bf16(base::selected_isa())) GTEST_SKIP() << "NOT TESTED: no bf16 instructions here";
  const std::array inputs{image()};
  Options options;
  options.precision = Precision::bf16;
  const Model all = Model::load(kSmallCnn, options);
  EXPECT_THAT(precisions(all.layer_outputs(inputs)), ElementsAre("first bf16", "second bf16", "head bf16"));
  options.keep_fp32 = {"second", "no such module"};
  const Model mixed = Model::load(kSmallCnn, options);
  EXPECT_THAT(precisions(mixed.layer_outputs(inputs)), ElementsAre("first bf16", "second fp32", "head bf16"));
  for (const StepInfo& step : mixed.inspect(inputs).steps)
    if (!step.origins.empty() && step.modules.back().path == "second") {
      EXPECT_EQ(step.precision, "fp32");
    }
  const std::vector<std::vector<Tensor>> sets = {{image()}};
  EXPECT_THROW(mixed.compile(TemporaryFolder().path("mixed.wherry"), sets), InvalidInput);

  options.keep_fp32 = {"first", "second", "head"};
  options.winograd = false;
  const Tensor kept = Model::load(kSmallCnn, options).run(inputs)[0];
  options.precision = Precision::fp32;
  const Tensor exact = Model::load(kSmallCnn, options).run(inputs)[0];
  EXPECT_EQ(std::memcmp(kept.data(), exact.data(), exact.bytes()), 0);
}

TEST(PrecisionRecord, IsFoundBesideTheModel) {
  const TemporaryFolder folder;
  const std::string model = folder.path("model.pt");
  std::filesystem::copy_file(kSmallCnn, model, std::filesystem::copy_options::overwrite_existing);
  engine::write_precision_record({model + ".precision", 0.01, {"second"}});
  for (const char* variable : {"DNNL_DEFAULT_FPMATH_MODE", "ONEDNN_DEFAULT_FPMATH_MODE"}) ::unsetenv(variable);
  const Model found = Model::load(model);
  EXPECT_NE(found.describe().precision_note, "");
  if (base::has_bf16(base::selected_isa())) {
    const std::array inputs{image()};
    EXPECT_THAT(precisions(found.layer_outputs(inputs)), ElementsAre("first bf16", "second fp32", "head bf16"));
    EXPECT_THAT(found.describe().precision_note, HasSubstr("1 module in fp32, as " + model + ".precision says"));
  }
  Options options;
  options.precision = Precision::fp32;
  EXPECT_EQ(Model::load(model, options).describe().precision_note, "");
  ::setenv("DNNL_DEFAULT_FPMATH_MODE", "STRICT", 1);
  EXPECT_EQ(Model::load(model).describe().precision, "fp32");
  EXPECT_EQ(Model::load(model).describe().precision_note, "");
  ::unsetenv("DNNL_DEFAULT_FPMATH_MODE");
  std::ofstream(model + ".precision") << "something else\n";
  EXPECT_THROW(Model::load(model), InvalidInput);
}

TEST(PrecisionRecord, IsReadAsItWasWritten) {
  const PrecisionRecord written{"x.precision", 0.0025, {"layer1.0.conv1", "", "fc"}};
  const PrecisionRecord read = parse_precision_record(print_precision_record(written), written.path);
  EXPECT_EQ(read.max_error, written.max_error);
  EXPECT_EQ(read.keep_fp32, written.keep_fp32);
  EXPECT_THAT(parse_precision_record("wherry precision 1\n# a word\n\nmax-error 1e-3\nfp32 fc\n", "x").keep_fp32,
              ElementsAre("fc"));
  EXPECT_EQ(engine::precision_record_path("bert/"), "bert.precision");
  EXPECT_EQ(engine::precision_record_path("a/resnet50.pt"), "a/resnet50.pt.precision");
}

TEST(PrecisionRecord, SaysWhichLineIsWrong) {
  const auto error_of = [](std::string_view text) -> std::string {
    try {
      parse_precision_record(text, "x.precision");
    } catch (const InvalidInput& error) {
      return error.what();
    }
    return "none";
  };
  EXPECT_THAT(error_of(""), HasSubstr("x.precision: found no line 'max-error NUMBER'"));
  EXPECT_THAT(error_of("wherry precision 2\n"), HasSubstr("line 1: found 'wherry precision 2'"));
  EXPECT_THAT(error_of("wherry precision 1\nmax-error -1\n"), HasSubstr("line 2: found 'max-error -1'"));
  EXPECT_THAT(error_of("wherry precision 1\nmax-error nan\n"), HasSubstr("line 2"));
  EXPECT_THAT(error_of("wherry precision 1\nmax-error 1\nmax-error 2\n"), HasSubstr("line 3"));
  EXPECT_THAT(error_of("wherry precision 1\nmax-error 1\nbf16 fc\n"),
              HasSubstr("line 3: found 'bf16 fc'; 'fp32 MODULE'"));
}

}  // namespace
}  // namespace wherry
