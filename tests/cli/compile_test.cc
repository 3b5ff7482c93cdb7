// wherry compile from outside: what it prints, what it refuses, and that every command takes its files.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <thread>

#include "process.h"

namespace wherry::cli {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using Json = nlohmann::json;

const std::filesystem::path kSource = WHERRY_SOURCE_DIR;
const std::string kModel = (kSource / "tests/engine/data/small_cnn.pt").string();

void expect_refused(const Finished& finished, const std::string& expected) {
  EXPECT_EQ(finished.exit_code, 2) << finished.error;
  EXPECT_EQ(finished.out, "");
  EXPECT_THAT(finished.error, AllOf(StartsWith("wherry: error: "), HasSubstr(expected)));
  EXPECT_EQ(std::count(finished.error.begin(), finished.error.end(), '\n'), 1) << finished.error;
}

/// An .npy file of float32[1, 3, 20, 18].
std::string input_in(const TemporaryFolder& folder) {
  std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 3, 20, 18), }";
  header.resize(117, ' ');
  std::string content = std::string("\x93NUMPY\x01\x00", 8) + std::string("\x76\x00", 2) + header + "\n";
  for (int i = 0; i < 3 * 20 * 18; ++i) {
    const float value = static_cast<float>(i % 13) / 6 - 1;
    content.append(reinterpret_cast<const char*>(&value), sizeof(value));
  }
  return folder.file("x.npy", content);
}

TEST(Compile, SaysWhatItMade) {
  const TemporaryFolder folder;
  const std::string path = folder.path("m.wherry");
  const Finished text = run_wherry({"compile", kModel, "-o", path, "--input", "1x3x20x18", "--input", "2x3x9x13"});
  EXPECT_EQ(text.exit_code, 0) << text.error;
  EXPECT_EQ(text.error, "");
  EXPECT_THAT(text.out, AllOf(HasSubstr("m.wherry"), HasSubstr("kernels in fp32"),
                              HasSubstr("float32[1, 3, 20, 18]; float32[2, 3, 9, 13]"), HasSubstr("packed weights")));
  const Finished json = run_wherry({"compile", kModel, "-o", path, "--input", "1x3x20x18", "--portable", "--json"});
  EXPECT_EQ(json.exit_code, 0) << json.error;
  const Json document = Json::parse(json.out);
  EXPECT_EQ(document["file"], path);
  EXPECT_EQ(document["compiled"]["portable"], true);
  EXPECT_EQ(document["compiled"]["file_bytes"], std::filesystem::file_size(path));
  EXPECT_EQ(document["compiled"]["absent_weights"], 0);
  EXPECT_EQ(document["compiled"]["shapes"][0][0]["sizes"], Json({1, 3, 20, 18}));
}

TEST(Compile, InspectTellsAndVerifies) {
  const TemporaryFolder folder;
  const std::string path = folder.path("m.wherry");
  ASSERT_EQ(run_wherry({"compile", kModel, "-o", path, "--input", "1x3x20x18"}).exit_code, 0);
  const Finished text = run_wherry({"inspect", path, "--verify"});
  EXPECT_EQ(text.exit_code, 0) << text.error;
  EXPECT_THAT(text.out, AllOf(HasSubstr("compiled TorchScript"), HasSubstr("every checksum is right"),
                              HasSubstr("float32 [1, 3, 20, 18]")));
  EXPECT_TRUE(Json::parse(run_wherry({"inspect", path, "--verify", "--json"}).out)["verified"]);
  std::string damaged = read_file(path);
  damaged[damaged.size() - 100] ^= 1;
  expect_refused(run_wherry({"inspect", folder.file("damaged.wherry", damaged), "--verify"}), "checksum");
  expect_refused(run_wherry({"inspect", kModel, "--verify"}), "no compiled model");
}

TEST(Compile, SeveralProcessesAnswerAsTheOriginal) {
  const TemporaryFolder folder;
  const std::string path = folder.path("m.wherry"), input = input_in(folder);
  ASSERT_EQ(run_wherry({"compile", kModel, "-o", path, "--input", "1x3x20x18"}).exit_code, 0);
  ASSERT_EQ(run_wherry({"run", kModel, "--input", input, "--output", folder.path("original.npy")}).exit_code, 0);
  const auto run = [&](const std::string& output) {
    for (int round = 0; round < 3; ++round) {
      const Finished finished = run_wherry({"run", path, "--input", input, "--output", folder.path(output)});
      EXPECT_EQ(finished.exit_code, 0) << finished.error;
    }
  };
  std::thread other(run, "other.npy");
  run("one.npy");
  other.join();
  EXPECT_EQ(read_file(folder.path("one.npy")), read_file(folder.path("original.npy")));
  EXPECT_EQ(read_file(folder.path("other.npy")), read_file(folder.path("original.npy")));
}

TEST(Compile, Refusals) {
  const TemporaryFolder folder;
  const std::string path = folder.path("m.wherry");
  expect_refused(run_wherry({"compile", kModel}), "--output is required");
  expect_refused(run_wherry({"compile", kModel, "-o", "/nonexistent/m.wherry", "--input", "1x3x20x18"}),
                 "cannot write");
  expect_refused(run_wherry({"compile", kModel, "-o", folder.path(""), "--input", "1x3x20x18"}), "directory");
  expect_refused(run_wherry({"compile", kModel, "-o", kModel}), "is the model itself");
  expect_refused(run_wherry({"compile", kModel, "-o", path, "--input", "1x4x20x18"}), "");
  EXPECT_FALSE(std::filesystem::exists(path));
  ASSERT_EQ(run_wherry({"compile", kModel, "-o", path, "--input", "1x3x20x18"}).exit_code, 0);
  expect_refused(run_wherry({"compile", path, "-o", folder.path("n.wherry")}), "compiled already");
  expect_refused(run_wherry({"inspect", folder.file("cut.wherry", read_file(path).substr(0, 5000))}), "truncated");
}

}  // namespace
}  // namespace wherry::cli
