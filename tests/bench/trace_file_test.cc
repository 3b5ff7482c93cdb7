// The rules of TensorBoard's PyTorch plugin (torch_tb_profiler 0.4.3: profiler/data.py, trace.py, op_tree.py), which
// drops a file, or an event, that breaks one without saying so.

#include "bench/trace_file.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <regex>
#include <sstream>

#include "tests/temporary_folder.h"
#include "wherry/error.h"

namespace wherry::bench {
namespace {

using nlohmann::json;
using ::testing::StartsWith;

constexpr std::int64_t kStart = 1'234'567'890'123;  // of a clock that began long ago

/// Steps one after another, on two threads, in two iterations.
Profile example() {
  Profile profile;
  StepInfo convolution;
  convolution.op = "convolution";
  convolution.kernel = "f32_6x64_avx512";
  convolution.precision = "fp32";
  convolution.shape = "[1, 64, 56, 56] x [64, 64, 3, 3] -> [1, 64, 56, 56]";
  convolution.source = "code/net.py:12 layer1.conv";
  convolution.modules = {{"", "Net"}, {"layer1", "Sequential"}, {"layer1.conv", "Conv2d"}};
  convolution.origins = {
      {"aten::conv2d", "layer1.conv", "code/net.py:12"}, {"aten::batch_norm", "layer1.bn", ""}, {"aten::relu", "", ""}};
  convolution.calls = {{"forward", "code/net.py", 12}, {"forward", "code/main.py", 3}};
  convolution.flops = 231211008;
  StepInfo pair = convolution;
  pair.shape = "[1, 8, 9, 9] x [8, 1, 3, 3] -> [1, 8, 9, 9]; [1, 8, 9, 9] x [4, 8, 1, 1] -> [1, 4, 9, 9]";
  pair.modules = {{"", "Net"}, {"layer1", "Sequential"}, {"layer1.pair", ""}};
  StepInfo add;
  add.op = "add";
  add.shape = "[2, 3] x [] -> [2, 3]";
  add.source = "a \xff byte that is no UTF-8";
  profile.steps = {convolution, add, pair, add, add};
  profile.step_ms = {1.1, 0, 0.1 / 3, 0.0007, 0};
  profile.phases = {{"load", "", kStart, kStart + 5'000'000},
                    {"pack", "conv.weight", kStart + 5'000'001, kStart + 5'000'001}};
  // Steps below the clock's resolution, the first and the last ones too; a thread that waits; times that microseconds
  // do not hold exactly.
  for (int i = 0; i < 2; ++i) {
    const std::int64_t at = kStart + 6'000'000 + i * 2'000'003;
    const auto step = [&](int thread, int index, std::int64_t begin, std::int64_t end) {
      return Span{Span::Kind::step, index, thread, -1, at + begin, at + end};
    };
    profile.iterations.push_back({{.kind = Span::Kind::run, .begin_ns = at, .end_ns = at + 1'200'001},
                                  step(0, 0, 1'000, 1'000'000),
                                  step(0, 1, 1'100'000, 1'100'000),
                                  step(0, 2, 1'100'000, 1'133'333),
                                  step(0, 3, 1'133'333, 1'134'033),
                                  step(0, 4, 1'200'000, 1'200'001),
                                  step(1, 0, 1'000, 1'099'000),
                                  step(1, 2, 1'100'000, 1'130'000)});
  }
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

/// Checks that spans of one thread lie within each other or apart, as the plugin's stack wants it: of two that begin
/// together the outer one first.
void expect_nested(const std::vector<json>& spans) {
  std::vector<json> sorted = spans;
  std::stable_sort(sorted.begin(), sorted.end(), [](const json& a, const json& b) {
    return std::pair(begin_of(a), -end_of(a)) < std::pair(begin_of(b), -end_of(b));
  });
  std::vector<json> open;
  for (const json& span : sorted) {
    while (!open.empty() && begin_of(span) >= end_of(open.back())) open.pop_back();
    if (!open.empty()) {
      EXPECT_LE(end_of(span), end_of(open.back())) << span.dump() << open.back().dump();
    }
    open.push_back(span);
  }
}

TEST(TraceFile, FollowsThePluginsRules) {
  const Profile profile = example();
  const std::string text = trace_json(profile, "net");
  const std::vector<json> iterations = checked_events(text, "user_annotation");
  const std::vector<json> ops = checked_events(text, "cpu_op");
  const std::vector<json> modules = checked_events(text, "python_function");
  const std::size_t steps = profile.steps.size();
  ASSERT_EQ(iterations.size(), 2U);
  ASSERT_EQ(ops.size(), 2 * steps);
  std::vector<json> tree = iterations;
  tree.insert(tree.end(), modules.begin(), modules.end());
  tree.insert(tree.end(), ops.begin(), ops.end());
  expect_nested(tree);
  for (std::size_t k = 0; k < 2; ++k) {
    EXPECT_EQ(iterations[k]["name"], "ProfilerStep#" + std::to_string(k));
    EXPECT_NEAR(end_of(iterations[k]) - begin_of(iterations[k]), 1200.001, 0.1);
    for (std::size_t i = 0; i < steps; ++i) {
      const json& op = ops[k * steps + i];
      SCOPED_TRACE(op.dump());
      EXPECT_EQ(op["name"], step_name(profile.steps[i]));
      EXPECT_EQ(op["tid"], iterations[k]["tid"]);
      // To the last bit: ranges that intersect are dropped.
      EXPECT_EQ(end_of(op), i + 1 < steps ? begin_of(ops[k * steps + i + 1]) : end_of(iterations[k]));
    }
    EXPECT_NEAR(begin_of(ops[k * steps]) - begin_of(iterations[k]), 1, 0.05);
    EXPECT_NEAR(ops[k * steps]["dur"].get<double>(), 1099, 0.05);  // with the wait for thread 1
  }
}

TEST(TraceFile, NestsTheModulesAroundTheirSteps) {
  const std::vector<json> modules = checked_events(trace_json(example(), "net"), "python_function");
  std::vector<std::string> names;
  std::map<int, std::string> by_id;
  for (const json& module : modules) {
    const json& parent = module["args"]["Python parent id"];
    by_id[module["args"]["Python id"]] = module["name"];
    names.push_back(module["name"].get<std::string>() + " in " + (parent.is_null() ? "-" : by_id.at(parent)));
  }
  const std::vector<std::string> once = {"nn.Module: net: Net in -",
                                         "nn.Module: layer1: Sequential in nn.Module: net: Net",
                                         "nn.Module: layer1.conv: Conv2d in nn.Module: layer1: Sequential",
                                         "nn.Module: layer1: Sequential in nn.Module: net: Net",
                                         "nn.Module: layer1.pair in nn.Module: layer1: Sequential"};
  std::vector<std::string> twice = once;
  twice.insert(twice.end(), once.begin(), once.end());
  EXPECT_EQ(names, twice);
  // The same module has the same number each time, so the plugin sees one tree.
  EXPECT_EQ(modules[1]["args"]["Python module id"], modules[6]["args"]["Python module id"]);
  EXPECT_EQ(modules[1]["args"]["Python module id"], modules[3]["args"]["Python module id"]);
  EXPECT_NE(modules[1]["args"]["Python module id"], modules[2]["args"]["Python module id"]);
}

TEST(TraceFile, SaysWhatEachStepIs) {
  const std::vector<json> ops = checked_events(trace_json(example(), "net"), "cpu_op");
  EXPECT_EQ(ops[0]["name"], "conv2d+batch_norm+relu");
  EXPECT_EQ(ops[0]["args"]["Input Dims"], json::parse("[[1, 64, 56, 56], [64, 64, 3, 3]]"));
  EXPECT_EQ(ops[0]["args"]["Kernel"], "f32_6x64_avx512");
  EXPECT_EQ(ops[0]["args"]["Module"], "layer1.conv");
  EXPECT_EQ(ops[0]["args"]["Call stack"], "code/net.py(12): forward;code/main.py(3): forward");
  EXPECT_EQ(ops[0]["args"]["ATen ops"],
            json::parse(R"(["aten::conv2d layer1.conv code/net.py:12", "aten::batch_norm layer1.bn", "aten::relu "])"));
  EXPECT_EQ(ops[0]["args"]["FLOP"], 231211008);
  EXPECT_EQ(ops[1]["name"], "add");
  EXPECT_EQ(ops[1]["args"]["Input Dims"], json::parse("[[2, 3], []]"));
  EXPECT_EQ(ops[2]["args"]["Input Dims"], json::parse("[[1, 8, 9, 9], [8, 1, 3, 3], [1, 8, 9, 9], [4, 8, 1, 1]]"));
}

TEST(TraceFile, ShowsPhasesWaitingAndOtherThreadsBesideTheOps) {
  const std::vector<json> beside = checked_events(trace_json(example(), "net"), "wherry");
  std::vector<std::string> names;
  for (const json& event : beside) names.push_back(event["name"]);
  const std::string conv = "conv2d+batch_norm+relu";
  EXPECT_EQ(names, (std::vector<std::string>{"load", "pack", "waiting", "waiting", conv, conv, "waiting", "waiting",
                                             conv, conv}));
  EXPECT_EQ(begin_of(beside[0]), 0);
  EXPECT_NEAR(end_of(beside[0]), 5000, 0.05);
  EXPECT_EQ(beside[1]["args"]["Weight"], "conv.weight");
  EXPECT_NE(beside[4]["tid"], beside[0]["tid"]);
}

TEST(TraceFile, NamesOfStepsCountAndEnd) {
  StepInfo step;
  step.op = "attention";
  for (const char* op : {"aten::linear", "aten::linear", "aten::add"}) step.origins.push_back({op, "", ""});
  EXPECT_EQ(step_name(step), "linear*2+add");
  for (const char* op : {"aten::mul", "aten::softmax", "aten::matmul"}) step.origins.push_back({op, "", ""});
  EXPECT_EQ(step_name(step), "linear*2+add+mul+softmax+...");
  step.origins.clear();
  EXPECT_EQ(step_name(step), "attention");
}

TEST(TraceFile, OfNoStepsIsStillValid) {
  const std::string text = trace_json({}, "nothing");
  EXPECT_EQ(checked_events(text, "user_annotation").size(), 1U);  // its length is not zero
  EXPECT_TRUE(checked_events(text, "cpu_op").empty());
}

class TraceFolder : public testing::Test {
 protected:
  const TemporaryFolder temporary_;
  const std::filesystem::path folder_ = temporary_.path();
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
