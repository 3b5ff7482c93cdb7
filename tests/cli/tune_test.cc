// `wherry tune` from outside: what it prints and keeps, that other commands find it, and files it must leave alone.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "process.h"

namespace wherry::cli {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::StartsWith;

const std::string kSmallCnn = WHERRY_SOURCE_DIR "/tests/engine/data/small_cnn.pt";

class Tune : public testing::Test {
 protected:
  Tune() { ::setenv("WHERRY_TUNING", file_.c_str(), 1); }
  ~Tune() override { ::unsetenv("WHERRY_TUNING"); }

  const TemporaryFolder folder_;
  const std::string file_ = folder_.path("tuning.txt");
};

TEST_F(Tune, KeepsWhatItMeasured) {
  const Finished finished =
      run_wherry({"tune", kSmallCnn, "--input", "1x3x32x32", "--seconds", "0.2", "--threads", "2", "--json"});
  ASSERT_EQ(finished.exit_code, 0) << finished.error;
  EXPECT_EQ(finished.error, "");
  const json document = json::parse(finished.out);
  EXPECT_EQ(document["file"], file_);
  EXPECT_GT(document["before_ms"], 0.0);
  ASSERT_GE(document["primitives"].size(), 2U);
  const json& first = document["primitives"][0];
  EXPECT_EQ(first["op"], "convolution");
  EXPECT_THAT(first["key"].get<std::string>(), StartsWith("convolution "));
  EXPECT_GT(first["candidates"], 1);

  // Every step with a choice of its own, as the file says.
  std::ofstream out(file_, std::ios::app);
  for (const json& each : document["primitives"]) out << each["key"].get<std::string>() << " = 1 1 1 1\n";
  out.close();
  const auto inspect = [](const std::vector<std::string>& more) {
    std::vector<std::string> arguments{"inspect", kSmallCnn, "--input", "1x3x32x32", "--threads", "2"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_wherry(arguments).out;
  };
  EXPECT_GE(json::parse(inspect({"--json"}))["plan"]["tuned_steps"], 2);
  EXPECT_THAT(inspect({}), HasSubstr("as measured on this CPU"));
}

TEST_F(Tune, WritesWhereItIsTold) {
  const std::string other = folder_.path("other.txt");
  const Finished finished =
      run_wherry({"tune", kSmallCnn, "--input", "1x3x16x16", "--seconds", "0.1", "--output", other});
  ASSERT_EQ(finished.exit_code, 0) << finished.error;
  EXPECT_THAT(finished.out, HasSubstr("kept in      " + other));
  EXPECT_THAT(finished.out, HasSubstr("primitives are faster otherwise"));
  EXPECT_TRUE(std::filesystem::exists(other));
  EXPECT_FALSE(std::filesystem::exists(file_));
}

TEST_F(Tune, AFileThatIsNoneIsNotedAndLeftAlone) {
  std::ofstream(file_) << "dear diary\n";
  const Finished inspected = run_wherry({"inspect", kSmallCnn, "--input", "1x3x16x16"});
  EXPECT_EQ(inspected.exit_code, 0);
  EXPECT_THAT(inspected.error, StartsWith("wherry: note: tuning is ignored: "));
  EXPECT_THAT(inspected.error, HasSubstr("dear diary"));
  const Finished tuned = run_wherry({"tune", kSmallCnn, "--input", "1x3x16x16", "--seconds", "0.1"});
  EXPECT_EQ(tuned.exit_code, 2);
  EXPECT_EQ(tuned.out, "");
  EXPECT_EQ(std::filesystem::file_size(file_), 11U);
}

TEST_F(Tune, RefusesWhatItCannotUse) {
  EXPECT_EQ(run_wherry({"tune", kSmallCnn, "--seconds", "0"}).exit_code, 2);
  EXPECT_EQ(run_wherry({"tune", kSmallCnn, "--input", "1x4x16x16"}).exit_code, 2);
  EXPECT_EQ(run_wherry({"tune", kSmallCnn, "--input", "1x3x16x16", "--output", "/proc/nowhere"}).exit_code, 2);
}

TEST(PrimitiveCacheOfTheProgram, IsShownAndLimited) {
  const auto inspect = [] {
    return run_wherry({"inspect", kSmallCnn, "--input", "1x3x16x16", "--threads", "1", "--json"});
  };
  const json cache = json::parse(inspect().out)["primitive_cache"];
  EXPECT_GT(cache["entries"], 2);
  EXPECT_EQ(cache["entries"], cache["misses"]);
  EXPECT_EQ(cache["evictions"], 0);
  EXPECT_GT(cache["bytes"], 0);
  EXPECT_THAT(run_wherry({"inspect", kSmallCnn, "--input", "1x3x16x16"}).out, HasSubstr("\n  primitives  "));
  ::setenv("LRU_CACHE_CAPACITY", "0", 1);
  EXPECT_EQ(json::parse(inspect().out)["primitive_cache"]["entries"], 0);
  ::setenv("LRU_CACHE_CAPACITY", "a few", 1);
  EXPECT_EQ(inspect().exit_code, 2);
  EXPECT_THAT(inspect().error, StartsWith("wherry: error: LRU_CACHE_CAPACITY: found \"a few\", accepted are 0"));
  ::unsetenv("LRU_CACHE_CAPACITY");
}

}  // namespace
}  // namespace wherry::cli
