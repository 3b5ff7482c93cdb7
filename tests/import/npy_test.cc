// NumPy's files, read and written.

#include "import/npy/npy.h"

#include "test_files.h"
#include "zip_builder.h"

namespace wherry::import {
namespace {

using namespace std::string_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

template <typename T>
std::vector<T> values(const Tensor& tensor) {
  const auto all = tensor.values<T>();
  return {all.begin(), all.end()};
}

std::string npy(const std::string& header, const std::string& data, char version = 1) {
  std::string out = "\x93NUMPY"s + version + '\0' + static_cast<char>(header.size()) + '\0';
  if (version > 1) out += "\0\0"s;
  return out + header + data;
}

std::string refusal(const std::string& file) {
  const std::string message = message_of<InvalidInput>([&] { parse_npy(bytes_of(file), "x.npy"); });
  EXPECT_THAT(message, HasSubstr("x.npy"));
  return message;
}

TEST(Npy, ReadsEveryType) {
  for (const DType dtype :
       {DType::f16, DType::f32, DType::f64, DType::i8, DType::i16, DType::i32, DType::i64, DType::u8}) {
    const Tensor tensor = read_npy(data_path(std::string(name_of(dtype)) + ".npy"));
    EXPECT_EQ(tensor.dtype(), dtype);
    EXPECT_EQ(tensor.sizes(), (Dims{2, 3}));
    EXPECT_THAT(values<float>(tensor.to(DType::f32)), ElementsAre(0, 1, 2, 3, 4, 5));
  }
  const Tensor boolean = read_npy(data_path("bool.npy"));
  EXPECT_EQ(boolean.dtype(), DType::boolean);
  EXPECT_THAT(values<std::uint8_t>(boolean), ElementsAre(0, 1, 0, 1, 0, 1));
}

TEST(Npy, ReadsEveryForm) {
  for (const char* name : {"fortran.npy", "big_endian.npy", "version_2.npy", "version_3.npy"}) {
    const Tensor tensor = read_npy(data_path(name));
    EXPECT_EQ(tensor.sizes(), (Dims{2, 3})) << name;
    EXPECT_THAT(values<float>(tensor), ElementsAre(0, 1, 2, 3, 4, 5)) << name;
  }
  EXPECT_THAT(values<float>(read_npy(data_path("scalar.npy"))), ElementsAre(42));
  EXPECT_EQ(read_npy(data_path("scalar.npy")).dim(), 0);
  EXPECT_THAT(values<float>(read_npy(data_path("vector.npy"))), ElementsAre(0, 1, 2));
  EXPECT_EQ(read_npy(data_path("empty.npy")).sizes(), (Dims{0, 3}));
}

TEST(Npy, WritesWhatNumPyWrites) {
  for (const char* name :
       {"float32.npy", "int64.npy", "uint8.npy", "bool.npy", "scalar.npy", "vector.npy", "empty.npy"}) {
    const std::vector<std::byte> bytes = format_npy(read_npy(data_path(name)));
    // Byte for byte up to the padding, whose length varies between NumPy's
    // versions.
    const std::string expected = read_file(data_path(name));
    const std::string got(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    EXPECT_EQ(got.substr(10, got.find('}') - 9), expected.substr(10, expected.find('}') - 9)) << name;
    EXPECT_EQ((got.find('\n') + 1) % 64, 0u);
    EXPECT_EQ(got.substr(got.find('\n')), expected.substr(expected.find('\n'))) << name;
  }
}

TEST(Npy, WidensBFloat16) {
  const std::vector<float> numbers = {1.0f, -3.0f};
  const Tensor tensor = Tensor::of<float>({2}, numbers).to(DType::bf16);
  const std::vector<std::byte> bytes = format_npy(tensor);
  const Tensor back = parse_npy(bytes_of({reinterpret_cast<const char*>(bytes.data()), bytes.size()}), "x.npy");
  EXPECT_THAT(values<float>(back), ElementsAre(1, -3));
}

TEST(Npy, RefusesWhatItCannotRead) {
  EXPECT_THAT(message_of<InvalidInput>([] { read_npy(data_path("uint16.npy")); }), HasSubstr("'<u2'"));
  EXPECT_THAT(message_of<InvalidInput>([] { read_npy(data_path("structured.npy")); }), HasSubstr("structured"));
  EXPECT_THAT(message_of<InvalidInput>([] { read_npy("/nonexistent/x.npy"); }), HasSubstr("cannot open"));
  EXPECT_THAT(refusal(""), HasSubstr("not a NumPy array"));
  EXPECT_THAT(refusal("hello, world"), HasSubstr("not a NumPy array"));
  EXPECT_THAT(refusal(npy("{}", "", 4)), HasSubstr("version 4"));
  EXPECT_THAT(refusal(npy("{}", "")), HasSubstr("not all there"));
  EXPECT_THAT(refusal(npy("{'descr': '', 'fortran_order': False, 'shape': (1, 3), }", "")), HasSubstr("NumPy type ''"));
  const std::string prefix = "{'descr': '<f4', 'fortran_order': False, 'shape': ";
  EXPECT_THAT(refusal(npy(prefix + "(3,), }", "12345678")), HasSubstr("truncated"));
  EXPECT_THAT(refusal(npy(prefix + "(9223372036854775807, 2), }", "")), HasSubstr("impossible shape"));
  EXPECT_THAT(refusal(npy(prefix + "(9223372036854775807,), }", "")), HasSubstr("needs more"));
  EXPECT_THAT(refusal(npy(prefix + "(0, 9223372036854775807, 9), }", "")), HasSubstr("impossible shape"));
  EXPECT_THAT(refusal(npy(prefix + "(-1,), }", "")), HasSubstr("no tuple of sizes"));
  EXPECT_THAT(refusal(npy(prefix + "(99999999999999999999,), }", "")), HasSubstr("no tuple of sizes"));
  EXPECT_THAT(refusal(npy("{'descr': '|b1', 'fortran_order': False, 'shape': (1,)}", "\2")),
              HasSubstr("other than 0 and 1"));
}

TEST(Npy, SurvivesEveryTruncationAndChange) {
  for (const char* name : {"fortran.npy", "version_3.npy", "bool.npy"})
    mutate(read_file(data_path(name)), 1, [](const Bytes& bytes) { parse_npy(bytes, "x.npy"); });
}

TEST(Npz, ReadsStoredAndCompressed) {
  for (const char* name : {"stored.npz", "compressed.npz"}) {
    const NamedTensors tensors = read_npz(data_path(name));
    ASSERT_EQ(tensors.size(), 2u) << name;
    EXPECT_EQ(tensors[0].first, "first");
    EXPECT_EQ(tensors[0].second.dtype(), DType::f32);
    EXPECT_EQ(tensors[1].first, "second");
    EXPECT_THAT(values<std::int64_t>(tensors[1].second), ElementsAre(0, 1, 2));
  }
}

TEST(Npz, ReadsWhatItWrote) {
  const TemporaryFile file("", "out.npz");
  const std::vector<float> numbers = {1, 2, 3, 4};
  const Tensor square = Tensor::of<float>({2, 2}, numbers);
  write_npz(file.path(), {{"output", square}, {"aux/transposed", square.view({2, 2}, {1, 2}, 0)}});
  const NamedTensors back = read_npz(file.path());
  ASSERT_EQ(back.size(), 2u);
  EXPECT_EQ(back[1].first, "aux/transposed");
  EXPECT_THAT(values<float>(back[0].second), ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(values<float>(back[1].second), ElementsAre(1, 3, 2, 4));
}

TEST(Npz, RefusesBadNamesAndPlaces) {
  const Tensor one = Tensor::zeros(DType::f32, {1});
  const TemporaryFile file("", "out.npz");
  EXPECT_THAT(message_of<InvalidInput>([&] { write_npz(file.path(), {{"a", one}, {"a", one}}); }), HasSubstr("'a'"));
  EXPECT_THAT(message_of<InvalidInput>([&] { write_npz("/nonexistent/out.npz", {{"a", one}}); }),
              HasSubstr("cannot be written"));
  EXPECT_THAT(message_of<InvalidInput>([&] { write_npy("/nonexistent/out.npy", one); }),
              HasSubstr("cannot be written"));
}

TEST(Npz, RefusesOtherArchives) {
  const Bytes zip = bytes_of(build_zip({{"a.txt", "x"}}));
  EXPECT_THAT(message_of<InvalidInput>([&] { parse_npz(zip, "x.npz"); }), HasSubstr("'a.txt' is no .npy array"));
  EXPECT_THAT(message_of<InvalidInput>([] { parse_npz(bytes_of("nothing"), "x.npz"); }), HasSubstr("x.npz"));
}

}  // namespace
}  // namespace wherry::import
