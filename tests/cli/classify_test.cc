// The quickstart's command and its neighbours on real weights and a real photo, where scripts/fetch_models.py put them.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "process.h"

namespace wherry::cli {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class Classify : public ::testing::Test {
 protected:
  void SetUp() override {
    for (const auto& path : {model_, photo_})
      if (!std::filesystem::exists(path))
        GTEST_SKIP() << "NOT TESTED: " << path << " is missing; scripts/fetch_models.py fetches it";
  }

  Finished classify(std::vector<std::string> more) const {
    std::vector<std::string> arguments = {"classify-image", model_, "--arch", "mobilenet_v2"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_wherry(arguments);
  }

  const std::string models_ = std::string(WHERRY_SOURCE_DIR) + "/build/models/";
  const std::string model_ = models_ + "mobilenet_v2.pth";
  const std::string photo_ = models_ + "grace_hopper.jpg";
};

TEST_F(Classify, AdmiralHopperWearsAMilitaryUniform) {
  const Finished finished = classify({photo_, "--resize", "224"});
  EXPECT_EQ(finished.exit_code, 0) << finished.error;
  EXPECT_EQ(finished.error, "");
  const auto first = finished.out.find('\n');
  EXPECT_EQ(finished.out.substr(0, first), photo_);
  const auto second = finished.out.find('\n', first + 1);
  EXPECT_THAT(finished.out.substr(first + 1, second - first - 1),
              AllOf(HasSubstr("%"), HasSubstr("  military uniform")));
  EXPECT_EQ(std::count(finished.out.begin(), finished.out.end(), '\n'), 6);
}

// PyTorch 2.15's answers for the same weights, the same photo and torchvision 0.29's transforms. The standard crop cuts
// the uniform away, and PyTorch too then sees the tie first.
TEST_F(Classify, ProbabilitiesArePyTorchs) {
  struct Case {
    const char* resize;
    std::vector<std::pair<int, double>> top;
  };
  const Case cases[] = {
      {"256", {{457, 0.5082077}, {652, 0.1798216}, {667, 0.1097298}, {834, 0.0590680}, {400, 0.0435979}}},
      {"224", {{652, 0.4130273}, {457, 0.1294107}, {667, 0.1122362}}},
  };
  for (const auto& [resize, expected] : cases) {
    const Finished finished = classify({photo_, "--json", "--resize", resize});
    ASSERT_EQ(finished.exit_code, 0) << finished.error;
    const json top = json::parse(finished.out)["images"][0]["top"];
    for (std::size_t i = 0; i < expected.size(); ++i) {
      EXPECT_EQ(top[i]["index"], expected[i].first);
      EXPECT_NEAR(top[i]["probability"], expected[i].second, 2e-5);
    }
  }
}

TEST_F(Classify, Json) {
  const Finished finished =
      classify({photo_, photo_, "--json", "--top", "1000", "--threads", "1", "--batch", "2", "--resize", "224"});
  ASSERT_EQ(finished.exit_code, 0) << finished.error;
  const json document = json::parse(finished.out);
  ASSERT_EQ(document["images"].size(), 2U);
  for (const auto& image : document["images"]) {
    EXPECT_EQ(image["file"], photo_);
    EXPECT_EQ(image["classes"], 1000);
    ASSERT_EQ(image["top"].size(), 1000U);
    EXPECT_EQ(image["top"][0]["index"], 652);
    EXPECT_EQ(image["top"][0]["label"], "military uniform");
    double sum = 0, last = 1;
    for (const auto& score : image["top"]) {
      EXPECT_LE(score["probability"], last);
      last = score["probability"];
      sum += last;
    }
    EXPECT_NEAR(sum, 1, 1e-9);
  }
}

TEST_F(Classify, LabelsOfAnotherNumberGiveIndices) {
  const TemporaryFolder folder;
  const Finished finished =
      classify({photo_, "--labels", folder.file("two.txt", "cat\ndog\n"), "--top", "1", "--resize", "224"});
  EXPECT_EQ(finished.exit_code, 0);
  EXPECT_THAT(finished.out, HasSubstr("class 652"));
  EXPECT_THAT(finished.error,
              AllOf(StartsWith("wherry: note: the model has 1000 classes but "), HasSubstr("has 2 names")));
}

TEST_F(Classify, OneBadPictureDoesNotStopTheOthers) {
  const TemporaryFolder folder;
  const std::string gif = folder.file("cat.jpg", "GIF89a");
  const Finished finished = classify({gif, photo_, "--json", "--resize", "224"});
  EXPECT_EQ(finished.exit_code, 2);
  EXPECT_EQ(finished.error, "wherry: error: " + gif + ": is a GIF image; JPEG and PNG are accepted\n");
  const json document = json::parse(finished.out);
  ASSERT_EQ(document["images"].size(), 2U);
  EXPECT_THAT(document["images"][0]["error"].get<std::string>(), HasSubstr("GIF"));
  EXPECT_EQ(document["images"][1]["top"][0]["index"], 652);
}

TEST_F(Classify, BadPictures) {
  const TemporaryFolder folder;
  const std::string whole = read_file(photo_);
  const std::pair<std::string, std::string> cases[] = {
      {folder.path("missing.jpg"), "cannot open"},
      {folder.path(""), "is a directory"},
      {folder.file("empty.jpg", ""), "the file is empty"},
      {folder.file("text.jpg", "a cat"), "is text"},
      {folder.file("cut.jpg", std::string_view(whole).substr(0, whole.size() / 2)), "truncated JPEG"},
      {model_, "no image"},
  };
  for (const auto& [path, expected] : cases) {
    const Finished finished = classify({path});
    EXPECT_EQ(finished.exit_code, 2);
    EXPECT_EQ(finished.out, "");
    EXPECT_THAT(finished.error, AllOf(StartsWith("wherry: error: " + path), HasSubstr(expected)));
    EXPECT_EQ(std::count(finished.error.begin(), finished.error.end(), '\n'), 1) << finished.error;
  }
}

TEST_F(Classify, InspectShowsThePlan) {
  const Finished text = run_wherry({"inspect", model_, "--arch", "mobilenet_v2"});
  EXPECT_EQ(text.exit_code, 0) << text.error;
  EXPECT_THAT(text.out, AllOf(HasSubstr("parameters  3,504,872 (14.0 MB)"), HasSubstr("assumed [1, 3, 224, 224]"),
                              HasSubstr("convolution"), HasSubstr("[1, 1000]")));
  const Finished finished =
      run_wherry({"inspect", model_, "--arch", "mobilenet_v2", "--input", "2x3x192x160", "--json", "--threads", "1"});
  ASSERT_EQ(finished.exit_code, 0) << finished.error;
  const json document = json::parse(finished.out);
  EXPECT_EQ(document["parameter_count"], 3'504'872);
  const json& plan = document["plan"];
  EXPECT_EQ(plan["inputs"][0]["sizes"], json({2, 3, 192, 160}));
  EXPECT_EQ(plan["outputs"][0]["sizes"], json({2, 1000}));
  EXPECT_EQ(plan["threads"], 1);
  // Every convolution of the network, some of them two to a step.
  std::size_t convolutions = 0;
  for (const json& step : plan["steps"])
    if (step["op"] == "convolution")
      convolutions += step["kernel"].get<std::string>().find(" > ") == std::string::npos ? 1 : 2;
  EXPECT_EQ(convolutions, 52U);
  // 2 × 300.8 million multiply-adds at 224 × 224, scaled to these pixels; the classifier's part is not, and is small.
  const double expected = 2 * 2 * 300.8e6 * (192.0 * 160) / (224.0 * 224);
  EXPECT_NEAR(plan["flops"].get<double>(), expected, 0.03 * expected);
}

TEST_F(Classify, RunWritesWhatClassifyShows) {
  const TemporaryFolder folder;
  // A .npy of zeros, 1 × 3 × 224 × 224, as numpy.save writes it.
  std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 3, 224, 224), }";
  header.resize(117, ' ');
  header += '\n';
  const std::string npy = std::string("\x93NUMPY\x01\x00", 8) + std::string("\x76\x00", 2) + header;
  const std::string zeros = folder.file("zeros.npy", npy + std::string(std::size_t{4} * 3 * 224 * 224, '\0'));
  const std::string out = folder.path("out.npz");
  const Finished finished =
      run_wherry({"run", model_, "--arch", "mobilenet_v2", "--input", zeros, "--output", out, "--json"});
  ASSERT_EQ(finished.exit_code, 0) << finished.error;
  const json document = json::parse(finished.out);
  ASSERT_EQ(document["outputs"].size(), 1U);
  EXPECT_EQ(document["outputs"][0]["sizes"], json({1, 1000}));
  EXPECT_EQ(document["outputs"][0]["not_finite"], 0);
  EXPECT_GT(std::filesystem::file_size(out), 4000U);
  const Finished summary = run_wherry({"run", model_, "--arch", "mobilenet_v2", "--input", zeros});
  EXPECT_THAT(summary.out, AllOf(HasSubstr("float32"), HasSubstr("[1, 1000]")));
  const Finished wrong = run_wherry({"run", model_, "--arch", "mobilenet_v2", "--input", "frob=" + zeros});
  EXPECT_EQ(wrong.exit_code, 2);
  EXPECT_THAT(wrong.error, HasSubstr("no input 'frob'"));
}

}  // namespace
}  // namespace wherry::cli
