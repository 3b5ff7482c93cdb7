// Hugging Face weights as torch.save writes them, in several files with an index: zip archives and legacy streams, side
// by side.

#include "import/huggingface/pickled_weights.h"

#include <fstream>
#include <sstream>

#include "test_files.h"
#include "tests/temporary_folder.h"

namespace wherry::import::huggingface {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class ShardedPickles : public ::testing::Test {
 protected:
  ShardedPickles() {
    for (const char* name : {"tensors_2_15.pth", "tensors_legacy_1_13.pth"}) {
      std::ifstream in(data_path(name), std::ios::binary);
      std::ostringstream content;
      content << in.rdbuf();
      folder_.file(name, content.str());
    }
  }

  std::shared_ptr<const ZipArchive> records(const std::string& index) {
    folder_.file("pytorch_model.bin.index.json", index);
    return sharded_pickled_records(folder_.path("pytorch_model.bin.index.json"));
  }
  StateDict read(const std::string& index) { return read_pickled_weights(records(index)); }
  template <typename E = InvalidModel>
  std::string refusal(const std::string& index) {
    return message_of<E>([&] { read(index); });
  }

  const TemporaryFolder folder_;
};

std::vector<float> floats(const StateDict& weights, const std::string& name) {
  const Tensor wide = weights.find(name)->get().to(DType::f32);
  const auto all = wide.values<float>();
  return {all.begin(), all.end()};
}

TEST_F(ShardedPickles, ReadWhatTheIndexNamesOfEach) {
  const StateDict weights =
      read(R"({"metadata":{"total_size":1},"weight_map":{"half":"tensors_2_15.pth","transposed":"tensors_2_15.pth",)"
           R"("column":"tensors_legacy_1_13.pth","int":"tensors_legacy_1_13.pth"}})");
  ASSERT_EQ(weights.entries.size(), 4u);
  EXPECT_THAT(floats(weights, "half"), ElementsAre(1.5, -2, 65504));
  EXPECT_THAT(floats(weights, "transposed"), ElementsAre(0, 8, 16, 2, 10, 18, 4, 12, 20, 6, 14, 22));
  EXPECT_THAT(floats(weights, "column"), ElementsAre(2, 6, 10));
  EXPECT_THAT(floats(weights, "int"), ElementsAre(7, -7));
  for (const auto& [name, tensor] : weights.entries) {
    const std::string before = tensor::content_key(tensor->get().data(), tensor->get().bytes());
    tensor->release();
    EXPECT_EQ(before, tensor::content_key(tensor->get().data(), tensor->get().bytes())) << name;
  }
}

TEST_F(ShardedPickles, EqualNumbersOfStoragesDoNotMixUp) {
  // The same tensor of two files, whose storages have the same number: two weights.
  std::filesystem::copy_file(folder_.path("tensors_2_15.pth"), folder_.path("again.pth"));
  const StateDict weights = read(R"({"weight_map":{"half":"tensors_2_15.pth","float":"again.pth"}})");
  const StateDict other = read(R"({"weight_map":{"half":"again.pth","float":"tensors_2_15.pth"}})");
  EXPECT_NE(weights.find("half")->key(), other.find("half")->key());
}

TEST_F(ShardedPickles, RefuseIndicesThatLie) {
  EXPECT_THAT(refusal("{}"), HasSubstr("weight_map"));
  EXPECT_THAT(refusal(R"({"weight_map":{"a":"tensors_2_15.pth"}})"),
              AllOf(HasSubstr("tensors_2_15.pth"), HasSubstr("'a' is missing")));
  EXPECT_THAT(refusal<InvalidInput>(R"({"weight_map":{"half":"three.pth"}})"), HasSubstr("three.pth"));
  EXPECT_THAT(refusal(R"({"weight_map":{"half":"../tensors_2_15.pth"}})"), HasSubstr("in the same folder"));
  folder_.file("text.bin", "hello");
  EXPECT_THAT(refusal(R"({"weight_map":{"half":"text.bin"}})"), AllOf(HasSubstr("text.bin"), HasSubstr("torch.save")));
}

}  // namespace
}  // namespace wherry::import::huggingface
