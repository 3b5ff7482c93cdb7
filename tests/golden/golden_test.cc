// Real models from PyTorch's own archives against PyTorch's own answers, through the public API.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <iostream>

#include "agreement.h"
#include "golden_archive.h"
#include "wherry/compiled.h"

namespace wherry {
namespace {

namespace fs = std::filesystem;

/// Sanitizers slow the kernels down so much that only small models are run under them.
bool affordable([[maybe_unused]] const std::string& name) {
#if defined(WHERRY_SANITIZER)
  for (const char* small :
       {"mnasnet0_5", "mobilenet_v3_small", "regnet_y_400mf", "resnet18", "shufflenet_v2_x0_5", "squeezenet1_1"})
    if (name.starts_with(small)) return true;
  return false;
#else
  return true;
#endif
}

std::vector<fs::path> affordable_goldens() {
  std::vector<fs::path> found = golden::recordings(".golden");
  std::erase_if(found, [](const fs::path& path) { return !affordable(path.filename()); });
  return found;
}

class GoldenTest : public testing::TestWithParam<fs::path> {};

TEST_P(GoldenTest, AnswersAsPyTorch) {
  const fs::path archive = fs::path(WHERRY_BINARY_DIR) / "goldens" / (golden::test_name({GetParam(), 0}) + ".pt");
  const golden::Golden golden = golden::restore(GetParam(), archive);
  const auto pixels = golden::uniform(0, element_count(golden.input_shape), -2, 2);
  const Tensor input = Tensor::of<float>(golden.input_shape, pixels);

  // "alexnet.state_dict.golden" holds weights alone: the model is the built-in architecture of that name.
  Options options;
  if (const fs::path kind = GetParam().stem(); kind.extension() == ".state_dict") options.arch = kind.stem();
  for (const Precision precision : {Precision::fp32, Precision::bf16}) {
    options.precision = precision;
    const Model model = Model::load(archive.string(), options);
    if (name_of(precision) != model.describe().precision) {
      std::cout << "not run: " << model.describe().precision_note << "\n";
      continue;
    }
    const std::vector<Tensor> outputs = model.run(std::span(&input, 1));
    ASSERT_FALSE(outputs.empty());
    ASSERT_EQ(outputs[0].sizes(), golden.expected.sizes());
    const auto [cosine, absolute, largest] = golden::agreement(outputs[0], golden.expected);
    const double error = absolute / largest;
    std::cout << name_of(precision) << ": cosine 1 - " << 1 - cosine << ", largest error " << error
              << " of the largest logit\n";
    if (precision == Precision::fp32) {
      EXPECT_GE(cosine, 0.99999);
      EXPECT_LE(error, 1e-4);  // fp32 sums in another order, through up to 150 layers
    } else {
      // The weights are random numbers: deep networks of them magnify what rounding does more than trained ones.
      EXPECT_GE(cosine, GetParam().stem().string().starts_with("resnet50") ? 0.999 : 0.99);
    }
  }
  fs::remove(archive);
}

INSTANTIATE_TEST_SUITE_P(Torchvision, GoldenTest, testing::ValuesIn(affordable_goldens()), golden::test_name);

/// Compiled, and run from the mapped file, the same model gives the same bits for the shape it was compiled for. For
/// another, whose products may be made otherwise than the original makes them, since weights are held in one form only,
/// the same but for rounding. These have convolutions of every kind, attention and gathers.
class CompiledGoldenTest : public testing::TestWithParam<std::string> {};

TEST_P(CompiledGoldenTest, AnswersAsTheArchive) {
  const fs::path golden_path = golden::kData / (GetParam() + ".golden");
  std::string name = GetParam();
  std::replace(name.begin(), name.end(), '/', '_');
  const fs::path archive = fs::path(WHERRY_BINARY_DIR) / "goldens" / (name + ".compiled.pt");
  const fs::path file = fs::path(archive).replace_extension(".wherry");
  const golden::Golden golden = golden::restore(golden_path, archive);
  const auto filled = [](Dims sizes) {
    const auto pixels = golden::uniform(0, element_count(sizes), -2, 2);
    return std::vector<Tensor>{Tensor::of<float>(sizes, pixels)};
  };
  const std::vector<Tensor> input = filled(golden.input_shape);
  Dims two_images = golden.input_shape;
  two_images[0] = 2;
  const std::vector<Tensor> other = filled(two_images);

  const Model original = Model::load(archive.string());
  const CompiledInfo info = original.compile(file.string(), std::span(&input, 1));
  const Model compiled = Model::load(file.string());
  fs::remove(file);
  EXPECT_GT(info.absent_weights, 0);
  // What kernels read, and hardly anything beside it. (The packed weights may be several times the archive: Winograd's
  // are.)
  EXPECT_LT(info.file_bytes, info.packed_bytes + info.plain_bytes + (2 << 20));
  fs::remove(archive);
  const Tensor expected = original.run(input)[0], found = compiled.run(input)[0];
  ASSERT_EQ(found.sizes(), expected.sizes());
  EXPECT_EQ(std::memcmp(found.data(), expected.data(), found.bytes()), 0);
  const Tensor expected_of_two = original.run(other)[0], found_of_two = compiled.run(other)[0];
  ASSERT_EQ(found_of_two.sizes(), expected_of_two.sizes());
  const auto [cosine, error, largest] = golden::agreement(found_of_two, expected_of_two);
  EXPECT_LE(error, 1e-4 * largest);
}

INSTANTIATE_TEST_SUITE_P(Torchvision, CompiledGoldenTest,
                         testing::Values("torch-2.15/resnet18.scripted", "torch-2.15/mnasnet0_5.traced"
#if !defined(WHERRY_SANITIZER)
                                         ,
                                         "torch-2.15/resnet50.scripted", "torch-2.15/mobilenet_v2.traced",
                                         "torch-1.13/vit_b_32.scripted", "torch-1.13/swin_t.traced"
#endif
                                         ),
                         [](const auto& parameter) {
                           std::string name = parameter.param;
                           for (char& c : name)
                             if (!std::isalnum(static_cast<unsigned char>(c))) c = '_';
                           return name;
                         });

/// The generator is Python's: these four were printed by deterministic.py.
TEST(DeterministicTest, MatchesPython) {
  EXPECT_EQ(golden::uniform(7, 4, -2, 2), (std::vector<float>{1.3713443279266357f, -0.5714929103851318f,
                                                              -0.15169858932495117f, 0.09124135971069336f}));
}

}  // namespace
}  // namespace wherry
