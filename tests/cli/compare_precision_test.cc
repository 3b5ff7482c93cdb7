// `wherry compare-precision` from outside.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "process.h"

namespace wherry::cli {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

const std::string kSmallCnn = WHERRY_SOURCE_DIR "/tests/engine/data/small_cnn.pt";

TEST(ComparePrecision, TellsEveryLayerOrThatThereIsNoBf16) {
  const TemporaryFolder folder;
  const std::string model = folder.path("model.pt");
  std::filesystem::copy_file(kSmallCnn, model);
  const Finished finished =
      run_wherry({"compare-precision", model, "--input", "1x3x32x32", "--alone", "--max-error", "1e-9", "--json"});
  if (finished.exit_code == 2) {
    EXPECT_THAT(finished.error, HasSubstr("multiplies no bf16 numbers"));
    EXPECT_FALSE(std::filesystem::exists(model + ".precision"));
    GTEST_SKIP() << "NOT TESTED: no bf16 instructions here";
  }
  ASSERT_EQ(finished.exit_code, 0) << finished.error;
  const json found = json::parse(finished.out);
  ASSERT_EQ(found["layers"].size(), 3U);
  EXPECT_EQ(found["keep_fp32"].size(), 3U);
  EXPECT_GT(found["bf16"]["max_rel_error"], 0);
  EXPECT_LE(found["chosen"]["max_rel_error"], 1e-9);
  EXPECT_EQ(found["record"], model + ".precision");
  const Finished run = run_wherry({"inspect", model, "--input", "1x3x32x32"});
  EXPECT_THAT(run.error, HasSubstr("3 modules in fp32, as " + model + ".precision says"));
  const Finished plain = run_wherry({"compare-precision", model, "--input", "1x3x32x32"});
  EXPECT_THAT(plain.out, HasSubstr("all in bf16"));
}

TEST(ComparePrecision, RefusesBadArguments) {
  const auto error_of = [](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "compare-precision");
    const Finished finished = run_wherry(arguments);
    EXPECT_EQ(finished.exit_code, 2);
    return finished.error;
  };
  EXPECT_THAT(error_of({}), HasSubstr("MODEL"));
  EXPECT_THAT(error_of({kSmallCnn, "--max-error", "-1"}), HasSubstr("--max-error"));
  EXPECT_THAT(error_of({kSmallCnn, "--output", "x"}), HasSubstr("only with --max-error"));
  EXPECT_THAT(error_of({"resnet18", "--max-error", "0.1"}), HasSubstr("--output FILE is accepted"));
  EXPECT_THAT(error_of({kSmallCnn, "--inputs", "no_such.npy"}), HasSubstr("no_such.npy"));
}

}  // namespace
}  // namespace wherry::cli
