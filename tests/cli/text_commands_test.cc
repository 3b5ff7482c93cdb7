// The commands on text as a shell runs them, on the tiny models of tests/tasks (whose numbers are checked there), and
// every way of giving them something that they cannot use.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>

#include "process.h"

namespace wherry::cli {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

const std::string kModels = std::string(WHERRY_SOURCE_DIR) + "/tests/tasks/data/";

std::vector<json> lines_of(const std::string& out) {
  std::istringstream stream(out);
  std::vector<json> lines;
  for (std::string line; std::getline(stream, line);) lines.push_back(json::parse(line));
  return lines;
}

TEST(ClassifyText, JsonLinesInTheOrderOfTheTexts) {
  const TemporaryFolder folder;
  std::string texts;
  for (int i = 0; i < 50; ++i)
    texts += "the engine " + std::string(static_cast<std::size_t>(i * 7 % 13) + 1, 'x') + "\n";
  const Finished together = run_wherry(
      {"classify-text", kModels + "classifier", "-", "--json", "--batch-size", "4", "--precision", "fp32"}, texts);
  ASSERT_EQ(together.exit_code, 0) << together.error;
  EXPECT_EQ(together.error, "");
  const auto lines = lines_of(together.out);
  ASSERT_EQ(lines.size(), 50U);
  std::istringstream expected(texts);
  for (const json& line : lines) {
    std::string text;
    std::getline(expected, text);
    EXPECT_EQ(line["text"], text);
    ASSERT_EQ(line["result"].size(), 1U);
    EXPECT_TRUE(line["result"][0]["label"].is_string());
  }
  const Finished alone = run_wherry({"classify-text", kModels + "classifier", "--file", folder.file("a.txt", texts),
                                     "--json", "--batch-size", "1", "--precision", "fp32"});
  const auto single = lines_of(alone.out);
  ASSERT_EQ(single.size(), 50U);
  for (std::size_t i = 0; i < 50; ++i) {
    EXPECT_EQ(single[i]["result"][0]["label"], lines[i]["result"][0]["label"]);
    EXPECT_NEAR(single[i]["result"][0]["score"], lines[i]["result"][0]["score"], 1e-5);
  }
}

TEST(ClassifyText, ForPeople) {
  const Finished finished = run_wherry({"classify-text", kModels + "classifier", "wherry\x1b[31m", "--top", "9"});
  EXPECT_EQ(finished.exit_code, 0) << finished.error;
  EXPECT_THAT(finished.out, AllOf(StartsWith("wherry\\x1b[31m\n"), HasSubstr("NEGATIVE\n"), HasSubstr("NEUTRAL\n"),
                                  HasSubstr("POSITIVE\n"), HasSubstr("%  ")));
}

TEST(ClassifyText, PairsAndColumns) {
  const TemporaryFolder folder;
  const std::string file = folder.file("a.csv", "q,a\nthe engine,\"runs, models\"\n");
  const auto column = run_wherry({"classify-text", kModels + "classifier", "--file", file, "--column", "q",
                                  "--pair-column", "a", "--json", "--top", "3", "--precision", "fp32"});
  const auto pairs = run_wherry({"classify-text", kModels + "classifier", "--pairs", "the engine", "runs, models",
                                 "--json", "--top", "3", "--precision", "fp32"});
  EXPECT_EQ(column.exit_code, 0) << column.error;
  EXPECT_EQ(column.out, pairs.out);
  const json line = json::parse(pairs.out);
  EXPECT_EQ(line["text_pair"], "runs, models");
  EXPECT_EQ(line["result"].size(), 3U);
}

TEST(ClassifyText, OneBadTextDoesNotStopTheOthers) {
  const Finished finished =
      run_wherry({"classify-text", kModels + "classifier", "-", "--json"}, "fine\n\nbad \xff byte\nfine too\n");
  EXPECT_EQ(finished.exit_code, 2);
  EXPECT_EQ(finished.error,
            "wherry: error: standard input:2: the text is empty; something to read is expected\n"
            "wherry: error: standard input:3: the text is no UTF-8: found byte 0xff at offset 4; UTF-8 is expected\n");
  const auto lines = lines_of(finished.out);
  ASSERT_EQ(lines.size(), 4U);
  EXPECT_TRUE(lines[0].contains("result"));
  EXPECT_THAT(lines[1]["error"].get<std::string>(), HasSubstr("empty"));
  EXPECT_EQ(lines[2]["text"], "bad \xef\xbf\xbd byte");
  EXPECT_TRUE(lines[3].contains("result"));
}

TEST(ClassifyText, LongTextsAreTruncatedWithANoteOrRefused) {
  std::string text, texts;
  for (int i = 0; i < 40; ++i) text += "the ";
  for (int i = 0; i < 5; ++i) texts += text + "\n";
  const Finished truncated = run_wherry({"classify-text", kModels + "classifier", "-", "--json"}, texts);
  EXPECT_EQ(truncated.exit_code, 0);
  EXPECT_THAT(truncated.error,
              AllOf(StartsWith("wherry: note: standard input:1: has 42 tokens; only the first 32 are read\n"),
                    HasSubstr("standard input:3:"), HasSubstr("note: 5 texts were longer than 32 tokens")));
  EXPECT_EQ(lines_of(truncated.out)[0]["truncated"], true);
  const Finished refused = run_wherry({"classify-text", kModels + "classifier", text, "--no-truncate"});
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_THAT(refused.error, StartsWith("wherry: error: text: the text has 42 tokens; the model takes at most 32"));
  const Finished further = run_wherry({"classify-text", kModels + "classifier", text, "--max-length", "99"});
  EXPECT_EQ(further.exit_code, 2);
  EXPECT_THAT(further.error, HasSubstr("at most 48"));
}

TEST(ClassifyText, TextsAreTakenAsTheyAre) {
  const std::vector<std::string> texts = {"[MASK]", "[a, b]",     "{\"a\": 1}", "a,b",
                                          "a=b",    "\"quoted\"", "%1",         "-1 of ten"};
  std::vector<std::string> arguments = {"classify-text", kModels + "classifier", "--json", "--"};
  arguments.insert(arguments.end(), texts.begin(), texts.end());
  const Finished finished = run_wherry(arguments);
  ASSERT_EQ(finished.exit_code, 0) << finished.error;
  const auto lines = lines_of(finished.out);
  ASSERT_EQ(lines.size(), texts.size());
  for (std::size_t i = 0; i < texts.size(); ++i) EXPECT_EQ(lines[i]["text"], texts[i]);
}

TEST(FillMask, OneMaskAndSeveral) {
  const Finished finished =
      run_wherry({"fill-mask", kModels + "filler", "The <mask> runs.", "<mask> and <mask>.", "--top", "3", "--json"});
  ASSERT_EQ(finished.exit_code, 0) << finished.error;
  const auto lines = lines_of(finished.out);
  ASSERT_EQ(lines.size(), 2U);
  ASSERT_EQ(lines[0]["result"].size(), 3U);
  for (const char* key : {"score", "token", "token_str", "sequence"}) EXPECT_TRUE(lines[0]["result"][0].contains(key));
  ASSERT_EQ(lines[1]["result"].size(), 2U);
  EXPECT_EQ(lines[1]["result"][0].size(), 3U);
  const Finished shown = run_wherry({"fill-mask", kModels + "filler", "The <mask> runs.", "<mask> and <mask>."});
  EXPECT_THAT(shown.out, AllOf(StartsWith("The <mask> runs.\n"), HasSubstr("\n mask 2\n")));

  const Finished none = run_wherry({"fill-mask", kModels + "filler", "nothing is missing"});
  EXPECT_EQ(none.exit_code, 2);
  EXPECT_THAT(none.error, HasSubstr("text: the text has no <mask>; one at least is expected"));
}

TEST(Embed, VectorsOfLengthOne) {
  const Finished finished = run_wherry({"embed", kModels + "embedder", "the engine", "the engine", "wherry", "--json"});
  ASSERT_EQ(finished.exit_code, 0) << finished.error;
  const auto lines = lines_of(finished.out);
  ASSERT_EQ(lines.size(), 3U);
  double square = 0;
  for (const double value : lines[0]["result"].get<std::vector<double>>()) square += value * value;
  EXPECT_NEAR(square, 1, 1e-5);
  EXPECT_EQ(lines[0]["result"].size(), 8U);
  EXPECT_EQ(lines[0]["result"], lines[1]["result"]);
  EXPECT_NE(lines[0]["result"], lines[2]["result"]);
  EXPECT_THAT(run_wherry({"embed", kModels + "embedder", "wherry"}).out,
              StartsWith("wherry\n  8 numbers of length 1.0000: "));
}

TEST(TextCommands, HelpHasExamples) {
  for (const char* command : {"classify-text", "fill-mask", "embed"}) {
    const Finished finished = run_wherry({command, "--help"});
    EXPECT_EQ(finished.exit_code, 0);
    EXPECT_THAT(finished.out, AllOf(HasSubstr("Usage: wherry " + std::string(command)),
                                    HasSubstr("Examples:\n  wherry "), HasSubstr("--no-truncate")));
    std::istringstream stream(finished.out);
    for (std::string line; std::getline(stream, line);) EXPECT_LE(line.size(), 120U) << line;
  }
}

TEST(TextCommands, WhatDoesNotFitIsSaidInOneLine) {
  const TemporaryFolder folder;
  const std::string vision = folder.file("a.pt", "no model");
  const std::pair<std::vector<std::string>, const char*> cases[] = {
      {{"classify-text", folder.path("nothing"), "a"}, "found no such file or folder"},
      {{"classify-text", vision, "a"}, "found neither tokenizer.json nor vocab.txt"},
      {{"classify-text", vision, "a", "--tokenizer", kModels + "classifier"}, "a.pt"},
      {{"classify-text", kModels + "filler", "a"}, "2 dimensions"},
      {{"classify-text", kModels + "embedder", "a"}, "no output 'logits'"},
      {{"fill-mask", kModels + "classifier", "[MASK]"}, "3 scores"},
      {{"embed", kModels + "classifier", "a"}, "no output 'last_hidden_state'"},
      {{"classify-text", kModels + "classifier"}, "found no text"},
      {{"classify-text", kModels + "classifier", "a", "--file", vision}, "both"},
      {{"classify-text", kModels + "classifier", "--file", folder.path("x.txt")}, "cannot open"},
      {{"classify-text", kModels + "classifier", "--file", folder.file("e.txt", "")}, "found no text"},
      {{"classify-text", kModels + "classifier", "--file", folder.file("e.csv", "a\n1\n"), "--column", "b"},
       "its columns are a"},
      {{"classify-text", kModels + "classifier", "a", "--top", "0"}, "--top"},
  };
  for (const auto& [arguments, expected] : cases) {
    const Finished finished = run_wherry(arguments);
    EXPECT_EQ(finished.exit_code, 2) << expected;
    EXPECT_EQ(finished.out, "") << expected;
    EXPECT_THAT(finished.error, AllOf(StartsWith("wherry: error: "), HasSubstr(expected)));
    EXPECT_EQ(std::count(finished.error.begin(), finished.error.end(), '\n'), 1) << finished.error;
  }
}

}  // namespace
}  // namespace wherry::cli
