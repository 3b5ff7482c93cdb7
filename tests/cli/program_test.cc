// The program from outside: help, usage, and everything that can be wrong with a model file.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "process.h"

namespace wherry::cli {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::StartsWith;

const std::filesystem::path kSource = WHERRY_SOURCE_DIR;
const std::filesystem::path kModel = kSource / "build" / "models" / "mobilenet_v2.pth";

/// Exit code 2, nothing on standard output, one line on standard error.
void expect_refused(const Finished& finished, const std::string& expected = {}) {
  EXPECT_EQ(finished.exit_code, 2) << finished.error;
  EXPECT_EQ(finished.out, "");
  EXPECT_THAT(finished.error, AllOf(StartsWith("wherry: error: "), HasSubstr(expected)));
  EXPECT_EQ(std::count(finished.error.begin(), finished.error.end(), '\n'), 1) << finished.error;
}

TEST(Program, HelpHasExamples) {
  for (const char* command : {"", "classify-image", "run", "inspect", "tune", "compile", "bench"}) {
    SCOPED_TRACE(command);
    const Finished finished = *command == '\0' ? run_wherry({"--help"}) : run_wherry({command, "--help"});
    EXPECT_EQ(finished.exit_code, 0);
    EXPECT_EQ(finished.error, "");
    EXPECT_THAT(finished.out, AllOf(HasSubstr("Usage: wherry " + std::string(command)),
                                    HasSubstr("Examples:\n  wherry "), HasSubstr("--version")));
    if (*command != '\0') {
      EXPECT_THAT(finished.out, AllOf(HasSubstr("--json"), HasSubstr("--threads"), HasSubstr("--progress")));
    }
    std::size_t widest = 0, start = 0;
    for (std::size_t end = finished.out.find('\n'); end != std::string::npos; end = finished.out.find('\n', start)) {
      widest = std::max(widest, end - start);
      start = end + 1;
    }
    EXPECT_LE(widest, 120U);
  }
}

TEST(Program, Version) {
  for (const auto& arguments : {std::vector<std::string>{"--version"}, {"run", "--version"}}) {
    const Finished finished = run_wherry(arguments);
    EXPECT_EQ(finished.exit_code, 0);
    EXPECT_THAT(finished.out, MatchesRegex("wherry [0-9]+\\.[0-9]+\\.[0-9]+\n"));
  }
}

TEST(Program, NoArgumentsShowTheHelpAsAMistake) {
  const Finished finished = run_wherry({});
  EXPECT_EQ(finished.exit_code, 2);
  EXPECT_EQ(finished.out, "");
  EXPECT_THAT(finished.error, HasSubstr("Usage: wherry"));
}

TEST(Program, UsageErrors) {
  expect_refused(run_wherry({"frobnicate"}), "no command 'frobnicate'");
  expect_refused(run_wherry({"--frobnicate"}), "wherry --help");
  expect_refused(run_wherry({"run"}), "MODEL is required; see 'wherry run --help'");
  expect_refused(run_wherry({"run", "m.pt", "--frobnicate"}), "--frobnicate");
  expect_refused(run_wherry({"classify-image", "m.pt"}), "IMAGE is required");
  for (const char* threads : {"0", "-1", "many", "1e3", "99999999999999999999", ""})
    expect_refused(run_wherry({"run", "m.pt", "--threads", threads}), "--threads");
  expect_refused(run_wherry({"run", "m.pt", "--input", "x.npy", "--output", "x.txt"}), "--output x.txt");
  expect_refused(run_wherry({"classify-image", "m.pt", "x.jpg", "--interpolation", "nearest"}), "nearest");
  expect_refused(run_wherry({"classify-image", "m.pt", "x.jpg", "--crop", "0"}), "crop: 0");
  expect_refused(run_wherry({"classify-image", "m.pt", "x.jpg", "--std", "1,0,1"}), "std: 0");
  expect_refused(run_wherry({"classify-image", "m.pt", "x.jpg", "--mean", "1,2"}), "--mean 1,2");
  expect_refused(run_wherry({"classify-image", "m.pt", "x.jpg", "--labels", "/nonexistent/labels"}),
                 "/nonexistent/labels");
}

/// Each command with a model that cannot be loaded.
void expect_bad_model(const std::string& model, const std::string& expected) {
  SCOPED_TRACE(model);
  expect_refused(run_wherry({"classify-image", model, "photo.jpg"}), expected);
  expect_refused(run_wherry({"run", model, "--input", "x.npy", "--json"}), expected);
  expect_refused(run_wherry({"inspect", model}), expected);
  expect_refused(run_wherry({"bench", model}), expected);
}

TEST(Program, FilesThatAreNoModels) {
  const TemporaryFolder folder;
  expect_bad_model(folder.path("missing.pt"), "missing.pt: cannot open: No such file or directory");
  expect_bad_model(folder.path(""), "is a directory");
  expect_bad_model(folder.file("empty.pt", ""), "empty.pt");
  expect_bad_model(folder.file("text.pt", "import torch\n"), "text.pt");
  expect_bad_model(folder.file("zeros.pt", std::string(4096, '\0')), "zeros.pt");
  expect_bad_model(folder.file("picture.pt", read_file(kSource / "tests/vision/goldens/png_rgb8.png")), "picture.pt");
  expect_bad_model(folder.file("line\nbreak.pt", "x"), "line\\x0abreak.pt");
  expect_bad_model(folder.file("magic.pth", "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19"), "magic.pth");
  expect_bad_model(folder.file("zip.pt", std::string("PK\x05\x06", 4) + std::string(18, '\0')), "zip.pt");
}

TEST(Program, ARealModelTruncatedAnywhere) {
  if (!std::filesystem::exists(kModel))
    GTEST_SKIP() << "NOT TESTED: " << kModel << " is missing; scripts/fetch_models.py fetches it";
  const std::string whole = read_file(kModel);
  const TemporaryFolder folder;
  std::vector<std::size_t> sizes = {1, 2, 3, 14, 15, 100, 1000, 10'000, whole.size() / 2, whole.size() - 1};
  for (std::size_t i = 1; i < 24; ++i) sizes.push_back(i * whole.size() / 24 + i * i);
  for (const std::size_t size : sizes) {
    SCOPED_TRACE(size);
    const std::string path = folder.file("cut.pth", std::string_view(whole).substr(0, size));
    expect_refused(run_wherry({"inspect", path, "--arch", "mobilenet_v2"}), "cut.pth");
  }
}

TEST(Program, ARealModelUnderAWrongName) {
  if (!std::filesystem::exists(kModel))
    GTEST_SKIP() << "NOT TESTED: " << kModel << " is missing; scripts/fetch_models.py fetches it";
  expect_refused(run_wherry({"inspect", kModel}), "--arch");
  expect_refused(run_wherry({"inspect", kModel, "--arch", "resnet50"}), "resnet50");
  expect_refused(run_wherry({"inspect", kModel, "--arch", "frobnet"}), "frobnet");
  expect_refused(run_wherry({"inspect", kModel, "--arch", "mobilenet_v2", "--input", "1x4x224x224"}), "");
  expect_refused(run_wherry({"inspect", kModel, "--arch", "mobilenet_v2", "--input", "1x3x224x224:int64"}), "");
}

}  // namespace
}  // namespace wherry::cli
