// The container of compiled models: what goes in comes out, and whatever is damaged is refused by name.

#include "import/compiled/compiled_file.h"

#include <cstring>

#include "import/compiled/layout.h"
#include "import/model_source.h"
#include "test_files.h"

namespace wherry::import {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

/// Aligned as a mapped file is.
Bytes aligned_bytes_of(std::string_view text) {
  auto copy = std::make_shared<Tensor>(Tensor::empty(DType::u8, {static_cast<std::int64_t>(text.size())}));
  if (!text.empty()) std::memcpy(copy->mutable_data(), text.data(), text.size());
  return {{static_cast<const std::byte*>(copy->data()), text.size()}, copy};
}

std::shared_ptr<const CompiledFile> open(std::string_view content) {
  return CompiledFile::open("test.wherry", aligned_bytes_of(content));
}

/// Makes the checksums right again, so that the checks behind them are reached.
std::string sealed(std::string content) {
  const auto put = [&](std::size_t at, std::uint32_t value) {
    std::memcpy(content.data() + at, &value, sizeof(value));
  };
  const std::span<const std::byte> bytes = std::as_bytes(std::span(content));
  std::uint64_t directory = 0;
  std::memcpy(&directory, content.data() + compiled::kDirectorySizeAt, sizeof(directory));
  if (directory <= content.size() - CompiledFile::kHeaderBytes)
    put(compiled::kDirectoryCrcAt, compiled::crc_of(bytes.subspan(CompiledFile::kHeaderBytes, directory)));
  put(compiled::kHeaderCrcAt, compiled::crc_of(bytes.first(compiled::kHeaderCrcAt)));
  return content;
}

class CompiledFileTest : public ::testing::Test {
 protected:
  /// A file with three records, of which one is absent, and a packed, a plain and a large weight.
  std::string written(bool portable = false) {
    const std::string content = "abcdefghij";
    std::vector<ZipRecord> records(4);
    records[0].name = "data.pkl", records[0].offset = 0, records[0].size = records[0].stored_size = 4;
    records[0].crc = compiled::crc_of(std::as_bytes(std::span(content)).first(4));
    records[1].name = "data/0", records[1].offset = 4, records[1].size = records[1].stored_size = 3;
    records[2].name = "data/1", records[2].offset = 7, records[2].size = records[2].stored_size = 3;
    records[3].name = ".data/serialization_id", records[3].size = records[3].stored_size = 1;
    const auto archive = ZipArchive::of("model.pt", aligned_bytes_of(content), nullptr, std::move(records));
    CompiledAbout about;
    about.wherry_version = "1.2.3";
    about.isa = "avx2";
    about.precision = "fp32";
    about.kind = OriginKind::state_dict;
    about.arch = "resnet18";
    about.portable = portable;
    about.shapes = {{{DType::f32, {1, 3, 8, 8}, {}}}, {{DType::i64, {}, {}}}};
    const TemporaryFile file("", "written.wherry");
    write_compiled_file(file.path(), about, *archive, {true, portable, true, true},
                        {{"large", true, std::as_bytes(std::span(large_))},
                         {"packed", true, std::as_bytes(std::span(packed_))},
                         {"plain", false, std::as_bytes(std::span(plain_))},
                         {"empty", false, {}}});
    return read_file(file.path());
  }

  std::string packed_ = std::string(100, 'p');
  std::string plain_ = "plain";
  std::string large_ = std::string(100000, 'l');
};

TEST_F(CompiledFileTest, WhatGoesInComesOut) {
  const auto file = open(written());
  const CompiledAbout& about = file->about();
  EXPECT_EQ(about.wherry_version, "1.2.3");
  EXPECT_EQ(about.isa, "avx2");
  EXPECT_EQ(about.precision, "fp32");
  EXPECT_EQ(about.kind, OriginKind::state_dict);
  EXPECT_EQ(about.arch, "resnet18");
  EXPECT_FALSE(about.portable);
  ASSERT_EQ(about.shapes.size(), 2U);
  EXPECT_EQ(about.shapes[0][0], (ir::TensorType{DType::f32, {1, 3, 8, 8}, {}}));
  EXPECT_EQ(about.shapes[1][0], (ir::TensorType{DType::i64, {}, {}}));

  EXPECT_EQ(file->records()->read("data.pkl").text(), "abcd");
  EXPECT_EQ(file->records()->contents(*file->records()->find("data/1")).text(), "hij");
  EXPECT_EQ(file->records()->find(".data/serialization_id"), nullptr) << "nobody reads it";
  const ZipRecord* absent = file->records()->find("data/0");
  ASSERT_NE(absent, nullptr);
  EXPECT_TRUE(absent->absent);
  EXPECT_EQ(absent->size, 3);
  EXPECT_THAT(message_of<InvalidModel>([&] { file->records()->contents(*absent); }),
              AllOf(HasSubstr("data/0"), HasSubstr("--input"), HasSubstr("--portable")));

  EXPECT_EQ(file->find("packed")->text(), packed_);
  EXPECT_EQ(file->find("plain")->text(), plain_);
  EXPECT_EQ(file->find("large")->text(), large_);
  EXPECT_EQ(file->find("empty")->data.size(), 0U);
  EXPECT_FALSE(file->find("other"));
  const auto* begin = file->records()->contents(*file->records()->find("data/1")).data.data();
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(begin) % CompiledFile::kAlignment, 0U);
  EXPECT_EQ(file->size() % CompiledFile::kAlignment, 0U);
  file->verify();
  EXPECT_FALSE(open(written(true))->records()->find("data/0")->absent);
}

TEST_F(CompiledFileTest, LargeWeightsBeginOnAPage) {
  const std::string content = written();
  EXPECT_EQ(content.find(large_) % compiled::kPage, 0U);
  EXPECT_EQ(content.find(packed_) % CompiledFile::kAlignment, 0U);
}

TEST_F(CompiledFileTest, TruncatedFilesAreRefused) {
  const std::string content = written();
  for (std::size_t length = 8; length < content.size(); length += length < 1000 ? 1 : 997)
    EXPECT_THAT(message_of<InvalidModel>([&] { open(content.substr(0, length)); }), HasSubstr("truncated")) << length;
}

TEST_F(CompiledFileTest, EveryBitOfHeaderAndDirectoryIsGuarded) {
  const std::string content = written();
  std::uint64_t directory = 0;
  std::memcpy(&directory, content.data() + compiled::kDirectorySizeAt, sizeof(directory));
  for (std::size_t at = 0; at < CompiledFile::kHeaderBytes + directory; ++at) {
    std::string damaged = content;
    damaged[at] = static_cast<char>(damaged[at] ^ (1 << at % 8));
    EXPECT_THAT(message_of<InvalidModel>([&] { open(damaged); }), HasSubstr("test.wherry: ")) << at;
  }
}

TEST_F(CompiledFileTest, VerifyFindsDamagedContents) {
  const std::string content = written();
  for (const std::string& part : {std::string("hij"), packed_, plain_, large_}) {
    std::string damaged = content;
    damaged[content.rfind(part) + part.size() / 2] ^= 1;
    const auto file = open(damaged);
    EXPECT_THAT(message_of<InvalidModel>([&] { file->verify(); }), HasSubstr("checksum"));
  }
}

TEST_F(CompiledFileTest, LyingDirectoriesAreRefused) {
  const std::string content = written();
  std::uint64_t directory = 0;
  std::memcpy(&directory, content.data() + compiled::kDirectorySizeAt, sizeof(directory));
  int refused = 0;
  for (std::size_t at = CompiledFile::kHeaderBytes; at < CompiledFile::kHeaderBytes + directory; ++at) {
    for (const unsigned char pattern : {0x01, 0x80, 0xff}) {
      std::string lying = content;
      lying[at] = static_cast<char>(static_cast<unsigned char>(lying[at]) ^ pattern);
      try {
        const auto file = open(sealed(lying));
        for (const CompiledWeight& weight : file->weights())
          EXPECT_LE(weight.bytes.data() + weight.bytes.size(), weight.bytes.data() + lying.size());
        file->verify();
      } catch (const InvalidModel& error) {
        EXPECT_EQ(std::string_view(error.what()).find('\n'), std::string_view::npos);
        ++refused;
      }
    }
  }
  EXPECT_GT(refused, 100);
}

TEST_F(CompiledFileTest, OverlapsAndStrayOffsetsAreNamed) {
  const std::string content = written();
  // The entries of the weights end with offset and size; "plain" is made to lie where "packed" does.
  const auto offset_at = [&](const std::string& name) {
    const std::size_t entry = content.find(std::string("\0\0\0", 3) + name, CompiledFile::kHeaderBytes);
    return entry + 3 + name.size() + 5;
  };
  std::string overlapping = content;
  std::memcpy(overlapping.data() + offset_at("plain"), content.data() + offset_at("packed"), 8);
  EXPECT_THAT(message_of<InvalidModel>([&] { open(sealed(overlapping)); }), HasSubstr("overlap"));
  std::string outside = content;
  const std::uint64_t far = std::uint64_t{1} << 63;
  std::memcpy(outside.data() + offset_at("plain"), &far, 8);
  EXPECT_THAT(message_of<InvalidModel>([&] { open(sealed(outside)); }), HasSubstr("outside the file"));
  std::string askew = content;
  askew[offset_at("plain")] = static_cast<char>(askew[offset_at("plain")] + 1);
  EXPECT_THAT(message_of<InvalidModel>([&] { open(sealed(askew)); }), HasSubstr("not aligned"));
}

TEST_F(CompiledFileTest, AnotherFormatVersionSaysWhatToDo) {
  std::string content = written();
  content[compiled::kVersionAt] = 9;
  EXPECT_THAT(message_of<InvalidModel>([&] { open(content); }),
              AllOf(HasSubstr("format version 9"), HasSubstr("compile the model again")));
}

TEST(CompiledFileWriting, LeavesNothingBehindWhereItCannotWrite) {
  const auto archive = ZipArchive::of("model.pt", {}, nullptr, {});
  EXPECT_THAT(message_of<InvalidInput>([&] { write_compiled_file("/nowhere/x.wherry", {}, *archive, {}, {}); }),
              AllOf(HasSubstr("/nowhere/x.wherry"), HasSubstr("cannot write")));
  EXPECT_THAT(message_of<InvalidInput>([&] { write_compiled_file(::testing::TempDir(), {}, *archive, {}, {}); }),
              HasSubstr("directory"));
  EXPECT_THAT(message_of<InvalidInput>([&] { write_compiled_file("/dev/full", {}, *archive, {}, {}); }),
              HasSubstr("no regular file"));
}

}  // namespace
}  // namespace wherry::import
