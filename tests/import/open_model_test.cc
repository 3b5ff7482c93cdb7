// One door for all files: state dicts are opened, everything else is told what it is.

#include "import/model_source.h"
#include "test_files.h"
#include "zip_builder.h"

namespace wherry::import {
namespace {

using namespace std::string_literals;
using ::testing::AllOf;
using ::testing::HasSubstr;

std::string refusal(const std::string& content) {
  const TemporaryFile file(content);
  const std::string message = message_of<InvalidModel>([&] { open_model(file.path()); });
  EXPECT_THAT(message, HasSubstr(file.path()));
  return message;
}

TEST(OpenModel, OpensStateDicts) {
  EXPECT_EQ(open_model(data_path("mobilenet_v2.pth"), "mobilenet_v2")->describe().parameter_count, 3504872);
  EXPECT_THAT(message_of<InvalidModel>([] { open_model(data_path("checkpoint_1_13.pth"), "resnet18"); }),
              HasSubstr("conv.weight"));
  EXPECT_THAT(message_of<InvalidModel>([] { open_model(data_path("tensors_legacy_2_15.pth"), "resnet18"); }),
              HasSubstr("float"));
}

TEST(OpenModel, SaysWhatAFileIs) {
  EXPECT_THAT(refusal(""), AllOf(HasSubstr("an empty file"), HasSubstr(".pth")));
  EXPECT_THAT(refusal("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"), HasSubstr("git lfs pull"));
  EXPECT_THAT(refusal("\n<!DOCTYPE HTML>\n<html>"), HasSubstr("HTML page"));
  EXPECT_THAT(refusal("\x0c\0\0\0\0\0\0\0{\"a\":{}}    "s), HasSubstr("safetensors"));
  EXPECT_THAT(refusal("\x08\x07\x12\x07pytorch\x1a\x05"
                      "1.0.0:\x80\x10"s),
              HasSubstr("ONNX"));
  EXPECT_THAT(refusal("GGUF\3\0\0\0"s), HasSubstr("GGUF"));
  EXPECT_THAT(refusal("\x1f\x8b\x08\0\0\0"s), HasSubstr("gzip"));
  EXPECT_THAT(refusal(std::string(257, '\0') + "ustar" + std::string(200, '\0')), HasSubstr("tar archive"));
  EXPECT_THAT(refusal("\x80\3]q\0."s), HasSubstr("pickle that torch.save did not write"));
  EXPECT_THAT(refusal("hello\n"), HasSubstr("a text file"));
  EXPECT_THAT(refusal("\1\2\3"), HasSubstr("begins with the bytes 01 02 03"));
  EXPECT_THAT(refusal(read_file(data_path("float32.npy"))), HasSubstr("NumPy array"));
}

TEST(OpenModel, SaysWhatAnArchiveIs) {
  EXPECT_THAT(refusal(read_file(data_path("stored.npz"))), HasSubstr("NumPy arrays"));
  EXPECT_THAT(refusal(build_zip({{"m/archive_format", "pt2"}})), HasSubstr("torch.export archive"));
  EXPECT_THAT(refusal(build_zip({{"serialized_exported_program.json", "{}"}})), HasSubstr("torch.export archive"));
  EXPECT_THAT(refusal(build_zip({{"m/model.json", "{}"}})), HasSubstr("before PyTorch 1.4"));
  EXPECT_THAT(refusal(build_zip({{"m/readme", "x"}})), HasSubstr("without data.pkl"));
  EXPECT_THAT(refusal("PK\3\4 and no more"), HasSubstr("truncated"));
}

TEST(OpenModel, RefusesPathsThatAreNoFiles) {
  EXPECT_THAT(message_of<InvalidInput>([] { open_model("/nonexistent/resnet50.pt"); }),
              HasSubstr("/nonexistent/resnet50.pt"));
  EXPECT_THAT(message_of<InvalidInput>([] { open_model(::testing::TempDir()); }), HasSubstr("directory"));
}

}  // namespace
}  // namespace wherry::import
