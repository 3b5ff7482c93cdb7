// `wherry profile` from outside: the trace, the report, the table and JSON, and two profiles side by side.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <regex>

#include "process.h"

namespace wherry::cli {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;

const std::string kSmallCnn = WHERRY_SOURCE_DIR "/tests/engine/data/small_cnn.pt";

Finished profile(const TemporaryFolder& folder, std::vector<std::string> more) {
  std::vector<std::string> arguments = {"profile", kSmallCnn,  "--input",           "1x3x64x64",   "--seconds",
                                        "0.02",    "--logdir", folder.path("logs"), "--precision", "fp32"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return run_wherry(arguments);
}

TEST(Profile, WritesTraceReportTableAndJson) {
  const TemporaryFolder folder;
  const std::string page = folder.path("report.html"), figures = folder.path("profile.json");
  const std::string trace = folder.path("logs/small_cnn.pt.trace.json");
  const Finished finished = profile(
      folder, {"--warmup", "2", "--iterations", "4", "--threads", "2", "--html", page, "--json", figures, "--table"});
  ASSERT_EQ(finished.exit_code, 0) << finished.error;
  EXPECT_EQ(finished.error, "wherry: note: the trace is in " + trace + "\nwherry: note: the report is in " + page +
                                "\nwherry: note: the profile is in " + figures + "\n");

  const json found = json::parse(read_file(figures));
  EXPECT_EQ(found["schema"], "wherry.profile/1");
  EXPECT_EQ(found["model"], "small_cnn");
  EXPECT_EQ(found["threads"], 2);
  EXPECT_GT(found["inference_ms"], 0);
  EXPECT_GT(found["steps_of_wall"], 0);
  EXPECT_LE(found["steps_of_wall"], 1);
  EXPECT_GT(found["peak"]["read_gb_per_s"], 0);
  EXPECT_EQ(found["iterations"].size(), 4U);
  const json& steps = found["steps"];
  ASSERT_GT(steps.size(), 2U);
  for (const json& iteration : found["iterations"]) {
    std::vector<int> own;
    for (const json& span : iteration["steps"]) {
      EXPECT_LE(span["begin_ms"].get<double>() + span["ms"].get<double>(), iteration["ms"].get<double>() * (1 + 1e-9));
      if (span["thread"] == 0) own.push_back(span["step"]);
    }
    std::vector<int> all(steps.size());
    for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<int>(i);
    EXPECT_EQ(own, all);
  }
  std::vector<std::string> phases;
  for (const json& phase : found["phases"])
    if (const auto name = phase["name"].get<std::string>(); phases.empty() || phases.back() != name)
      phases.push_back(name);
  EXPECT_THAT(phases, testing::ElementsAre("load", "import", "passes", "pack", "plan", "warm-up"));

  // The trace has the iterations with the same steps.
  std::vector<std::string> traced, expected;
  int iterations = 0;
  const json events = json::parse(read_file(trace))["traceEvents"];
  for (const json& event : events) {
    if (event.value("cat", "") == "cpu_op") traced.push_back(event["name"]);
    iterations += event["name"].get<std::string>().starts_with("ProfilerStep#");
  }
  for (int i = 0; i < 4; ++i)
    for (const json& step : steps) expected.push_back(step["name"]);
  EXPECT_EQ(iterations, 4);
  EXPECT_EQ(traced, expected);

  // The page carries all of it, and asks the network for nothing.
  const std::string html = read_file(page);
  EXPECT_THAT(html, Not(HasSubstr("@PROFILE@")));
  EXPECT_FALSE(std::regex_search(html, std::regex("(src|href)=")));
  const std::string open = R"(<script type="application/json" id="profile">)";
  const auto begin = html.find(open) + open.size();
  json carried = json::parse(html.substr(begin, html.find("</script>", begin) - begin));
  EXPECT_EQ(carried, found);

  EXPECT_THAT(finished.out, HasSubstr("of peak"));
  EXPECT_THAT(finished.out, HasSubstr("conv"));
  EXPECT_TRUE(std::regex_search(finished.out, std::regex("\n  overhead    [+-][0-9.]+ % while looked into\n")))
      << finished.out;
}

TEST(Profile, JsonOnStandardOutputIsAlone) {
  const TemporaryFolder folder;
  const Finished finished = profile(folder, {"--json", "-", "--table"});
  ASSERT_EQ(finished.exit_code, 0) << finished.error;
  EXPECT_EQ(json::parse(finished.out)["schema"], "wherry.profile/1");
}

TEST(Profile, ComparesTwoProfiles) {
  const TemporaryFolder folder;
  const std::string before = folder.path("before.json"), after = folder.path("after.json");
  ASSERT_EQ(profile(folder, {"--threads", "1", "--json", before}).exit_code, 0);
  json changed = json::parse(read_file(before));
  changed["precision"] = "bf16";
  changed["inference_ms"] = changed["inference_ms"].get<double>() / 2;
  changed["steps"][0]["ms"] = changed["steps"][0]["ms"].get<double>() + 100;
  changed["steps"][0]["kernel"] = "a_faster_kernel";
  changed["steps"].erase(1);
  folder.file("after.json", changed.dump());
  const Finished finished = run_wherry({"profile", "--diff", before, after});
  ASSERT_EQ(finished.exit_code, 0) << finished.error;
  EXPECT_THAT(finished.out, HasSubstr("+100.000"));
  EXPECT_THAT(finished.out, HasSubstr("a_faster_kernel"));
  EXPECT_THAT(finished.out, HasSubstr("2.00x as fast"));
  const Finished document = run_wherry({"profile", "--diff", before, after, "--json", "-"});
  const json found = json::parse(document.out);
  EXPECT_EQ(found["after"]["precision"], "bf16");
  EXPECT_NEAR(found["changes"][0]["after_ms"].get<double>() - found["changes"][0]["before_ms"].get<double>(), 100,
              1e-6);
  int gone = 0;
  for (const json& change : found["changes"]) gone += change["after_ms"].is_null();
  EXPECT_EQ(gone, 1);
}

TEST(Profile, RefusesWhatIsNoProfile) {
  const TemporaryFolder folder;
  const std::string good = folder.path("good.json");
  ASSERT_EQ(profile(folder, {"--json", good}).exit_code, 0);
  const auto error_of = [&](const std::string& other) {
    const Finished finished = run_wherry({"profile", "--diff", good, other});
    EXPECT_EQ(finished.exit_code, 2) << finished.out;
    EXPECT_EQ(finished.out, "");
    return finished.error;
  };
  EXPECT_THAT(error_of(folder.path("none.json")), HasSubstr("none.json: cannot read this file"));
  EXPECT_THAT(error_of(folder.file("text", "no JSON")), HasSubstr("text: is no JSON, or damaged at byte 2"));
  EXPECT_THAT(error_of(folder.file("other.json", R"({"schema": "wherry.profile/2"})")),
              HasSubstr("schema is \"wherry.profile/2\"; 'wherry.profile/1' is accepted"));
  json damaged = json::parse(read_file(good));
  damaged["steps"][0]["ms"] = -1;
  EXPECT_THAT(error_of(folder.file("negative.json", damaged.dump())), HasSubstr("'ms' is -1; milliseconds from 0 up"));
  damaged["steps"][0]["ms"] = "fast";
  EXPECT_THAT(error_of(folder.file("word.json", damaged.dump())),
              HasSubstr("'ms' is \"fast\"; a number of milliseconds"));
  damaged["steps"] = 3;
  EXPECT_THAT(error_of(folder.file("steps.json", damaged.dump())), HasSubstr("'steps' is 3; a list is accepted"));
}

TEST(Profile, RefusesBadArguments) {
  const TemporaryFolder folder;
  EXPECT_THAT(run_wherry({"profile"}).error, HasSubstr("MODEL: found none"));
  EXPECT_THAT(run_wherry({"profile", kSmallCnn, "--diff", "a", "b"}).error, HasSubstr("runs no model"));
  EXPECT_THAT(profile(folder, {"--iterations", "0"}).error, HasSubstr("--iterations"));
  const std::string file = folder.file("file", "text");
  const Finished finished = run_wherry({"profile", kSmallCnn, "--input", "1x3x8x8", "--logdir", file});
  EXPECT_EQ(finished.exit_code, 2);
  EXPECT_THAT(finished.error, HasSubstr(file + ": cannot make this folder"));
  EXPECT_THAT(profile(folder, {"--html", folder.path("no/such/report.html")}).error, HasSubstr("no/such/report.html"));
}

}  // namespace
}  // namespace wherry::cli
