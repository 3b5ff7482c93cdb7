// Lines and rows as people's files have them: every line break, quoting, a byte order mark, pipes that are slow.

#include "cli/text_source.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/line_reader.h"
#include "process.h"
#include "wherry/error.h"

namespace wherry::cli {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;

std::vector<std::string> texts_of(const TextSourceOptions& options) {
  const auto source = open_text_source(options);
  std::vector<std::string> texts;
  while (const auto item = source->next())
    texts.push_back(item->input.text + (item->input.pair ? "|" + *item->input.pair : ""));
  return texts;
}

std::string refusal(const TextSourceOptions& options) {
  try {
    texts_of(options);
  } catch (const InvalidInput& error) {
    return error.what();
  }
  return "accepted";
}

TEST(TextSource, Arguments) {
  EXPECT_THAT(texts_of({.texts = {"a", "b"}}), ElementsAre("a", "b"));
  EXPECT_THAT(texts_of({.texts = {"a", "b", "c", "d"}, .pairs = true}), ElementsAre("a|b", "c|d"));
  EXPECT_THAT(refusal({.texts = {"a"}, .pairs = true}), HasSubstr("two for each pair"));
  EXPECT_THAT(refusal({}), HasSubstr("found no text"));
  EXPECT_THAT(refusal({.texts = {"a"}, .file = "b"}), HasSubstr("both"));
  EXPECT_THAT(refusal({.texts = {"a"}, .column = "b"}), HasSubstr("--file"));
}

TEST(TextSource, Lines) {
  const TemporaryFolder folder;
  const std::string path = folder.file("lines.txt", "one\r\n\ntwo \n" + std::string(200'000, 'x') + "\nlast");
  const auto texts = texts_of({.file = path});
  ASSERT_EQ(texts.size(), 5U);
  EXPECT_EQ(texts[0], "one");
  EXPECT_EQ(texts[1], "");
  EXPECT_EQ(texts[2], "two ");
  EXPECT_EQ(texts[3].size(), 200'000U);
  EXPECT_EQ(texts[4], "last");
  EXPECT_THAT(texts_of({.file = folder.file("pairs.txt", "a\tb\n\tc\td\n"), .pairs = true}),
              ElementsAre("a|b", "|c\td"));
  EXPECT_THAT(refusal({.file = folder.file("single.txt", "a\tb\nc\n"), .pairs = true}),
              AllOf(HasSubstr("single.txt:2: found one text")));
  EXPECT_THAT(texts_of({.file = folder.file("empty.txt", "")}), ElementsAre());
  EXPECT_THAT(refusal({.file = folder.path("missing.txt")}), HasSubstr("missing.txt: cannot open"));
  EXPECT_THAT(refusal({.file = folder.path("")}), HasSubstr("cannot read"));
}

TEST(TextSource, Columns) {
  const TemporaryFolder folder;
  const std::string csv = folder.file(
      "a.csv",
      "\xef\xbb\xbfid,\"the text\",label\r\n1,plain,x\r\n2,\"a, \"\"b\"\"\nnext line\",y\n\n3,,z\n4,5\" disk,w");
  EXPECT_THAT(texts_of({.file = csv, .column = "the text"}),
              ElementsAre("plain", "a, \"b\"\nnext line", "", "5\" disk"));
  EXPECT_THAT(texts_of({.file = csv, .column = "3", .pair_column = "id"}), ElementsAre("x|1", "y|2", "z|3", "w|4"));
  const std::string tsv = folder.file("a.tsv", "sentence\tlabel\nan \"open quote\t1\nb\t0\n");
  EXPECT_THAT(texts_of({.file = tsv, .column = "sentence"}), ElementsAre("an \"open quote", "b"));
  EXPECT_THAT(refusal({.file = tsv, .column = "text"}),
              EndsWith("has no column 'text'; its columns are sentence, label"));
  EXPECT_THAT(refusal({.file = tsv, .column = "3"}), HasSubstr("no column '3'"));
  EXPECT_THAT(refusal({.file = folder.file("a.txt", "x"), .column = "x"}), HasSubstr(".csv or .tsv"));
  EXPECT_THAT(refusal({.file = folder.file("b.csv", ""), .column = "x"}), HasSubstr("is empty"));
  EXPECT_THAT(refusal({.file = folder.file("c.csv", "x,y\n1\n"), .column = "y"}),
              HasSubstr("c.csv:2: found 1 columns"));
  EXPECT_THAT(refusal({.file = folder.file("d.csv", "x\n\"a\n"), .column = "x"}), HasSubstr("a quote is not closed"));
  EXPECT_THAT(refusal({.file = tsv, .pair_column = "label"}), HasSubstr("--column"));
}

TEST(LineReader, KnowsWhetherItWouldWait) {
  const TemporaryFolder folder;
  const std::string path = folder.path("pipe");
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  const int writer = ::open(path.c_str(), O_RDWR);  // so that opening it for reading does not wait
  ASSERT_GE(writer, 0);
  LineReader reader(path);
  EXPECT_TRUE(reader.waits());
  ASSERT_EQ(::write(writer, "one\ntw", 6), 6);
  EXPECT_FALSE(reader.waits());
  EXPECT_EQ(reader.next(), "one");
  EXPECT_TRUE(reader.waits());  // half a line is none
  ASSERT_EQ(::write(writer, "o\n", 2), 2);
  EXPECT_FALSE(reader.waits());
  EXPECT_EQ(reader.next(), "two");
  EXPECT_EQ(reader.number(), 2);
  EXPECT_EQ(reader.fraction(), std::nullopt);
  ::close(writer);
  EXPECT_FALSE(reader.waits());
  EXPECT_EQ(reader.next(), std::nullopt);
}

}  // namespace
}  // namespace wherry::cli
