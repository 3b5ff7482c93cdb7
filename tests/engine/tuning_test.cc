// Tuning from measurement to file to the next model, and files that are not what they should be.

#include <gmock/gmock.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>

#include "base/cpu.h"
#include "engine/tuning_file.h"
#include "tests/temporary_folder.h"
#include "wherry/error.h"
#include "wherry/tune.h"

namespace wherry {
namespace {

namespace fs = std::filesystem;
using engine::parse_tuning;
using engine::print_tuning;
using engine::TuningFile;
using testing::HasSubstr;

const std::string kSmallCnn = WHERRY_SOURCE_DIR "/tests/engine/data/small_cnn.pt";
const std::string kSample =
    "wherry tuning 1\ncpu One CPU @ 2 GHz\nconvolution avx2 2 64 3 -1 = 12 9 64 0\nmatmul amx 1 5 = 7\ncpu Another\n";

class InFolder : public testing::Test {
 protected:
  std::string path(const std::string& name) const { return folder_.path(name); }
  void write(const std::string& name, const std::string& text) const { folder_.file(name, text); }
  std::string read(const std::string& name) const {
    std::ifstream file(path(name), std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

 private:
  const TemporaryFolder folder_;
};

using TuningFileTest = InFolder;
using TuneTest = InFolder;

TEST_F(TuningFileTest, ComesBackAsWritten) {
  const TuningFile file = parse_tuning(kSample, "sample");
  ASSERT_EQ(file.size(), 2u);
  const runtime::Tuning& one = file.find("One CPU @ 2 GHz")->second;
  EXPECT_EQ(one.at("convolution avx2 2 64 3 -1"), (kernels::Choice{12, 9, 64, 0}));
  EXPECT_EQ(one.at("matmul amx 1 5"), (kernels::Choice{7}));
  EXPECT_EQ(parse_tuning(print_tuning(file), "again"), file);
}

TEST_F(TuningFileTest, SaysWhichLineIsWrong) {
  const auto message = [](const std::string& text) {
    try {
      parse_tuning(text, "t.txt");
    } catch (const InvalidInput& error) {
      return std::string(error.what());
    }
    return std::string("accepted");
  };
  EXPECT_THAT(message(""), HasSubstr("t.txt, line 1: found \"\", accepted is \"wherry tuning 1\""));
  EXPECT_THAT(message("wherry tuning 2\n"), HasSubstr("line 1: found \"wherry tuning 2\""));
  EXPECT_THAT(message("wherry tuning 1\nmatmul 1 = 2\n"), HasSubstr("line 2"));
  const std::string head = "wherry tuning 1\ncpu x\n";
  for (const char* line :
       {"matmul", "matmul = ", " = 1", "matmul = 1 x", "matmul = 1  2", "matmul = 99999999999999999999", "mat\tmul = 1",
        "matmul = 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17", ""}) {
    EXPECT_THAT(message(head + line + "\n"), HasSubstr("t.txt, line 3")) << line;
  }
  EXPECT_EQ(message(head + "matmul 1 = 2"), "accepted") << "the last line may lack its end";
}

TEST_F(TuningFileTest, SurvivesAnything) {
  std::mt19937 random(11);
  int accepted = 0;
  for (int i = 0; i < 20000; ++i) {
    std::string text = kSample;
    for (int edits = static_cast<int>(random() % 4); edits >= 0; --edits) {
      const std::size_t at = random() % (text.size() + 1);
      switch (random() % 4) {
        case 0: text.insert(at, 1, static_cast<char>(random())); break;
        case 1: text.erase(at, random() % 9); break;
        case 2: text.insert(at, text.substr(random() % text.size(), random() % 40)); break;
        default:
          if (at < text.size()) text[at] = static_cast<char>(random());
      }
      if (text.empty()) text = "\n";
    }
    try {
      const TuningFile file = parse_tuning(text, "mutant");
      EXPECT_EQ(parse_tuning(print_tuning(file), "mutant again"), file);
      ++accepted;
    } catch (const InvalidInput& error) {
      EXPECT_THAT(error.what(), testing::Not(HasSubstr("\n")));
    }
  }
  EXPECT_GT(accepted, 100);
}

TEST_F(TuningFileTest, IsFoundByOptionThenEnvironmentThenCacheFolder) {
  const char* home = std::getenv("HOME");
  const std::string before = home != nullptr ? home : "";
  ::unsetenv("WHERRY_TUNING");
  ::unsetenv("XDG_CACHE_HOME");
  ::setenv("HOME", "/home/someone", 1);
  EXPECT_EQ(engine::tuning_path(std::nullopt), "/home/someone/.cache/wherry/tuning.txt");
  ::setenv("XDG_CACHE_HOME", "/cache", 1);
  EXPECT_EQ(engine::tuning_path(std::nullopt), "/cache/wherry/tuning.txt");
  ::setenv("WHERRY_TUNING", "here.txt", 1);
  EXPECT_EQ(engine::tuning_path(std::nullopt), "here.txt");
  EXPECT_EQ(engine::tuning_path(""), "");
  EXPECT_EQ(engine::tuning_path("there.txt"), "there.txt");
  ::setenv("WHERRY_TUNING", "", 1);
  EXPECT_EQ(engine::tuning_path(std::nullopt), "");
  ::unsetenv("WHERRY_TUNING");
  ::unsetenv("XDG_CACHE_HOME");
  ::setenv("HOME", before.c_str(), 1);
}

TEST_F(TuningFileTest, OneThatCannotBeUsedIsNone) {
  EXPECT_THAT(engine::load_tuning("").note, "");
  EXPECT_THAT(engine::load_tuning(path("missing")).note, "");
  write("foreign", "{\"json\": true}\n");
  EXPECT_THAT(engine::load_tuning(path("foreign")).note, HasSubstr("tuning is ignored: "));
  EXPECT_THAT(engine::load_tuning(fs::path(path("foreign")).parent_path().string()).note, HasSubstr("is a directory"));
  write("other_cpu", kSample);
  EXPECT_THAT(engine::load_tuning(path("other_cpu")).note, HasSubstr("measured on other CPUs"));
  // What is not ours is not overwritten.
  EXPECT_THROW(engine::save_tuning(path("foreign"), {{"matmul 1", {2}}}), InvalidInput);
  EXPECT_EQ(read("foreign"), "{\"json\": true}\n");
  EXPECT_THROW(engine::save_tuning("/proc/no/such/place", {}), InvalidInput);
}

TEST_F(TuningFileTest, GrowsByWhatIsSaved) {
  write("t", kSample);
  engine::save_tuning(path("t"), {{"matmul a", {1}}, {"matmul b", {2, 3}}});
  engine::save_tuning(path("t"), {{"matmul a", {}}, {"matmul c", {4}}});
  const engine::LoadedTuning loaded = engine::load_tuning(path("t"));
  EXPECT_EQ(loaded.note, "");
  EXPECT_EQ(loaded.choices, (runtime::Tuning{{"matmul b", {2, 3}}, {"matmul c", {4}}}));
  EXPECT_EQ(parse_tuning(read("t"), "t").size(), 3u) << "the other CPUs' stay";
}

TEST_F(TuneTest, LeavesAFileThatModelsUse) {
  Options options;
  options.threads = 2;
  options.tuning = path("new/folder/tuning.txt");
  const std::array image{Tensor::zeros(DType::f32, {2, 3, 40, 36})};
  std::vector<float> expected;
  TuneReport report;
  {
    const Model model = Model::load(kSmallCnn, options);
    const std::vector<Tensor> outputs = model.run(image);
    expected.assign(outputs[0].values<float>().begin(), outputs[0].values<float>().end());
    TuneOptions tuning;
    tuning.seconds = 0.2;
    double last = 0;
    tuning.progress = [&](std::string_view stage, double done) {
      EXPECT_FALSE(stage.empty());
      EXPECT_GE(done, 0);
      EXPECT_LE(done, 1);
      last = done;
    };
    report = tune(model, image, tuning);
    EXPECT_GT(last, 0);
  }
  EXPECT_EQ(report.path, *options.tuning);
  EXPECT_GT(report.before_ms, 0);
  EXPECT_LE(report.after_ms, report.before_ms);
  ASSERT_GE(report.primitives.size(), 2u);
  runtime::Tuning kept;
  for (const TunedPrimitive& each : report.primitives) {
    EXPECT_GT(each.candidates, 1);
    EXPECT_GE(each.steps, 1);
    EXPECT_LE(each.after_ms, each.before_ms);
    if (!each.choice.empty()) kept[each.key] = each.choice;
  }
  EXPECT_EQ(engine::load_tuning(*options.tuning).choices, kept);

  // Whatever this machine preferred: with a choice for every primitive the answer is the same.
  for (const TunedPrimitive& each : report.primitives) kept[each.key] = {1, 1, 1, 1};
  engine::save_tuning(*options.tuning, kept);
  const Model tuned = Model::load(kSmallCnn, options);
  EXPECT_EQ(tuned.describe().tuning_note, "");
  EXPECT_GE(tuned.inspect(image).tuned_steps, 2);
  const std::vector<Tensor> outputs = tuned.run(image);
  EXPECT_THAT(outputs[0].values<float>(), testing::Pointwise(testing::FloatNear(2e-6f), expected));
  options.tuning = "";
  EXPECT_EQ(Model::load(kSmallCnn, options).inspect(image).tuned_steps, 0);
}

TEST_F(TuneTest, AModelTellsOfAFileItIgnores) {
  write("broken", "wherry tuning 1\nnonsense\n");
  Options options;
  options.tuning = path("broken");
  const Model model = Model::load(kSmallCnn, options);
  EXPECT_THAT(model.describe().tuning_note, HasSubstr("broken, line 2"));
  EXPECT_EQ(model.run(std::array{Tensor::zeros(DType::f32, {1, 3, 9, 9})}).size(), 1u);
  EXPECT_THROW(tune(model, std::array{Tensor::zeros(DType::f32, {1, 3, 9, 9})}), InvalidInput) << "before it measures";
}

}  // namespace
}  // namespace wherry
