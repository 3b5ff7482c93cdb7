// The zip reader: PyTorch's and other tools' archives, and archives that lie.

#include "import/zip/zip_archive.h"

#include "test_files.h"
#include "zip_builder.h"

namespace wherry::import {
namespace {

using ::testing::HasSubstr;

std::shared_ptr<const ZipArchive> open(const std::string& zip) { return ZipArchive::open("test.pt", bytes_of(zip)); }

std::string refusal(const std::vector<ZipEntry>& entries, int count = -1) {
  const std::string zip = build_zip(entries, count);
  const std::string message = message_of<InvalidModel>([&] { open(zip)->read("a"); });
  EXPECT_THAT(message, HasSubstr("test.pt"));
  return message;
}

TEST(ZipArchive, ReadsRecordsBelowTheRoot) {
  const auto archive = open(build_zip({{"net/data.pkl", "pickle"}, {"net/data/0", "weights"}, {"__MACOSX/x", "dirt"}}));
  EXPECT_EQ(archive->root(), "net");
  ASSERT_EQ(archive->records().size(), 2u);
  EXPECT_EQ(archive->read("data.pkl").text(), "pickle");
  EXPECT_EQ(archive->read("data/0").text(), "weights");
  EXPECT_EQ(archive->find("data/1"), nullptr);
  EXPECT_EQ(archive->find("x"), nullptr);
}

TEST(ZipArchive, StoredRecordsAreSpansOfTheFile) {
  const Bytes bytes = bytes_of(build_zip({{.name = "net/a", .content = "contents", .padding = 13}}));
  const auto archive = ZipArchive::open("test.pt", bytes);
  const Bytes record = archive->contents(*archive->find("a"));
  EXPECT_EQ(record.text(), "contents");
  EXPECT_GE(record.data.data(), bytes.data.data());
  EXPECT_LT(record.data.data(), bytes.data.data() + bytes.data.size());
}

TEST(ZipArchive, RecordsOutliveTheArchive) {
  auto archive = open(build_zip({{"net/a", "contents"}}));
  const Bytes record = archive->read("a");
  archive.reset();
  EXPECT_EQ(record.text(), "contents");
}

TEST(ZipArchive, InflatesCompressedRecords) {
  const std::string text(100000, 'x');
  const auto archive = open(build_zip(
      {{.name = "net/a", .content = text, .compress = true}, {.name = "net/b", .content = "", .compress = true}}));
  EXPECT_EQ(archive->read("a").text(), text);
  EXPECT_EQ(archive->read("b").text(), "");
  EXPECT_TRUE(archive->find("a")->compressed);
}

TEST(ZipArchive, ReadsZip64Fields) {
  const auto archive = open(build_zip({{.name = "net/a", .content = "first", .zip64 = true},
                                       {.name = "net/b", .content = "second", .compress = true, .zip64 = true}}));
  EXPECT_EQ(archive->read("a").text(), "first");
  EXPECT_EQ(archive->read("b").text(), "second");
}

TEST(ZipArchive, ReadsBytesBeforeTheArchive) {
  const auto archive = open("#!/bin/sh\n" + build_zip({{"net/a", "contents"}}));
  EXPECT_EQ(archive->read("a").text(), "contents");
}

TEST(ZipArchive, KeepsNamesWithoutARoot) {
  const auto archive = open(build_zip({{"a", "1"}, {"b/c", "2"}}));
  EXPECT_EQ(archive->root(), "");
  EXPECT_EQ(archive->read("b/c").text(), "2");
}

TEST(ZipArchive, ReadsBothPyTorchsArchives) {
  for (const char* name : {"tensors_1_13.pth", "tensors_2_15.pth"}) {
    const auto archive = ZipArchive::open(base::MappedFile::open(data_path(name)));
    ASSERT_NE(archive->find("data.pkl"), nullptr) << name;
    ASSERT_NE(archive->find("data/0"), nullptr) << name;
    EXPECT_EQ(archive->find("data/0")->offset % 64, 0) << name;
    EXPECT_EQ(archive->read("version").text(), "3\n") << name;
    archive->release(archive->contents(*archive->find("data/0")).data);
    EXPECT_EQ(archive->contents(*archive->find("data/0")).data.size(), 48u);
  }
}

TEST(ZipArchive, RefusesWhatIsNoArchive) {
  EXPECT_THAT(message_of<InvalidModel>([] { open(""); }), HasSubstr("no zip directory"));
  EXPECT_THAT(message_of<InvalidModel>([] { open("PK\x03\x04 and then nothing of the kind"); }),
              HasSubstr("truncated"));
  EXPECT_THAT(message_of<InvalidModel>([] { open(build_zip({})); }), HasSubstr("empty zip archive"));
}

TEST(ZipArchive, RefusesAMissingRecord) { EXPECT_THAT(refusal({{"net/b", "x"}}), HasSubstr("no record 'a'")); }

TEST(ZipArchive, RefusesALongerRecordThanExpected) {
  const auto archive = open(build_zip({{"net/a", "12345"}}));
  EXPECT_THAT(message_of<InvalidModel>([&] { archive->read("a", 4); }), HasSubstr("at most 4"));
}

TEST(ZipArchive, RefusesDuplicateNames) { EXPECT_THAT(refusal({{"net/a", "x"}, {"net/a", "y"}}), HasSubstr("twice")); }

TEST(ZipArchive, RefusesLyingSizes) {
  EXPECT_THAT(refusal({{.name = "net/a", .content = "x", .claimed_size = 1000, .claimed_stored_size = 1000}}),
              HasSubstr("truncated"));
  EXPECT_THAT(refusal({{.name = "net/a", .content = "x", .claimed_size = 2}}), HasSubstr("cannot hold"));
  EXPECT_THAT(refusal({{.name = "net/a", .content = "xyz", .compress = true, .claimed_size = 2}}),
              HasSubstr("does not inflate"));
  EXPECT_THAT(refusal({{.name = "net/a", .content = "xyz", .compress = true, .claimed_size = 4}}),
              HasSubstr("does not inflate"));
  EXPECT_THAT(refusal({{.name = "net/a", .content = "xyz", .compress = true, .claimed_size = 1000000}}),
              HasSubstr("cannot hold"));
}

TEST(ZipArchive, RefusesSizesThatOverflow) {
  constexpr std::int64_t kHuge = INT64_MAX;
  EXPECT_THAT(
      refusal({{.name = "net/a", .content = "x", .claimed_size = kHuge, .claimed_stored_size = kHuge, .zip64 = true}}),
      HasSubstr("claims 9223372036854775807 bytes"));
  EXPECT_THAT(refusal({{.name = "net/a", .content = "x", .compress = true, .claimed_size = kHuge, .zip64 = true}}),
              HasSubstr("cannot hold"));
  refusal({{.name = "net/a", .content = "x", .claimed_offset = kHuge, .zip64 = true}});
}

TEST(ZipArchive, RefusesLyingOffsets) {
  EXPECT_THAT(refusal({{.name = "net/a", .content = "x", .claimed_offset = 3}}), HasSubstr("not at 3 where"));
  EXPECT_THAT(refusal({{.name = "net/a", .content = "x", .claimed_offset = 100000}}), HasSubstr("not at 100000 where"));
}

TEST(ZipArchive, RefusesHeadersThatContradictTheDirectory) {
  std::string zip = build_zip({{"net/a", "x"}});
  zip[30] = 'N';
  EXPECT_THAT(message_of<InvalidModel>([&] { open(zip); }), HasSubstr("contradicts"));
}

TEST(ZipArchive, RefusesMoreEntriesThanThereAre) {
  EXPECT_THAT(refusal({{"net/a", "x"}}, 5), HasSubstr("missing or damaged"));
}

TEST(ZipArchive, RefusesAWrongChecksumOfMetadata) {
  EXPECT_THAT(refusal({{.name = "net/a", .content = "x", .claimed_crc = 1}}), HasSubstr("checksum"));
  EXPECT_THAT(refusal({{.name = "net/a", .content = "xyz", .compress = true, .claimed_crc = 1}}),
              HasSubstr("checksum"));
}

TEST(ZipArchive, RefusesEncryptionAndUnknownMethods) {
  EXPECT_THAT(refusal({{.name = "net/a", .content = "x", .flags = 1}}), HasSubstr("encrypted"));
  EXPECT_THAT(refusal({{.name = "net/a", .content = "x", .method = 12}}), HasSubstr("method 12"));
}

TEST(ZipArchive, RefusesZipBombs) {
  // Each record is within what deflate can do; together they are beyond any
  // model.
  std::vector<ZipEntry> entries;
  for (int i = 0; i < 40; ++i)
    entries.push_back(
        {.name = "net/" + std::to_string(i), .content = std::string(std::size_t{2} << 20, '\0'), .compress = true});
  EXPECT_THAT(refusal(entries), HasSubstr("zip bomb"));
}

TEST(ZipArchive, MessagesStayOnOneLine) {
  EXPECT_THAT(refusal({{.name = "net/a\nb", .content = "x", .flags = 1}}), HasSubstr("a\\x0ab"));
}

TEST(ZipArchive, SurvivesEveryTruncationAndChange) {
  const std::string zip = build_zip({{.name = "net/data.pkl", .content = "pickle pickle", .compress = true},
                                     {.name = "net/data/0", .content = "weights", .zip64 = true, .padding = 5},
                                     {"net/v", "3"}});
  mutate(zip, 1, [](const Bytes& bytes) {
    const auto archive = ZipArchive::open("test.pt", bytes);
    for (const ZipRecord& record : archive->records()) archive->read(record.name);
  });
}

}  // namespace
}  // namespace wherry::import
