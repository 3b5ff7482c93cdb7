// Every shape of label file that people have, and what is wrong with the ones that are refused.

#include "tasks/labels.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "tests/temporary_folder.h"
#include "wherry/error.h"

namespace wherry::tasks {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

std::string message_of(std::string_view text) {
  try {
    parse_labels(text, "labels");
  } catch (const InvalidInput& error) {
    return error.what();
  }
  return "parsed";
}

TEST(Labels, ImagenetIsBuiltIn) {
  const auto labels = imagenet_labels();
  ASSERT_EQ(labels.size(), 1000U);
  EXPECT_EQ(labels[0], "tench");
  EXPECT_EQ(labels[258], "Samoyed");
  EXPECT_EQ(labels[652], "military uniform");
  EXPECT_EQ(labels[999], "toilet tissue");
}

TEST(Labels, OneALine) {
  EXPECT_THAT(parse_labels("cat\ndog\n", "x"), ElementsAre("cat", "dog"));
  EXPECT_THAT(parse_labels("\xef\xbb\xbf"
                           "cat\r\npolar bear  \r\n\r\n\n",
                           "x"),
              ElementsAre("cat", "polar bear"));
  EXPECT_THAT(parse_labels("cat", "x"), ElementsAre("cat"));
}

TEST(Labels, Json) {
  EXPECT_THAT(parse_labels(R"( ["cat", "d\u00f6g"])", "x"), ElementsAre("cat", "dög"));
  EXPECT_THAT(parse_labels(R"({"1": "dog", "0": "cat"})", "x"), ElementsAre("cat", "dog"));
  EXPECT_THAT(parse_labels(R"({"0": ["n02", "cat"], "1": ["n01", "dog"]})", "x"), ElementsAre("cat", "dog"));
  EXPECT_THAT(parse_labels(R"({"dog": 1, "cat": 0})", "x"), ElementsAre("cat", "dog"));
  EXPECT_THAT(parse_labels(R"({"model": "m", "id2label": {"0": "cat"}})", "x"), ElementsAre("cat"));
}

TEST(Labels, RefusalsSayWhat) {
  const std::pair<std::string_view, std::string> cases[] = {
      {"", "holds no labels"},
      {"[]", "holds no labels"},
      {"{}", "holds no labels"},
      {"cat\n\ndog", "line 2 is empty"},
      {std::string_view("a\0b", 3), "not text"},
      {"[\"cat\"", "damaged at byte"},
      {"[1, 2]", "JSON type number"},
      {R"({"0": "cat", "2": "dog"})", "class 2 of only 2 classes"},
      {R"({"0": "cat", "00": "dog"})", "class 0 is named twice"},
      {R"({"0": {"name": "cat"}})", "JSON type object"},
      {R"({"cat": "animal"})", "pairs no index"},
      {R"({"cat": -1})", "pairs no index"},
      {R"({"99999999999999999999999": "cat"})", "pairs no index"},
  };
  for (const auto& [text, expected] : cases)
    EXPECT_THAT(message_of(text), AllOf(HasSubstr("labels: "), HasSubstr(expected), Not(HasSubstr("\n"))));
  EXPECT_NE(message_of(std::string(100'000, '[')), "parsed");
}

TEST(Labels, FilesAreRead) {
  const TemporaryFolder folder;
  const std::string path = folder.file("labels.txt", "cat\ndog\n");
  EXPECT_THAT(read_labels(path), ElementsAre("cat", "dog"));
  EXPECT_THROW(read_labels(path + ".missing"), InvalidInput);
}

}  // namespace
}  // namespace wherry::tasks
