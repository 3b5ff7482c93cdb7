// The rules of TensorBoard's PyTorch plugin (torch_tb_profiler 0.4.3: profiler/data.py, trace.py, op_tree.py), which
// drops a file, or an event, that breaks one without saying so.

#include "bench/trace_file.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <regex>
#include <sstream>

#include "wherry/error.h"

namespace wherry::bench {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::StartsWith;

Profile example() {
  Profile profile;
  StepInfo convolution;
  convolution.op = "convolution";
  convolution.kernel = "f32_6x64_avx512";
  convolution.precision = "fp32";
  convolution.shape = "[1, 64, 56, 56] x [64, 64, 3, 3] -> [1, 64, 56, 56]";
  convolution.source = "code/net.py:12";
  convolution.flops = 231211008;
  StepInfo pair = convolution;
  pair.shape = "[1, 8, 9, 9] x [8, 1, 3, 3] -> [1, 8, 9, 9]; [1, 8, 9, 9] x [4, 8, 1, 1] -> [1, 4, 9, 9]";
  StepInfo add;
  add.op = "add";
  add.shape = "[2, 3] x [] -> [2, 3]";
  add.source = "a \xff byte that is no UTF-8";
  profile.steps = {convolution, add, pair, add, add};
  // A step below the clock's resolution, first and last ones too; and times that no sum of doubles keeps exact.
  profile.step_ms = {1.1, 0, 0.1 / 3, 0.0007, 0};
  profile.inference_ms = 1.2;
  profile.rounds = 9;
  return profile;
}

/// The events of `text` whose category is `category`, after checking what must hold of each event.
std::vector<json> checked_events(const std::string& text, const std::string& category) {
  const json trace = json::parse(text);
  EXPECT_EQ(trace["deviceProperties"], json::array());
  std::vector<json> found;
  int starts = 0, ends = 0;
  for (const json& event : trace["traceEvents"]) {
    SCOPED_TRACE(event.dump());
    EXPECT_TRUE(event["name"].is_string());
    EXPECT_TRUE(event["ts"].is_number());
    starts += event["name"].get<std::string>().starts_with("Iteration Start: ");
    ends += event["name"] == "Record Window End";
    if (event["ph"] != "X") continue;
    EXPECT_TRUE(event["cat"].is_string());
    EXPECT_TRUE(event["tid"].is_number_integer());
    EXPECT_GT(event["dur"].get<double>(), 0);
    if (event["cat"] == category) found.push_back(event);
  }
  EXPECT_EQ(starts, 1);
  EXPECT_EQ(ends, 1);
  return found;
}

double begin_of(const json& event) { return event["ts"]; }
double end_of(const json& event) { return event["ts"].get<double>() + event["dur"].get<double>(); }

TEST(TraceFile, FollowsThePluginsRules) {
  const Profile profile = example();
  const std::string text = trace_json(profile, "resnet50");
  const std::vector<json> iterations = checked_events(text, "user_annotation");
  ASSERT_EQ(iterations.size(), 1U);
  EXPECT_EQ(iterations[0]["name"], "ProfilerStep#0");
  const std::vector<json> ops = checked_events(text, "cpu_op");
  ASSERT_EQ(ops.size(), profile.steps.size());
  double end = begin_of(iterations[0]);
  for (std::size_t i = 0; i < ops.size(); ++i) {
    SCOPED_TRACE(ops[i].dump());
    EXPECT_EQ(ops[i]["name"], profile.steps[i].op);
    EXPECT_EQ(ops[i]["tid"], iterations[0]["tid"]);
    EXPECT_EQ(begin_of(ops[i]), end);  // to the last bit: ranges that intersect are dropped
    end = end_of(ops[i]);
    EXPECT_NEAR(ops[i]["dur"].get<double>(), 1e3 * profile.step_ms[i], 0.05);
  }
  EXPECT_EQ(end, end_of(iterations[0]));
  EXPECT_NEAR(end, 1e3 * profile.steps_ms(), 0.05);
}

TEST(TraceFile, SaysWhatEachStepIs) {
  const std::vector<json> ops = checked_events(trace_json(example(), "net"), "cpu_op");
  EXPECT_EQ(ops[0]["args"]["Input Dims"], json::parse("[[1, 64, 56, 56], [64, 64, 3, 3]]"));
  EXPECT_EQ(ops[0]["args"]["Kernel"], "f32_6x64_avx512");
  EXPECT_EQ(ops[0]["args"]["Call stack"], "code/net.py:12");
  EXPECT_EQ(ops[0]["args"]["FLOP"], 231211008);
  EXPECT_EQ(ops[1]["args"]["Input Dims"], json::parse("[[2, 3], []]"));
  EXPECT_EQ(ops[2]["args"]["Input Dims"], json::parse("[[1, 8, 9, 9], [8, 1, 3, 3], [1, 8, 9, 9], [4, 8, 1, 1]]"));
}

TEST(TraceFile, OfNoStepsIsStillValid) {
  const std::string text = trace_json({}, "nothing");
  EXPECT_EQ(checked_events(text, "user_annotation").size(), 1U);  // its length is not zero
  EXPECT_TRUE(checked_events(text, "cpu_op").empty());
}

class TraceFolder : public testing::Test {
 protected:
  void SetUp() override { std::filesystem::remove_all(folder_); }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  const std::filesystem::path folder_ = std::filesystem::path(testing::TempDir()) / "wherry_trace_file_test";
};

TEST_F(TraceFolder, IsMadeAndTheFileHasThePluginsName) {
  for (int round = 0; round < 2; ++round) {  // and a file that is there is replaced
    TraceFile file((folder_ / "of" / "runs").string(), "resnet50");
    EXPECT_EQ(file.path(), (folder_ / "of" / "runs" / "resnet50.pt.trace.json").string());
    // torch_tb_profiler/consts.py: WORKER_PATTERN
    EXPECT_TRUE(std::regex_match(std::filesystem::path(file.path()).filename().string(),
                                 std::regex(R"(^(.*?)(\.\d+)?\.pt\.trace\.json(?:\.gz)?$)")));
    file.write(example());
    std::ostringstream text;
    text << std::ifstream(file.path()).rdbuf();
    EXPECT_EQ(text.str(), trace_json(example(), "resnet50"));
  }
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_ / "of" / "runs"), {}), 1);
}

TEST_F(TraceFolder, ThatCannotBeMadeIsRefused) {
  std::filesystem::create_directories(folder_);
  const std::string file = (folder_ / "file").string();
  std::ofstream(file) << "text";
  try {
    TraceFile(file + "/logs", "resnet50");
    FAIL() << "nothing was thrown";
  } catch (const InvalidInput& error) {
    EXPECT_THAT(error.what(), StartsWith(file + "/logs: cannot make this folder for the profile: "));
  }
}

TEST_F(TraceFolder, StaysEmptyWhereNothingIsWritten) {
  {
    const TraceFile file(folder_.string(), "resnet50");
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder_));
}

}  // namespace
}  // namespace wherry::bench
