// Compiled models answer bit for bit as the models they were made from, for the shapes they were compiled for and for
// others; what does not suit this process is refused with what to do about it.

#include "wherry/compiled.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <unistd.h>

#include <array>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "base/cpu.h"
#include "base/mapped_file.h"
#include "import/compiled/compiled_file.h"
#include "tests/engine/inputs.h"
#include "tests/temporary_folder.h"
#include "wherry/error.h"

namespace wherry {
namespace {

using testing::AllOf;
using testing::HasSubstr;

std::string data(const std::string& name) { return WHERRY_SOURCE_DIR "/tests/" + name; }

/// A path that nothing is left at.
class Output {
 public:
  std::string path() const { return folder_.path("model.wherry"); }

 private:
  TemporaryFolder folder_;
};

void expect_same(const std::vector<Tensor>& found, const std::vector<Tensor>& expected) {
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    EXPECT_EQ(found[i].dtype(), expected[i].dtype());
    ASSERT_EQ(found[i].sizes(), expected[i].sizes());
    EXPECT_EQ(std::memcmp(found[i].data(), expected[i].data(), found[i].bytes()), 0);
  }
}

template <typename E, typename Call>
std::string message_of(Call call) {
  try {
    call();
  } catch (const E& error) {
    EXPECT_EQ(std::string_view(error.what()).find('\n'), std::string_view::npos) << error.what();
    return error.what();
  }
  ADD_FAILURE() << "nothing of that kind was thrown";
  return {};
}

struct Case {
  std::string name, path, arch;             ///< without a path: random weights
  std::vector<std::vector<Tensor>> inputs;  ///< the first is compiled for
};

std::vector<Case> cases() {
  return {
      {"TorchScript", "engine/data/small_cnn.pt", "", {{ramp({1, 3, 20, 18})}, {ramp({2, 3, 9, 13})}}},
      {"TorchScriptTwoInputs",
       "engine/data/pair.pt",
       "",
       {{ramp({3, 6}), tokens({1, 9, 0, 4})}, {ramp({2, 6}), tokens({1, 0})}}},
      {"StateDict",
       "import/data/mobilenet_v2_woven.pth",
       "mobilenet_v2",
       {{ramp({1, 3, 64, 64})}, {ramp({2, 3, 40, 72})}}},
      {"LegacyStateDict",
       "import/data/mobilenet_v2_woven_legacy.pth",
       "mobilenet_v2",
       {{ramp({1, 3, 64, 64})}, {ramp({2, 3, 40, 72})}}},
      {"ShardsOfPickles",
       "engine/data/small_bert_sharded",
       "",
       {{ramp({1, 7}, DType::i64)}, {ramp({2, 12}, DType::i64)}}},
      {"RandomWeights", "", "squeezenet1_1", {{ramp({1, 3, 64, 64})}, {ramp({2, 3, 40, 72})}}},
  };
}

class EveryKind : public testing::TestWithParam<Case> {};

void expect_answers_as_origin(const Case& each, Precision precision, bool portable) {
  Options options;
  options.arch = each.arch;
  options.precision = precision;
  const bool random = each.path.empty();
  const Model original = random ? Model::random(each.arch, options, 7) : Model::load(data(each.path), options);
  const Output output;
  const CompiledInfo info = original.compile(output.path(), std::span(each.inputs).first(1), portable);
  EXPECT_EQ(info.portable, portable || random);
  EXPECT_EQ(info.precision, name_of(precision));
  EXPECT_GT(info.packed_weights, 0);
  EXPECT_EQ(info.file_bytes, static_cast<std::int64_t>(std::filesystem::file_size(output.path())));
  ASSERT_EQ(info.shapes.size(), 1U);
  EXPECT_EQ(info.shapes[0][0].sizes, each.inputs[0][0].sizes());

  const Model compiled = Model::load(output.path());
  compiled.verify();
  ASSERT_TRUE(compiled.compiled());
  EXPECT_EQ(compiled.compiled()->packed_bytes, info.packed_bytes);
  EXPECT_EQ(compiled.describe().format, "compiled " + original.describe().format);
  EXPECT_EQ(compiled.describe().parameter_count, original.describe().parameter_count);
  for (const auto& inputs : each.inputs) {
    const std::vector<Tensor> expected = original.run(inputs);
    const auto values = expected[0].values<float>();
    ASSERT_TRUE(std::isfinite(values[0]) && values[0] != values[1]) << "a test that cannot fail";
    expect_same(compiled.run(inputs), expected);
    EXPECT_EQ(compiled.output_names(inputs), original.output_names(inputs));
  }
  EXPECT_THAT(message_of<InvalidInput>([&] { compiled.compile(output.path() + "2", each.inputs); }),
              HasSubstr("compiled already"));
}

TEST_P(EveryKind, AnswersAsItsOrigin) { expect_answers_as_origin(GetParam(), Precision::fp32, false); }

TEST_P(EveryKind, AnswersAsItsOriginWithTheWeightsBesides) {
  expect_answers_as_origin(GetParam(), Precision::fp32, true);
}

TEST_P(EveryKind, AnswersAsItsOriginInBf16) {
  if (!base::has_bf16(base::selected_isa())) GTEST_SKIP() << "NOT TESTED: no bf16 instructions here";
  expect_answers_as_origin(GetParam(), Precision::bf16, false);
}

INSTANTIATE_TEST_SUITE_P(Models, EveryKind, testing::ValuesIn(cases()),
                         [](const auto& each) { return each.param.name; });

TEST(Compiled, ShardsAreTheWeightsOfOneFile) {
  const std::vector<Tensor> inputs = {ramp({2, 9}, DType::i64)};
  expect_same(Model::load(data("engine/data/small_bert_sharded")).run(inputs),
              Model::load(data("engine/data/small_bert")).run(inputs));
}

/// A folder of DistilBERT's kind, 64 wide, whose table of positions is larger than what a compiled file always keeps.
void write_encoder(const TemporaryFolder& folder) {
  const std::int64_t width = 64, positions = 600, words = 10;
  std::vector<std::pair<std::string, Dims>> tensors = {{"embeddings.word_embeddings.weight", {words, width}},
                                                       {"embeddings.position_embeddings.weight", {positions, width}}};
  const auto add = [&](const std::string& name, Dims weight) {
    tensors.emplace_back(name + ".bias", Dims{weight[0]});
    tensors.emplace_back(name + ".weight", std::move(weight));
  };
  const std::string layer = "transformer.layer.0.";
  for (const char* name : {"q_lin", "k_lin", "v_lin", "out_lin"}) add(layer + "attention." + name, {width, width});
  for (const char* name : {"lin1", "lin2"}) add(layer + "ffn." + name, {width, width});
  for (const std::string& name :
       {std::string("embeddings.LayerNorm"), layer + "sa_layer_norm", layer + "output_layer_norm"})
    add(name, {width});
  std::string header = "{", contents;
  for (const auto& [name, sizes] : tensors) {
    const Tensor values = ramp(sizes);
    header += fmt::format(R"({}"{}":{{"dtype":"F32","shape":{},"data_offsets":[{},{}]}})", contents.empty() ? "" : ",",
                          name, to_string(sizes), contents.size(), contents.size() + values.bytes());
    contents.append(static_cast<const char*>(values.data()), values.bytes());
  }
  header += "}";
  const std::uint64_t length = header.size();
  folder.file("model.safetensors",
              std::string(reinterpret_cast<const char*>(&length), sizeof(length)) + header + contents);
  folder.file("config.json",
              R"({"model_type":"distilbert","architectures":["DistilBertModel"],"vocab_size":10,"dim":64,)"
              R"("n_layers":1,"n_heads":2,"hidden_dim":64,"max_position_embeddings":600})");
}

TEST(Compiled, ForOneLengthATextModelRunsAtAll) {
  const TemporaryFolder folder;
  write_encoder(folder);
  for (const Precision precision : {Precision::fp32, Precision::bf16}) {
    Options options;
    options.precision = precision;
    const Model original = Model::load(folder.path(""), options);
    for (const std::int64_t length : {1, 16, 600}) {
      const Output output;
      const std::vector<std::vector<Tensor>> compiled_for = {{ramp({1, length}, DType::i64)}};
      original.compile(output.path(), compiled_for);
      const Model compiled = Model::load(output.path(), options);
      for (const std::int64_t other : {1, 5, 300, 600}) {
        SCOPED_TRACE(testing::Message() << name_of(precision) << ", compiled for " << length << ", run at " << other);
        const std::vector<Tensor> inputs = {ramp({2, other}, DType::i64)};
        // The weights of one length may be held for another way to multiply than the original takes at the other.
        const Tensor found = compiled.run(inputs)[0], expected = original.run(inputs)[0];
        ASSERT_EQ(found.sizes(), expected.sizes());
        const double tolerance =
            precision == Precision::fp32 ? 1e-5 : 0.05;  // of hidden states that a norm scales to 1
        for (std::int64_t i = 0; i < found.numel(); ++i)
          ASSERT_NEAR(found.values<float>()[i], expected.values<float>()[i], tolerance) << i;
      }
    }
  }
}

TEST(Compiled, AFileOutlivesItsReplacement) {
  const Output output;
  const Model original = Model::load(data("engine/data/small_cnn.pt"));
  const std::vector<Tensor> inputs = {ramp({1, 3, 20, 18})};
  original.compile(output.path(), std::array{inputs});
  const Model first = Model::load(output.path());
  original.compile(output.path(), std::array{inputs});
  expect_same(first.run(inputs), original.run(inputs));
}

TEST(Compiled, AnotherInstructionSetIsRefusedUnlessPortable) {
  const auto sets = base::runnable_fp32_isas();
  if (sets.size() < 2) GTEST_SKIP() << "this machine has one instruction set";
  Options weak, strong;
  weak.isa = name_of(sets[0]);
  strong.isa = name_of(sets.back());
  const std::vector<Tensor> inputs = {ramp({1, 3, 20, 18})};
  const std::string path = data("engine/data/small_cnn.pt");
  const Output output;
  Model::load(path, weak).compile(output.path(), std::array{inputs});
  EXPECT_THAT(message_of<InvalidInput>([&] { Model::load(output.path(), strong); }),
              AllOf(HasSubstr("compiled for " + weak.isa), HasSubstr("runs " + strong.isa),
                    HasSubstr("WHERRY_FORCE_ISA=" + weak.isa), HasSubstr("--portable")));
  expect_same(Model::load(output.path(), weak).run(inputs), Model::load(path, weak).run(inputs));
  Model::load(path, weak).compile(output.path(), std::array{inputs}, true);
  expect_same(Model::load(output.path(), strong).run(inputs), Model::load(path, strong).run(inputs));
}

TEST(Compiled, AnotherPrecisionIsRefused) {
  if (!base::has_bf16(base::detected_isa())) GTEST_SKIP() << "this machine has no bf16 instructions";
  Options bf16;
  bf16.precision = Precision::bf16;
  bf16.isa = name_of(base::detected_isa());
  Options fp32 = bf16;
  fp32.precision = Precision::fp32;
  const Output output;
  const std::vector<Tensor> inputs = {ramp({1, 3, 20, 18})};
  Model::load(data("engine/data/small_cnn.pt"), fp32).compile(output.path(), std::array{inputs});
  EXPECT_THAT(message_of<InvalidInput>([&] { Model::load(output.path(), bf16); }),
              AllOf(HasSubstr("compiled for fp32"), HasSubstr("--precision bf16")));
}

TEST(Compiled, TheFilesPrecisionHoldsWhereNoneIsAskedFor) {
  Options fp32;
  fp32.precision = Precision::fp32;
  const std::vector<Tensor> inputs = {ramp({1, 3, 20, 18})};
  const Model original = Model::load(data("engine/data/small_cnn.pt"), fp32);
  const Output output;
  original.compile(output.path(), std::array{inputs});
  ::setenv("DNNL_DEFAULT_FPMATH_MODE", "BF16", 1);
  const Model compiled = Model::load(output.path());
  ::unsetenv("DNNL_DEFAULT_FPMATH_MODE");
  const PlanInfo plan = compiled.inspect(inputs);
  EXPECT_EQ(plan.precision, "fp32");
  EXPECT_NE(plan.precision_note, "");
  expect_same(compiled.run(inputs), original.run(inputs));
}

/// The file with another word of itself.
template <typename Change>
void rewrite(const std::string& path, Change change) {
  const auto file = import::CompiledFile::open(base::MappedFile::open(path));
  import::CompiledAbout about = file->about();
  std::vector<import::CompiledWeight> weights = file->weights();
  change(about, weights);
  std::vector<bool> keep;
  for (const import::ZipRecord& record : file->records()->records()) keep.push_back(!record.absent);
  import::write_compiled_file(path, about, *file->records(), keep, std::move(weights));
}

TEST(Compiled, AnotherVersionIsRefusedUnlessPortable) {
  const std::vector<Tensor> inputs = {ramp({1, 3, 20, 18})};
  const Model original = Model::load(data("engine/data/small_cnn.pt"));
  const Output output;
  const auto older = [](import::CompiledAbout& about, auto&) { about.wherry_version = "0.0.1"; };
  original.compile(output.path(), std::array{inputs});
  rewrite(output.path(), older);
  EXPECT_THAT(message_of<InvalidModel>([&] { Model::load(output.path()); }),
              AllOf(HasSubstr("wherry 0.0.1"), HasSubstr("compile the model again")));
  original.compile(output.path(), std::array{inputs}, true);
  rewrite(output.path(), older);
  expect_same(Model::load(output.path()).run(inputs), original.run(inputs));
}

TEST(Compiled, AWeightOfAnotherLengthIsRefused) {
  const std::vector<Tensor> inputs = {ramp({1, 3, 20, 18})};
  const Output output;
  Model::load(data("engine/data/small_cnn.pt")).compile(output.path(), std::array{inputs});
  rewrite(output.path(), [](auto&, std::vector<import::CompiledWeight>& weights) {
    for (auto& weight : weights) weight.bytes = weight.bytes.first(weight.bytes.size() / 2);
  });
  const Model model = Model::load(output.path());
  EXPECT_THAT(message_of<InvalidModel>([&] { model.run(inputs); }), HasSubstr("compile the model again"));
}

TEST(Compiled, DamageIsFound) {
  const std::vector<Tensor> inputs = {ramp({1, 3, 20, 18})};
  const Output output;
  Model::load(data("engine/data/small_cnn.pt")).compile(output.path(), std::array{inputs});
  const auto size = std::filesystem::file_size(output.path());
  {
    std::fstream file(output.path(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(static_cast<std::streamoff>(size / 2));  // in the small weights
    const char byte = static_cast<char>(file.get() ^ 4);
    file.seekp(static_cast<std::streamoff>(size / 2));
    file.put(byte);
  }
  std::string found;
  try {
    Model::load(output.path()).verify();
  } catch (const InvalidModel& error) {
    found = error.what();
  }
  EXPECT_THAT(found, HasSubstr("checksum"));
  std::filesystem::resize_file(output.path(), size - 1);
  EXPECT_THAT(message_of<InvalidModel>([&] { Model::load(output.path()); }), HasSubstr("truncated"));
}

}  // namespace
}  // namespace wherry
