// State dicts as both PyTorchs save them, in both forms, and damaged ones.

#include "import/state_dict/state_dict.h"

#include "test_files.h"
#include "zip_builder.h"

namespace wherry::import {
namespace {

using namespace std::string_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

StateDict read(const std::string& path, const Bytes& bytes) {
  if (is_legacy_stream(bytes.data)) return read_legacy_state_dict(path, bytes);
  return read_state_dict(ZipArchive::open(path, bytes));
}

StateDict read(const std::string& name) {
  const auto file = base::MappedFile::open(data_path(name));
  if (is_legacy_stream(file->bytes())) return read_legacy_state_dict(file);
  return read_state_dict(ZipArchive::open(file));
}

std::vector<float> floats(const StateDict& weights, const std::string& name) {
  const auto tensor = weights.find(name);
  if (!tensor) {
    ADD_FAILURE() << name << " is missing";
    return {};
  }
  const Tensor wide = tensor->get().to(DType::f32);
  const auto all = wide.values<float>();
  return {all.begin(), all.end()};
}

const std::vector<std::string> kTensorFiles = {"tensors_1_13.pth",
                                               "tensors_2_15.pth",
                                               "tensors_legacy_1_13.pth",
                                               "tensors_legacy_2_15.pth",
                                               "tensors_protocol4_1_13.pth",
                                               "tensors_protocol4_2_15.pth",
                                               "tensors_legacy_protocol4_1_13.pth",
                                               "tensors_legacy_protocol4_2_15.pth"};

TEST(StateDict, ReadsEveryDTypeAndLayout) {
  for (const std::string& file : kTensorFiles) {
    SCOPED_TRACE(file);
    const StateDict weights = read(file);
    EXPECT_EQ(weights.entries.size(), 17u);
    EXPECT_EQ(weights.entries[0].first, "float");
    EXPECT_THAT(floats(weights, "float"), ElementsAre(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11));
    EXPECT_EQ(weights.find("transposed")->sizes(), (Dims{4, 3}));
    EXPECT_THAT(floats(weights, "transposed"), ElementsAre(0, 8, 16, 2, 10, 18, 4, 12, 20, 6, 14, 22));
    EXPECT_THAT(floats(weights, "row"), ElementsAre(4, 5, 6, 7));
    EXPECT_EQ(weights.find("row"), weights.find("row_again"));
    EXPECT_THAT(floats(weights, "column"), ElementsAre(2, 6, 10));
    EXPECT_THAT(floats(weights, "double"), ElementsAre(0.5, -1.25));
    EXPECT_THAT(floats(weights, "half"), ElementsAre(1.5, -2, 65504));
    EXPECT_THAT(floats(weights, "bfloat16"), ElementsAre(1, -3));
    EXPECT_EQ(weights.find("long")->get().values<std::int64_t>()[0], std::int64_t{1} << 40);
    EXPECT_THAT(floats(weights, "int"), ElementsAre(7, -7));
    EXPECT_THAT(floats(weights, "short"), ElementsAre(300, -300));
    EXPECT_THAT(floats(weights, "char"), ElementsAre(-128, 127));
    EXPECT_THAT(floats(weights, "byte"), ElementsAre(0, 255));
    EXPECT_EQ(weights.find("bool")->dtype(), DType::boolean);
    EXPECT_EQ(weights.find("empty")->get().numel(), 0);
    EXPECT_THAT(floats(weights, "scalar"), ElementsAre(42));
    EXPECT_THAT(floats(weights, "parameter"), ElementsAre(1, 1, 1, 1));
    EXPECT_EQ(weights.find("nothing"), nullptr);
  }
}

TEST(StateDict, ContentsSurviveRelease) {
  for (const std::string& file : kTensorFiles) {
    const StateDict weights = read(file);
    for (const auto& [name, tensor] : weights.entries) {
      const std::string before = tensor::content_key(tensor->get().data(), tensor->get().bytes());
      tensor->release();
      EXPECT_EQ(before, tensor::content_key(tensor->get().data(), tensor->get().bytes())) << name;
    }
  }
}

TEST(StateDict, UnwrapsCheckpoints) {
  for (const char* file :
       {"checkpoint_1_13.pth", "checkpoint_2_15.pth", "checkpoint_legacy_1_13.pth", "checkpoint_legacy_2_15.pth"}) {
    const StateDict weights = read(file);
    ASSERT_NE(weights.find("conv.weight"), nullptr) << file;
    EXPECT_EQ(weights.entries.size(), 7u) << file;
    EXPECT_EQ(weights.find("norm.num_batches_tracked")->dtype(), DType::i64);
    EXPECT_THAT(floats(weights, "norm.running_var"), ElementsAre(1, 1));
  }
}

TEST(StateDict, NamesWhatItFoundInstead) {
  auto refusal = [](const std::string& file) { return message_of<InvalidModel>([&] { read(file); }); };
  for (const std::string version : {"1_13", "2_15"}) {
    EXPECT_THAT(refusal("module_" + version + ".pth"),
                testing::AllOf(HasSubstr("Net"), HasSubstr("model.state_dict()")));
    EXPECT_THAT(refusal("not_a_state_dict_" + version + ".pth"), HasSubstr("it holds a list"));
    EXPECT_THAT(refusal("sparse_" + version + ".pth"), HasSubstr("_rebuild_sparse_tensor"));
    EXPECT_THAT(refusal("quantised_" + version + ".pth"), HasSubstr("quantised"));
    EXPECT_THAT(refusal("complex_" + version + ".pth"), HasSubstr("complex"));
  }
}

TEST(StateDict, BoundsNestedWrappers) {
  const std::string itself = "\x80\2}q\0X\5\0\0\0modelh\0s."s;
  const Bytes zip = bytes_of(build_zip({{"net/data.pkl", itself}}));
  EXPECT_THAT(message_of<InvalidModel>([&] { read("test.pth", zip); }), HasSubstr("with keys 'model'"));
}

/// A legacy stream with one float storage 'k' of two elements, piece by piece.
struct LegacyParts {
  std::string magic =
      "\x80\2\x8a\x0al\xfc\x9c"
      "F\xf9 j\xa8P\x19.";
  std::string version = "\x80\2M\xe9\3.";
  std::string system = "\x80\2}X\x0d\0\0\0little_endian\x88s."s;
  std::string object =
      "\x80\2}X\1\0\0\0w"
      "ctorch._utils\n_rebuild_tensor_v2\n((X\7\0\0\0storagectorch\nFloatStorage\nX\1\0\0\0kX\3\0\0\0cpuK\2NtQK\0K\2\x85K\1\x85\x89}tRs."s;
  std::string keys = "\x80\2](X\1\0\0\0ke."s;
  std::string count = "\2\0\0\0\0\0\0\0"s;
  std::string data = "\0\0\x80?\0\0\0@"s;
  std::string all() const { return magic + version + system + object + keys + count + data; }
};

TEST(LegacyStream, ReadsItsParts) {
  EXPECT_THAT(floats(read("test.pth", bytes_of(LegacyParts{}.all())), "w"), ElementsAre(1, 2));
}

TEST(LegacyStream, RefusesPartsThatDisagree) {
  auto refusal = [](auto change) {
    LegacyParts parts;
    change(parts);
    return message_of<InvalidModel>([&] { read_legacy_state_dict("test.pth", bytes_of(parts.all())); });
  };
  EXPECT_THAT(refusal([](LegacyParts& p) { p.magic[5] = 'x'; }), HasSubstr("no legacy torch.save stream"));
  EXPECT_THAT(refusal([](LegacyParts& p) { p.version[3] = '\1'; }), HasSubstr("unknown version"));
  EXPECT_THAT(refusal([](LegacyParts& p) { p.system[21] = '\x89'; }), HasSubstr("big-endian"));
  EXPECT_THAT(refusal([](LegacyParts& p) { p.keys = "\x80\2]."; }), HasSubstr("'k' is missing"));
  EXPECT_THAT(refusal([](LegacyParts& p) { p.keys = "\x80\2](X\1\0\0\0je."s; }), HasSubstr("no tensor uses"));
  EXPECT_THAT(refusal([](LegacyParts& p) { p.keys = "\x80\2](X\1\0\0\0kX\1\0\0\0ke."s; }), HasSubstr("one twice"));
  EXPECT_THAT(refusal([](LegacyParts& p) { p.keys = "\x80\2N."; }), HasSubstr("is a NoneType"));
  EXPECT_THAT(refusal([](LegacyParts& p) { p.count[0] = '\3'; }), HasSubstr("has 3 elements"));
  EXPECT_THAT(refusal([](LegacyParts& p) { p.count[7] = '\x7f'; }), HasSubstr("elements"));
  EXPECT_THAT(refusal([](LegacyParts& p) { p.data.pop_back(); }), HasSubstr("truncated"));
  EXPECT_THAT(refusal([](LegacyParts& p) { p.object = "\x80\2(X\6\0\0\0moduleNNNNtQ."s; }),
              HasSubstr("whole pickled nn.Module"));
}

TEST(StateDict, SurvivesEveryTruncationAndChange) {
  auto attempt = [](const Bytes& bytes) {
    const StateDict weights = read("test.pth", bytes);
    for (const auto& [name, tensor] : weights.entries) tensor->get();
  };
  mutate(LegacyParts{}.all(), 1, attempt);
  mutate(read_file(data_path("checkpoint_legacy_1_13.pth")), 1, attempt);
  mutate(read_file(data_path("checkpoint_2_15.pth")), 1, attempt);
}

}  // namespace
}  // namespace wherry::import
