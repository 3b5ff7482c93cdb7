// safetensors files as their own library writes them, and files that break each rule of the format.

#include "import/safetensors/safetensors.h"

#include <fmt/format.h>

#include "import/safetensors/header.h"
#include "test_files.h"
#include "tests/temporary_folder.h"

namespace wherry::import {
namespace {

using namespace std::string_literals;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// A file of this header and so many bytes of data.
std::string file_of(const std::string& header, std::size_t data_bytes = 0) {
  const std::uint64_t length = header.size();
  return std::string(reinterpret_cast<const char*>(&length), sizeof(length)) + header + std::string(data_bytes, '\1');
}

StateDict read(const std::string& content) {
  return read_safetensors(safetensors_records("test.safetensors", bytes_of(content)));
}

template <typename E = InvalidModel>
std::string refusal(const std::string& content) {
  const std::string message = message_of<E>([&] { read(content); });
  EXPECT_THAT(message, HasSubstr("test.safetensors"));
  return message;
}

std::string refusal_of_tensor(const std::string& fields, std::size_t data_bytes = 16) {
  return refusal(file_of("{\"a\":{" + fields + "}}", data_bytes));
}

TEST(Safetensors, ReadsEveryDType) {
  const auto file = base::MappedFile::open(data_path("tensors.safetensors"));
  const StateDict weights = read_safetensors(safetensors_records(file));
  const auto doubles = [&](const std::string& name) {
    const Tensor wide = weights.find(name)->get().to(DType::f64);
    const auto all = wide.values<double>();
    return std::vector<double>(all.begin(), all.end());
  };
  EXPECT_EQ(weights.entries.size(), 17u);
  EXPECT_EQ(weights.find("float")->sizes(), (Dims{3, 4}));
  EXPECT_THAT(doubles("float"), ElementsAre(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11));
  EXPECT_THAT(doubles("double"), ElementsAre(0.5, -1.25));
  EXPECT_THAT(doubles("half"), ElementsAre(1.5, -2, 65504));
  EXPECT_THAT(doubles("bfloat16"), ElementsAre(1, -3));
  EXPECT_THAT(doubles("long"), ElementsAre(1099511627776.0, -1));
  EXPECT_THAT(doubles("int"), ElementsAre(7, -7));
  EXPECT_THAT(doubles("short"), ElementsAre(300, -300));
  EXPECT_THAT(doubles("char"), ElementsAre(-128, 127));
  EXPECT_THAT(doubles("byte"), ElementsAre(0, 255));
  EXPECT_THAT(doubles("bool"), ElementsAre(1, 0, 1));
  EXPECT_EQ(weights.find("empty")->get().sizes(), (Dims{0, 3}));
  EXPECT_EQ(weights.find("scalar")->get().sizes(), Dims{});
  EXPECT_THAT(doubles("scalar"), ElementsAre(42));
  EXPECT_EQ(weights.find("half")->dtype(), DType::f16);
  EXPECT_EQ(weights.find("nothing"), nullptr);
}

TEST(Safetensors, BorrowsTheFileAndCopiesWhatIsNotAligned) {
  // "a" makes the header one byte longer or shorter, so that floats begin at odd places.
  for (const char* padding : {"", " ", "  ", "   "}) {
    const std::string content =
        file_of(fmt::format(R"({{"a":{{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}}}{})", padding), 8);
    const Tensor tensor = read(content).find("a")->get();
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(tensor.data()) % alignof(float), 0u);
    EXPECT_EQ(std::memcmp(tensor.data(), content.data() + content.size() - 8, 8), 0);
  }
}

TEST(Safetensors, AcceptsMetadataAndNoTensors) {
  EXPECT_TRUE(read(file_of("{}")).entries.empty());
  EXPECT_TRUE(read(file_of(R"({"__metadata__":{"format":"pt"}}   )")).entries.empty());
}

TEST(Safetensors, RefusesHeadersThatAreNone) {
  EXPECT_THAT(refusal(""), HasSubstr("found 0 bytes"));
  EXPECT_THAT(refusal("\1\0\0\0\0\0\0"s), HasSubstr("found 7 bytes"));
  EXPECT_THAT(refusal("\x03\0\0\0\0\0\0\0{}"s), AllOf(HasSubstr("claims 3 bytes"), HasSubstr("truncated")));
  EXPECT_THAT(refusal("\xff\xff\xff\xff\xff\xff\xff\xff{}"s), HasSubstr("at most 100000000"));
  EXPECT_THAT(refusal(file_of("")), HasSubstr("begin with '{'"));
  EXPECT_THAT(refusal(file_of(" {}")), HasSubstr("begin with '{'"));
  EXPECT_THAT(refusal(file_of("[]")), HasSubstr("begin with '{'"));
  EXPECT_THAT(refusal(file_of("{\"a\":")), HasSubstr("is no JSON"));
  EXPECT_THAT(refusal(file_of("{\"\xff\":{}}")), HasSubstr("is no JSON"));
  EXPECT_THAT(refusal(file_of("{} {}")), HasSubstr("is no JSON"));
  EXPECT_THAT(refusal(file_of(R"({"a":null})")), HasSubstr("found null"));
  EXPECT_THAT(refusal(file_of(R"({"a":3})")), HasSubstr("an object is expected"));
  const std::string twice = R"("a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]})";
  EXPECT_THAT(refusal(file_of("{" + twice + "," + twice + "}", 1)), HasSubstr("'a' stands twice"));
}

TEST(Safetensors, RefusesTensorsThatDoNotFit) {
  EXPECT_THAT(refusal_of_tensor(R"("dtype":"F32","shape":[4])"), HasSubstr("data_offsets nothing"));
  EXPECT_THAT(refusal_of_tensor(R"("dtype":"F32","shape":[4],"data_offsets":[0])"), HasSubstr("two numbers"));
  EXPECT_THAT(refusal_of_tensor(R"("shape":[4],"data_offsets":[0,16])"), HasSubstr("dtype nothing"));
  EXPECT_THAT(refusal_of_tensor(R"("dtype":"F32","shape":4,"data_offsets":[0,16])"), HasSubstr("list of integers"));
  EXPECT_THAT(refusal_of_tensor(R"("dtype":"F32","shape":[-4],"data_offsets":[0,16])"), HasSubstr("at least 0"));
  EXPECT_THAT(refusal_of_tensor(R"("dtype":"F32","shape":[1.5],"data_offsets":[0,16])"), HasSubstr("integers"));
  EXPECT_THAT(refusal_of_tensor(R"("dtype":"F32","shape":[18446744073709551615],"data_offsets":[0,16])"),
              HasSubstr("integers"));
  EXPECT_THAT(refusal_of_tensor(R"("dtype":"F33","shape":[4],"data_offsets":[0,16])"),
              HasSubstr("unknown element type"));
  EXPECT_THAT(refusal<Unsupported>(file_of(R"({"a":{"dtype":"F8_E4M3","shape":[4],"data_offsets":[0,4]}})", 4)),
              AllOf(HasSubstr("F8_E4M3"), HasSubstr("BF16")));
  EXPECT_THAT(refusal_of_tensor(R"("dtype":"F32","shape":[3],"data_offsets":[0,16])"), HasSubstr("which has 12"));
  EXPECT_THAT(refusal_of_tensor(R"("dtype":"F32","shape":[4],"data_offsets":[16,0])"), HasSubstr("16 to 0"));
  EXPECT_THAT(refusal_of_tensor(R"("dtype":"F32","shape":[5],"data_offsets":[0,20])"), HasSubstr("has 16 bytes"));
  EXPECT_THAT(refusal_of_tensor(R"("dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0])", 0),
              HasSubstr("too many elements"));
  EXPECT_THAT(refusal_of_tensor(R"("dtype":"U8","shape":[0,4611686018427387904,4],"data_offsets":[0,0])", 0),
              HasSubstr("too many elements"));
}

TEST(Safetensors, RefusesGapsAndOverlaps) {
  const auto two = [](int begin, int end, std::size_t bytes) {
    return refusal(file_of(fmt::format(R"({{"a":{{"dtype":"U8","shape":[4],"data_offsets":[0,4]}},)"
                                       R"("b":{{"dtype":"U8","shape":[{}],"data_offsets":[{},{}]}}}})",
                                       end - begin, begin, end),
                           bytes));
  };
  EXPECT_THAT(two(5, 8, 8), AllOf(HasSubstr("\"b\" begins at byte 5"), HasSubstr("no gap")));
  EXPECT_THAT(two(3, 8, 8), HasSubstr("must not overlap"));
  EXPECT_THAT(two(0, 4, 4), HasSubstr("must not overlap"));
  EXPECT_THAT(two(4, 8, 9), HasSubstr("nothing may follow"));
  EXPECT_THAT(refusal(file_of("{}", 1)), HasSubstr("nothing may follow"));
}

TEST(Safetensors, SurvivesEveryTruncationAndChange) {
  const std::string content = file_of(
      R"({"__metadata__":{"x":"y"},"a":{"dtype":"F16","shape":[2],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[2,1],"data_offsets":[4,6]}})",
      6);
  mutate(content, 1, [](const Bytes& bytes) {
    for (const auto& [name, tensor] : read_safetensors(safetensors_records("test.safetensors", bytes)).entries)
      tensor->get();
  });
}

class ShardedSafetensors : public ::testing::Test {
 protected:
  ShardedSafetensors() {
    write("one.safetensors", file_of(R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})", 1));
    write("two.safetensors", file_of(R"({"b":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},)"
                                     R"("unlisted":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}})",
                                     4));
  }

  void write(const std::string& name, const std::string& content) { folder_.file(name, content); }
  StateDict read(const std::string& index) {
    write("index.json", index);
    return read_safetensors(sharded_safetensors_records(folder_.path("index.json")));
  }
  template <typename E = InvalidModel>
  std::string refusal(const std::string& index) {
    return message_of<E>([&] { read(index); });
  }

  const TemporaryFolder folder_;
};

TEST_F(ShardedSafetensors, ReadsWhatTheIndexNames) {
  const StateDict weights =
      read(R"({"metadata":{"total_size":3},"weight_map":{"a":"one.safetensors","b":"two.safetensors"}})");
  EXPECT_EQ(weights.entries.size(), 2u);
  EXPECT_EQ(weights.find("a")->get().sizes(), Dims{1});
  EXPECT_EQ(weights.find("b")->get().sizes(), Dims{2});
}

TEST_F(ShardedSafetensors, RefusesIndicesThatLie) {
  EXPECT_THAT(refusal("{}"), HasSubstr("weight_map"));
  EXPECT_THAT(refusal(R"({"weight_map":{"a":"two.safetensors"}})"),
              AllOf(HasSubstr("two.safetensors"), HasSubstr("'a' is missing")));
  EXPECT_THAT(refusal<InvalidInput>(R"({"weight_map":{"a":"three.safetensors"}})"), HasSubstr("three.safetensors"));
  EXPECT_THAT(refusal(R"({"weight_map":{"a":"../one.safetensors"}})"), HasSubstr("in the same folder"));
  EXPECT_THAT(refusal(R"({"weight_map":{"a":"/etc/passwd"}})"), HasSubstr("in the same folder"));
  EXPECT_THAT(refusal(R"({"weight_map":{"a":""}})"), HasSubstr("in the same folder"));
  EXPECT_THAT(refusal(R"({"weight_map":{"a":null}})"), HasSubstr("found null"));
  EXPECT_THAT(refusal(R"({"weight_map":{"a":"one.safetensors","a":"two.safetensors"}})"), HasSubstr("stands twice"));
}

}  // namespace
}  // namespace wherry::import
