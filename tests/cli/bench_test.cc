// wherry bench from outside: torchbench's lines to the letter, figures that hang together, refusals.

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <regex>

#include "process.h"

namespace wherry::cli {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;
using ::testing::StartsWith;

const std::string kSmallCnn = WHERRY_SOURCE_DIR "/tests/engine/data/small_cnn.pt";

Finished bench(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "bench");
  return run_wherry(arguments);
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    lines.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return lines;
}

TEST(Bench, PrintsTorchbenchsLines) {
  const Finished finished = bench({kSmallCnn, "-d", "cpu", "-m", "jit", "-t", "eval", "--input", "2x3x12x12",
                                   "--precision", "fp32", "--channels-last", "--seconds", "0.01"});
  ASSERT_EQ(finished.exit_code, 0) << finished.error;
  EXPECT_EQ(finished.error, "");
  const auto lines = lines_of(finished.out);
  ASSERT_GE(lines.size(), 5U);
  EXPECT_EQ(
      lines[0],
      "Running eval method from small_cnn on cpu in torchscript mode with input batch size 2 and precision fp32.");
  // '{:<20} {:>20}': 41 columns, the number's own digits aside.
  EXPECT_THAT(lines[1], MatchesRegex("CPU Total Wall Time: +[0-9]+\\.[0-9][0-9][0-9] milliseconds"));
  EXPECT_GE(lines[1].size(), 39U);
  EXPECT_THAT(lines[2], MatchesRegex("CPU Peak Memory: +[0-9]\\.[0-9][0-9][0-9][0-9] GB"));
  EXPECT_EQ(lines[2].size(), 41U);
  EXPECT_EQ(lines[3], "Correctness:                         True");
  EXPECT_EQ(lines[4], "");
}

TEST(Bench, ModeAndMetricsAreAsAsked) {
  const Finished finished = bench({kSmallCnn, "-m", "eager", "--input", "1x3x12x12", "--metrics", "none",
                                   "--skip_correctness", "--seconds", "0.01"});
  ASSERT_EQ(finished.exit_code, 0) << finished.error;
  EXPECT_THAT(finished.out, AllOf(HasSubstr("in eager mode with"), Not(HasSubstr("CPU Peak Memory:")),
                                  Not(HasSubstr("Correctness:")), HasSubstr("cold start")));
}

TEST(Bench, JsonOfABuiltInArchitecture) {
  const Finished finished = bench({"squeezenet1_1", "--input", "3x3x64x64", "--json", "-", "--threads", "1",
                                   "--precision", "fp32", "--seconds", "0.1"});
  ASSERT_EQ(finished.exit_code, 0) << finished.error;
  const json found = json::parse(finished.out);
  EXPECT_EQ(found["name"], "squeezenet1_1");
  EXPECT_EQ(found["format"], "random weights (squeezenet1_1)");
  EXPECT_EQ(found["batch"], 3);
  EXPECT_EQ(found["threads"], 1);
  EXPECT_EQ(found["precision"], "fp32");
  EXPECT_FALSE(found["isa"].get<std::string>().empty());
  const double min = found["min_ms"], p50 = found["p50_ms"], p90 = found["p90_ms"], p99 = found["p99_ms"];
  EXPECT_LT(0, min);
  EXPECT_LE(min, p50);
  EXPECT_LE(p50, p90);
  EXPECT_LE(p90, p99);
  // Three images each time; the mean lies between the extremes.
  EXPECT_LE(found["throughput_per_s"].get<double>(), 1.001 * 3 / (min / 1e3));
  EXPECT_GT(found["throughput_per_s"].get<double>(), 0);
  EXPECT_GT(found["cold_start_ms"].get<double>(), min);
  EXPECT_GT(found["peak_memory_mb"].get<double>(), 5);  // 1.2 million parameters
  EXPECT_TRUE(found["correct"].get<bool>());
  EXPECT_GT(found["cosine"].get<double>(), 0.999999);
  EXPECT_LT(found["max_abs_error"].get<double>(), 1e-3);
  EXPECT_LT(found["max_rel_error"].get<double>(), 1e-4);
  EXPECT_EQ(found["top1_agreement"], 1.0);
  EXPECT_EQ(found["images_compared"], 3);
  EXPECT_GT(found["cache"]["misses"], 0);
  EXPECT_EQ(found["cache"]["evictions"], 0);
  EXPECT_GT(found["cache"]["entries"], 0);
  EXPECT_GT(found["cache"]["bytes"], 0);
  EXPECT_GE(found["cache"]["hits"], 0);
}

TEST(Bench, WritesFiles) {
  const TemporaryFolder folder;
  const std::string model = folder.file("seen_by_bench_test.pt", read_file(kSmallCnn));
  const std::string exported = "seen_by_bench_test_all_metrics.json";
  const std::string file = folder.path("out.json");
  const Finished finished =
      bench({model, "--bs", "2", "--skip_correctness", "--seconds", "0.01", "--json", file, "--export-metrics"});
  ASSERT_EQ(finished.exit_code, 0) << finished.error;
  EXPECT_THAT(finished.out, HasSubstr("input batch size 2 and"));
  EXPECT_EQ(finished.error, "wherry: note: metrics are in " + exported + "\n");
  const json found = json::parse(read_file(file));
  EXPECT_EQ(found["inputs"][0]["sizes"], json({2, 3, 224, 224}));
  EXPECT_TRUE(found["cosine"].is_null());
  const json metrics = json::parse(read_file(exported));
  std::filesystem::remove(exported);
  EXPECT_EQ(metrics["name"], "seen_by_bench_test");
  EXPECT_EQ(metrics["environ"]["device"], "cpu");
  EXPECT_THAT(metrics["environ"]["wherry_version"].get<std::string>(), MatchesRegex("[0-9.]+"));
  EXPECT_EQ(metrics["metrics"]["p50_ms"], found["p50_ms"]);
  EXPECT_FALSE(metrics["metrics"].contains("cosine"));
  EXPECT_THAT(bench({model, "--skip_correctness", "--seconds", "0.01", "--json", folder.path("no/such/folder")}).error,
              HasSubstr("no/such/folder: cannot write: No such file or directory"));
}

// Tolerances nothing can meet: the exit code must tell.
TEST(Bench, WhatIsNotCorrectIsAFailure) {
  ::setenv("TORCHBENCH_ATOL", "0", 1);
  ::setenv("TORCHBENCH_RTOL", "0", 1);
  const std::vector<std::string> arguments = {"squeezenet1_1", "--input",   "1x3x64x64", "--precision",
                                              "fp32",          "--seconds", "0.01"};
  const Finished exact = bench(arguments);
  auto with_cosine = arguments;
  with_cosine.emplace_back("--use_cosine_similarity");
  const Finished cosine = bench(with_cosine);
  ::unsetenv("TORCHBENCH_ATOL");
  ::unsetenv("TORCHBENCH_RTOL");
  EXPECT_EQ(cosine.exit_code, 0);
  EXPECT_THAT(cosine.out, HasSubstr("Correctness:                         True"));
  const json isa = json::parse(
      bench({"squeezenet1_1", "--input", "1x3x64x64", "--json", "-", "--seconds", "0.01", "--skip_correctness"})
          .out)["isa"];
  if (isa == "scalar") GTEST_SKIP() << "the reference is what was measured, so nothing differs";
  EXPECT_EQ(exact.exit_code, 3);
  EXPECT_THAT(exact.out, HasSubstr("Correctness:                        False"));
}

TEST(Bench, StressPrintsTheTable) {
  const Finished finished = bench({kSmallCnn, "--input", "1x3x12x12", "--stress", "0.05", "--skip_correctness"});
  ASSERT_EQ(finished.exit_code, 0) << finished.error;
  const auto lines = lines_of(finished.out);
  ASSERT_GE(lines.size(), 4U);
  EXPECT_EQ(lines[1], "|     Iterations     | Time/Iteration(ms) |    Rest Time(s)    |");
  EXPECT_THAT(lines[2], MatchesRegex("\\| +[0-9]+ +\\| +[0-9]+\\.[0-9][0-9] +\\| +0 +\\|"));
  EXPECT_THAT(lines[3], StartsWith("CPU Total Wall Time:"));
}

// The scalar kernels need weights that a compiled model has only where it is portable.
TEST(Bench, CompiledModels) {
  const TemporaryFolder folder;
  for (const bool portable : {false, true}) {
    SCOPED_TRACE(portable);
    const std::string compiled = folder.path("small_cnn.wherry");
    std::vector<std::string> compile = {"compile",   kSmallCnn,     "-o",   compiled, "--input",
                                        "2x3x12x12", "--precision", "bf16", "--json"};
    if (portable) compile.emplace_back("--portable");
    const Finished made = run_wherry(compile);
    ASSERT_EQ(made.exit_code, 0) << made.error;
    const json about = json::parse(made.out)["compiled"];
    const bool checked = portable || (about["isa"] == "scalar" && about["precision"] == "fp32");
    const Finished finished = bench({compiled, "--json", "-", "--seconds", "0.01"});
    ASSERT_EQ(finished.exit_code, 0) << finished.error;
    const json found = json::parse(finished.out);
    EXPECT_EQ(found["inputs"][0]["sizes"], json({2, 3, 12, 12}));  // what it was compiled for
    EXPECT_EQ(found["format"], "compiled TorchScript");
    EXPECT_EQ(found["precision"], about["precision"]);
    EXPECT_EQ(found["correct"], checked ? json(true) : json());
    EXPECT_THAT(finished.error, checked ? testing::Matcher<std::string>(Not(HasSubstr("--portable")))
                                        : HasSubstr("compile it with --portable"));
  }
}

TEST(Bench, SeveralInputs) {
  const std::string pair = WHERRY_SOURCE_DIR "/tests/engine/data/pair.pt";
  const Finished refused = bench({pair});
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_THAT(refused.error, HasSubstr("pair.pt: the file does not say the sizes of its 2 inputs; --input SHAPE"));
  // Ids go up to 99, and the model's table has ten rows; those of types are 0.
  const Finished ids = bench({pair, "--input", "3x6", "--input", "4:int64", "--seconds", "0.01"});
  EXPECT_EQ(ids.exit_code, 2);
  EXPECT_THAT(ids.error, HasSubstr("10 rows"));
}

TEST(Bench, Refusals) {
  const auto refusal = [](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "resnet18");
    const Finished finished = bench(std::move(arguments));
    EXPECT_EQ(finished.exit_code, 2);
    EXPECT_EQ(finished.out, "");
    EXPECT_THAT(finished.error, StartsWith("wherry: error: "));
    EXPECT_EQ(std::count(finished.error.begin(), finished.error.end(), '\n'), 1) << finished.error;
    return finished.error;
  };
  EXPECT_THAT(refusal({"-d", "cuda"}), HasSubstr("-d cuda: wherry runs on CPUs; cpu is accepted"));
  EXPECT_THAT(refusal({"--test", "train"}), HasSubstr("-t train: wherry runs inference and does not train"));
  EXPECT_THAT(refusal({"-m", "fx"}), HasSubstr("-m fx: no such mode; jit and eager are accepted"));
  EXPECT_THAT(refusal({"--metrics", "cpu_peak_mem,flops"}), HasSubstr("cannot collect 'flops'"));
  EXPECT_THAT(refusal({"--bs", "0"}), HasSubstr("--bs"));
  EXPECT_THAT(refusal({"--bs", "2", "--input", "1x3x64x64"}), HasSubstr("--bs 2: --input gives the whole shape"));
  EXPECT_THAT(refusal({"--seconds", "1", "--stress", "1"}), HasSubstr("--stress 1"));
  EXPECT_THAT(refusal({"--input", "1x4x64x64"}), HasSubstr("[N, 3, H, W]"));
  EXPECT_THAT(
      bench({"resnet19"}).error,
      AllOf(HasSubstr("resnet19: found no such file and no such built-in architecture"), HasSubstr("resnet18")));
}

TEST(Bench, ShowsTheCache) {
  const Finished finished =
      bench({kSmallCnn, "--input", "1x3x12x12", "--skip_correctness", "--seconds", "0.01", "--precision", "fp32"});
  EXPECT_THAT(lines_of(finished.out),
              testing::Contains(MatchesRegex(
                  "  cache +[0-9]+ hits?, [1-9][0-9]* misses?, 0 evictions; [1-9][0-9]* primitives? in [0-9.]+ .?B")));
}

TEST(Bench, ProfilesSteps) {
  const TemporaryFolder folder;
  const std::string logs = folder.path("a/b");
  const std::string trace = logs + "/small_cnn.pt.trace.json";
  const std::string figures = folder.path("out.json");
  const Finished finished = bench({kSmallCnn, "--input", "2x3x12x12", "--threads", "2", "--precision", "fp32",
                                   "--seconds", "0.01", "--profile", "--profile-folder", logs, "--json", figures});
  ASSERT_EQ(finished.exit_code, 0) << finished.error;
  EXPECT_EQ(finished.error, "wherry: note: the profile is in " + trace + "\n");
  EXPECT_THAT(finished.out, HasSubstr("Correctness:                         True"));

  const json found = json::parse(read_file(figures));
  EXPECT_EQ(found["profile_trace"], trace);
  const json& profile = found["profile"];
  ASSERT_GT(profile.size(), 2U);
  double sum = 0;
  int convolutions = 0;
  for (const json& step : profile) {
    EXPECT_GT(step["ms"], 0);
    EXPECT_FALSE(step["kernel"].get<std::string>().empty());
    EXPECT_THAT(step["shape"].get<std::string>(), HasSubstr("->"));
    EXPECT_GE(step["flops"], 0);
    sum += step["ms"].get<double>();
    convolutions += step["op"] == "convolution";
  }
  EXPECT_EQ(convolutions, 2);
  EXPECT_NEAR(found["profile_steps_ms"].get<double>(), sum, 1e-9 * sum);
  EXPECT_GT(found["profile_inference_ms"], 0);

  // The table: slowest first, and all of it.
  const auto lines = lines_of(finished.out);
  const auto heading = std::find_if(lines.begin(), lines.end(), [](const auto& line) {
    return std::regex_match(line, std::regex(" *ms +share +steps +step +kernel +precision +GFLOP/s .*shape"));
  });
  ASSERT_NE(heading, lines.end()) << finished.out;
  double before = 1e9, percent = 0;
  std::size_t steps = 0;
  for (auto row = heading + 1; row != lines.end() && !row->empty(); ++row) {
    std::smatch cells;
    ASSERT_TRUE(std::regex_match(*row, cells, std::regex(" *([0-9.]+) +([0-9.]+) % [^a-z]* ([0-9]+)  [a-z].*")))
        << *row;
    EXPECT_LE(std::stod(cells[1]), before);
    before = std::stod(cells[1]);
    percent += std::stod(cells[2]);
    steps += std::stoul(cells[3]);
  }
  EXPECT_EQ(steps, profile.size());
  EXPECT_NEAR(percent, 100, 0.1 * static_cast<double>(steps));
  const int digits = found["profile_inference_ms"] < 0.1 ? 6 : 3;
  EXPECT_THAT(finished.out, HasSubstr(fmt::format("  steps       {:.{}f} ms is the sum of {} steps\n",
                                                  found["profile_steps_ms"].get<double>(), digits, profile.size())));
  EXPECT_THAT(finished.out, HasSubstr(fmt::format("  inference   {:.{}f} ms, ",
                                                  found["profile_inference_ms"].get<double>(), digits)));

  // The trace has the same steps, in order, of three inferences.
  std::vector<std::string> ops, traced;
  for (int i = 0; i < 3; ++i)
    for (const json& step : profile) ops.push_back(step["name"]);
  const json events = json::parse(read_file(trace))["traceEvents"];
  for (const json& event : events)
    if (event.value("cat", "") == "cpu_op") traced.push_back(event["name"]);
  EXPECT_EQ(traced, ops);
}

TEST(Bench, ProfileAndJsonOnStandardOutput) {
  const TemporaryFolder folder;
  const Finished finished = bench({kSmallCnn, "--input", "1x3x12x12", "--skip_correctness", "--seconds", "0.01",
                                   "--profile", "--profile-folder", folder.path(""), "--json", "-"});
  ASSERT_EQ(finished.exit_code, 0) << finished.error;
  EXPECT_GT(json::parse(finished.out)["profile"].size(), 2U);
  const Finished plain = bench({kSmallCnn, "--input", "1x3x12x12", "--skip_correctness", "--seconds", "0.01",
                                "--profile-folder", folder.path("unused"), "--json", "-"});
  EXPECT_TRUE(json::parse(plain.out)["profile"].is_null());
  EXPECT_FALSE(std::filesystem::exists(folder.path("unused")));
}

TEST(Bench, ProfileFolderThatCannotBe) {
  const TemporaryFolder folder;
  const std::string file = folder.file("file", "text");
  const Finished finished = bench({kSmallCnn, "--input", "1x3x12x12", "--profile", "--profile-folder", file});
  EXPECT_EQ(finished.exit_code, 2);
  EXPECT_THAT(finished.error, HasSubstr("wherry: error: " + file));
  EXPECT_THAT(finished.out, Not(HasSubstr("CPU Total Wall Time")));  // refused before measuring
}

TEST(Inspect, TakesBuiltInArchitectures) {
  const Finished finished = run_wherry({"inspect", "shufflenet_v2_x0_5", "--json"});
  ASSERT_EQ(finished.exit_code, 0) << finished.error;
  EXPECT_EQ(json::parse(finished.out)["parameter_count"], 1366792);
}

}  // namespace
}  // namespace wherry::cli
