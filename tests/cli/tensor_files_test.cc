// Which file becomes which input, and outputs back to files.

#include "cli/tensor_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "import/npy/npy.h"
#include "tests/temporary_folder.h"
#include "wherry/error.h"

namespace wherry::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class TensorFiles : public ::testing::Test {
 protected:
  TensorFiles() {
    for (float i = 1; i <= 3; ++i) import::write_npy(path(std::to_string(int(i)) + ".npy"), of(i));
  }

  static Tensor of(float value) { return Tensor::of<float>({1}, std::span<const float>(&value, 1)); }
  std::string path(const std::string& name) const { return folder_.path(name); }

  std::vector<float> read(const std::vector<std::string>& arguments) const {
    std::vector<float> values;
    for (const Tensor& tensor : read_inputs(arguments, inputs_)) values.push_back(tensor.values<float>()[0]);
    return values;
  }

  std::string message_of(const std::vector<std::string>& arguments) const {
    try {
      read(arguments);
    } catch (const InvalidInput& error) {
      return error.what();
    }
    return "read";
  }

  const TemporaryFolder folder_;
  const std::vector<TensorInfo> inputs_ = {{"a", {}, {}}, {"b", {}, {}}, {"c", {}, {}}};
};

TEST_F(TensorFiles, ByNameInOrderOrBoth) {
  EXPECT_THAT(read({path("1.npy"), path("2.npy"), path("3.npy")}), ElementsAre(1, 2, 3));
  EXPECT_THAT(read({"c=" + path("1.npy"), "a=" + path("2.npy"), "b=" + path("3.npy")}), ElementsAre(2, 3, 1));
  EXPECT_THAT(read({path("1.npy"), "a=" + path("2.npy"), path("3.npy")}), ElementsAre(2, 1, 3));
  import::write_npz(path("ab.npz"), {{"b", of(7)}, {"a", of(8)}});
  EXPECT_THAT(read({path("1.npy"), path("ab.npz")}), ElementsAre(8, 7, 1));
}

TEST_F(TensorFiles, RefusalsNameTheArgument) {
  EXPECT_THAT(message_of({path("1.npy")}), HasSubstr("no --input for 'b'; the model takes 3 (a, b, c)"));
  EXPECT_THAT(message_of({path("1.npy"), path("1.npy"), path("1.npy"), path("2.npy")}), HasSubstr("one too many"));
  EXPECT_THAT(message_of({"d=" + path("1.npy")}), HasSubstr("no input 'd'; its inputs are a, b, c"));
  EXPECT_THAT(message_of({"a=" + path("1.npy"), "a=" + path("2.npy")}), HasSubstr("'a' is given twice"));
  EXPECT_THAT(message_of({"a=" + path("missing.npy")}), HasSubstr("missing.npy"));
  std::ofstream(path("text.npy")) << "not numpy";
  EXPECT_THAT(message_of({path("text.npy")}), HasSubstr("text.npy"));
  import::write_npz(path("d.npz"), {{"d", of(7)}});
  EXPECT_THAT(message_of({path("d.npz")}), HasSubstr("holds an array 'd'; the model's inputs are a, b, c"));
}

TEST_F(TensorFiles, AFolderWithAnEqualsSignIsNoName) {
  std::filesystem::create_directories(folder_.path("x=1"));
  import::write_npy(path("x=1/t.npy"), of(5));
  EXPECT_THAT(read({path("x=1/t.npy"), path("2.npy"), path("3.npy")}), ElementsAre(5, 2, 3));
}

TEST_F(TensorFiles, OutputsAreWritten) {
  EXPECT_THROW(check_output_path("out.txt"), InvalidInput);
  check_output_path("out.npz");
  check_output_path("out.npy");
  const std::vector<Tensor> outputs = {of(1), of(2), of(3)};
  write_outputs(path("out.npz"), {"logits", "aux", "logits"}, outputs);
  const auto named = import::read_npz(path("out.npz"));
  ASSERT_EQ(named.size(), 3U);
  EXPECT_EQ(named[0].first, "logits");
  EXPECT_EQ(named[1].first, "aux");
  EXPECT_EQ(named[2].first, "logits_2");
  EXPECT_EQ(named[2].second.values<float>()[0], 3);
  EXPECT_THROW(write_outputs(path("out.npy"), {"a", "b", "c"}, outputs), InvalidInput);
  write_outputs(path("out.npy"), {"a"}, {outputs.data(), 1});
  EXPECT_EQ(import::read_npy(path("out.npy")).values<float>()[0], 1);
  EXPECT_THROW(write_outputs(path("no/such/folder/out.npy"), {"a"}, {outputs.data(), 1}), InvalidInput);
}

}  // namespace
}  // namespace wherry::cli
