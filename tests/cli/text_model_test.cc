// Every command on a Hugging Face folder: --seq, inputs by name, and what is refused.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "import/npy/npy.h"
#include "process.h"

namespace wherry::cli {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;

const std::string kSmallBert = WHERRY_SOURCE_DIR "/tests/engine/data/small_bert";

json report_of(std::vector<std::string> arguments) {
  const Finished finished = run_wherry(arguments);
  EXPECT_EQ(finished.exit_code, 0) << finished.error;
  return json::parse(finished.out, nullptr, false);
}

TEST(TextModel, InspectTellsInputsAndAssumesALength) {
  const Finished text = run_wherry({"inspect", kSmallBert, "--seq", "7"});
  EXPECT_EQ(text.exit_code, 0) << text.error;
  EXPECT_THAT(text.out, AllOf(HasSubstr("Hugging Face (BertForSequenceClassification)"),
                              HasSubstr("input_ids  int64 [1, 7]"), HasSubstr("logits  float32 [1, 3]")));
  // 128 tokens are more than this one has positions for.
  const Finished assumed = run_wherry({"inspect", kSmallBert});
  EXPECT_EQ(assumed.exit_code, 2);
  EXPECT_THAT(assumed.error, HasSubstr("has positions for 40 tokens; a sequence of 128 was given"));
}

TEST(TextModel, RunTakesWhatIsGivenByName) {
  const TemporaryFolder folder;
  const std::vector<std::int64_t> ids = {5, 6, 7, 0}, mask = {1, 1, 1, 0};
  import::write_npy(folder.path("ids.npy"), Tensor::of<std::int64_t>({1, 4}, ids));
  import::write_npy(folder.path("mask.npy"), Tensor::of<std::int64_t>({1, 4}, mask));
  const json some = report_of({"run", kSmallBert, "--input", folder.path("ids.npy"), "--json"});
  EXPECT_EQ(some["outputs"][0]["name"], "logits");
  EXPECT_EQ(some["outputs"][0]["sizes"], json({1, 3}));
  const json more = report_of({"run", kSmallBert, "--input", "attention_mask=" + folder.path("mask.npy"), "--input",
                               "input_ids=" + folder.path("ids.npy"), "--json"});
  EXPECT_NE(more["outputs"][0]["mean"], some["outputs"][0]["mean"]);
  const Finished without = run_wherry({"run", kSmallBert, "--input", "attention_mask=" + folder.path("mask.npy")});
  EXPECT_EQ(without.exit_code, 2);
  EXPECT_THAT(without.error, HasSubstr("no --input for 'input_ids'"));
}

TEST(TextModel, BenchMeasuresASequence) {
  const json report = report_of({"bench", kSmallBert, "--seq", "9", "--bs", "2", "--seconds", "0.01", "--json", "-"});
  EXPECT_EQ(report["name"], "small_bert");
  EXPECT_EQ(report["batch"], 2);
  EXPECT_EQ(report["inputs"].size(), 3u);
  EXPECT_EQ(report["inputs"][0]["sizes"], json({2, 9}));
  EXPECT_EQ(report["correct"], true);
}

TEST(TextModel, CompiledForSeveralLengths) {
  const TemporaryFolder folder;
  const std::string path = folder.path("bert.wherry");
  const json made = report_of({"compile", kSmallBert, "-o", path, "--seq", "8", "--seq", "16", "--json"});
  EXPECT_EQ(made["compiled"]["shapes"].size(), 2u);
  EXPECT_EQ(made["compiled"]["shapes"][1][0]["sizes"], json({1, 16}));
  EXPECT_EQ(report_of({"inspect", path, "--seq", "5", "--json"})["plan"]["inputs"][0]["sizes"], json({1, 5}));
}

TEST(TextModel, SequencesAreForModelsOfText) {
  const auto refusal = [](std::vector<std::string> arguments) {
    const Finished finished = run_wherry(arguments);
    EXPECT_EQ(finished.exit_code, 2) << finished.out;
    return finished.error;
  };
  EXPECT_THAT(refusal({"inspect", kSmallBert, "--seq", "7", "--input", "1x7"}), HasSubstr("one of the two"));
  EXPECT_THAT(refusal({"bench", "resnet18", "--seq", "7"}), HasSubstr("takes no tokens"));
  EXPECT_THAT(refusal({"bench", kSmallBert, "--seq", "0"}), HasSubstr("--seq"));
  EXPECT_THAT(refusal({"run", kSmallBert, "--arch", "RobertaModel"}), HasSubstr("--arch RobertaModel"));
}

}  // namespace
}  // namespace wherry::cli
