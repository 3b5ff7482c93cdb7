// Real photos through the whole path, against what PyTorch and Pillow answer for the same files: MobileNetV2 with
// torchvision's ImageNet weights. Skips where scripts/fetch_models.py has not run or the photos are not there.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <iostream>

#include "base/cpu.h"
#include "import/npy/npy.h"
#include "vision/decode.h"
#include "vision/preprocess.h"
#include "wherry/model.h"

namespace wherry {
namespace {

namespace fs = std::filesystem;

const fs::path kSource = WHERRY_SOURCE_DIR;
const fs::path kWeights = kSource / "build/models/mobilenet_v2.pth";
const fs::path kPhotos = kSource / "../shared/data/imagenet100";

std::size_t argmax(std::span<const float> values) {
  return static_cast<std::size_t>(std::max_element(values.begin(), values.end()) - values.begin());
}

TEST(PhotoTest, MobileNetV2AnswersAsPyTorchOnAHundredPhotos) {
  if (!fs::exists(kWeights)) GTEST_SKIP() << "SKIPPED: no " << kWeights << "; run scripts/fetch_models.py";
  if (!fs::exists(kPhotos)) GTEST_SKIP() << "SKIPPED: no photos at " << kPhotos;
  Options options;
  options.arch = "mobilenet_v2";
  const Model model = Model::load(kWeights.string(), options);
  int right = 0, same = 0, count = 0;
  double worst = 0;
  for (const auto& [name, expected] :
       import::read_npz((kSource / "tests/golden/data/mobilenet_v2_photos.npz").string())) {
    const Tensor pixels = vision::preprocess(vision::read_image((kPhotos / name).string()), {});
    const Tensor answer = model.run(std::span(&pixels, 1)).at(0);
    const auto ours = answer.values<float>();
    const auto theirs = expected.values<float>();
    ASSERT_EQ(ours.size(), theirs.size());
    for (std::size_t i = 0; i < ours.size(); ++i) worst = std::max(worst, std::fabs(double{ours[i]} - theirs[i]));
    same += argmax(ours) == argmax(theirs);
    right += static_cast<int>(argmax(ours)) == std::atoi(name.c_str());
    ++count;
  }
  std::cout << "top-1 accuracy " << right << " of " << count << ", largest |logit - PyTorch's| " << worst << "\n";
  EXPECT_EQ(count, 100);
  EXPECT_EQ(same, 100);
  EXPECT_EQ(right, 90);  // what PyTorch gets on these photos
  EXPECT_LE(worst, 1e-3);
}

TEST(PhotoTest, MobileNetV2InBf16NamesTheSamePhotos) {
  if (!fs::exists(kWeights)) GTEST_SKIP() << "SKIPPED: no " << kWeights << "; run scripts/fetch_models.py";
  if (!fs::exists(kPhotos)) GTEST_SKIP() << "SKIPPED: no photos at " << kPhotos;
  if (!base::has_bf16(base::selected_isa())) GTEST_SKIP() << "SKIPPED: this machine multiplies no bf16 numbers";
  Options options;
  options.arch = "mobilenet_v2";
  options.precision = Precision::bf16;
  const Model model = Model::load(kWeights.string(), options);
  int right = 0, same = 0;
  double closest = 1;
  for (const auto& [name, expected] :
       import::read_npz((kSource / "tests/golden/data/mobilenet_v2_photos.npz").string())) {
    const Tensor pixels = vision::preprocess(vision::read_image((kPhotos / name).string()), {});
    const Tensor answer = model.run(std::span(&pixels, 1)).at(0);
    const auto ours = answer.values<float>();
    const auto theirs = expected.values<float>();
    double product = 0, our_square = 0, their_square = 0;
    for (std::size_t i = 0; i < ours.size(); ++i) {
      product += double{ours[i]} * theirs[i];
      our_square += double{ours[i]} * ours[i];
      their_square += double{theirs[i]} * theirs[i];
    }
    closest = std::min(closest, product / std::sqrt(our_square * their_square));
    same += argmax(ours) == argmax(theirs);
    right += static_cast<int>(argmax(ours)) == std::atoi(name.c_str());
  }
  std::cout << "top-1 accuracy " << right << " of 100, " << same << " answers as in fp32, smallest cosine " << closest
            << "\n";
  EXPECT_NEAR(right, 90, 1);  // what fp32 gets
  EXPECT_GE(same, 97);
  EXPECT_GE(closest, 0.995);
}

}  // namespace
}  // namespace wherry
