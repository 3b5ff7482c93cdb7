// What a tokenizer answers for small vocabularies of our own, worked out by hand, and what is said about bad files.

#include "text/tokenizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "tests/temporary_folder.h"
#include "text/utf8.h"
#include "wherry/error.h"

namespace wherry::text {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Pair;
using ::testing::StartsWith;

/// Name and content of each.
using Files = std::vector<std::pair<std::string, std::string>>;

/// A model's folder with these files.
class Folder : public TemporaryFolder {
 public:
  explicit Folder(const Files& files) {
    for (const auto& [name, content] : files) file(name, content);
  }
};

constexpr const char* kVocabulary =
    "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nhello\nworld\n##s\nnaive\n!\nHello\nna\xc3\xafve\n";
constexpr const char* kBpeVocabulary = R"({"<s>": 0, "<pad>": 1, "</s>": 2, "<unk>": 3, "a": 4, "b": 5, "\u0120": 6,
  "ab": 7, "\u0120ab": 8, "<mask>": 9, "\u00c3": 10, "\u00a9": 11})";
constexpr const char* kMerges = "#version: 0.2\na b\n\xc4\xa0 ab\n";

template <typename E>
std::string refusal(const Files& files) {
  const Folder folder(files);
  try {
    Tokenizer::load(folder.path());
  } catch (const E& error) {
    const std::string message = error.what();
    EXPECT_THAT(message, AllOf(HasSubstr(folder.path()), Not(HasSubstr("\n"))));
    return message;
  }
  return "accepted";
}

TEST(Tokenizer, WordPieceFromVocabTxt) {
  const Folder folder(Files{{"vocab.txt", kVocabulary}});
  const Tokenizer tokenizer = Tokenizer::load(folder.path());
  const Encoding encoding = tokenizer.encode("Hello  WORLDS na\xc3\xafve!", {.offsets = Offsets::code_points});
  EXPECT_THAT(encoding.ids, ElementsAre(2, 5, 6, 7, 8, 9, 3));
  EXPECT_THAT(encoding.type_ids, ElementsAre(0, 0, 0, 0, 0, 0, 0));
  EXPECT_THAT(encoding.special, ElementsAre(1, 0, 0, 0, 0, 0, 1));
  EXPECT_THAT(encoding.offsets,
              ElementsAre(Pair(0, 0), Pair(0, 5), Pair(7, 12), Pair(12, 13), Pair(14, 19), Pair(19, 20), Pair(0, 0)));
  EXPECT_EQ(encoding.full_length, 7);
  EXPECT_FALSE(encoding.truncated());
  const Encoding bytes = tokenizer.encode("na\xc3\xafve!", {.offsets = Offsets::bytes});
  EXPECT_THAT(bytes.offsets, ElementsAre(Pair(0, 0), Pair(0, 6), Pair(6, 7), Pair(0, 0)));
  EXPECT_THAT(tokenizer.encode("hello mars", {.special_tokens = false}).ids, ElementsAre(5, 1));
  EXPECT_EQ(tokenizer.decode(std::vector<std::int64_t>{2, 5, 6, 7, 9, 3}, true), "hello worlds!");
  EXPECT_EQ(tokenizer.decode(std::vector<std::int64_t>{2, 5, 3, 77, -1}, false), "[CLS] hello [SEP]");
  EXPECT_EQ(tokenizer.special_tokens().mask, "[MASK]");
  EXPECT_EQ(tokenizer.id_of("[MASK]"), 4);
  EXPECT_EQ(tokenizer.id_of("mars"), std::nullopt);
  EXPECT_EQ(tokenizer.token_of(7), "##s");
  EXPECT_EQ(tokenizer.token_of(12), std::nullopt);
  EXPECT_EQ(tokenizer.largest_id(), 11);
  EXPECT_EQ(tokenizer.model_max_length(), 0);
}

TEST(Tokenizer, WordPieceFollowsItsConfig) {
  const Folder folder(
      {{"vocab.txt", kVocabulary}, {"tokenizer_config.json", R"({"do_lower_case": false, "model_max_length": 12,
                         "mask_token": "##s", "additional_special_tokens": ["[ENT]"]})"}});
  const Tokenizer tokenizer = Tokenizer::load(folder.path());
  EXPECT_THAT(tokenizer.encode("Hello hello na\xc3\xafve [ENT]").ids, ElementsAre(2, 10, 5, 11, 12, 3));
  EXPECT_EQ(tokenizer.special_tokens().mask, "##s");
  EXPECT_EQ(tokenizer.special_tokens().pad, "[PAD]");
  EXPECT_EQ(tokenizer.largest_id(), 12);
  EXPECT_EQ(tokenizer.model_max_length(), 12);
}

TEST(Tokenizer, PairsAndTruncation) {
  const Folder folder(Files{{"vocab.txt", kVocabulary}});
  const Tokenizer tokenizer = Tokenizer::load(folder.path());
  const Encoding pair = tokenizer.encode("hello", "world !");
  EXPECT_THAT(pair.ids, ElementsAre(2, 5, 3, 6, 9, 3));
  EXPECT_THAT(pair.type_ids, ElementsAre(0, 0, 0, 1, 1, 1));
  EXPECT_THAT(tokenizer.encode("hello", "").ids, ElementsAre(2, 5, 3, 3));

  const Encoding cut = tokenizer.encode("hello world hello world", {.max_length = 4});
  EXPECT_THAT(cut.ids, ElementsAre(2, 5, 6, 3));
  EXPECT_EQ(cut.full_length, 6);
  EXPECT_TRUE(cut.truncated());
  const Encoding cut_pair = tokenizer.encode("hello", "world ! ! !", {.max_length = 6});
  EXPECT_THAT(cut_pair.ids, ElementsAre(2, 5, 3, 6, 9, 3));
  EXPECT_EQ(cut_pair.full_length, 8);
  EXPECT_THAT(tokenizer.encode("hello", {.max_length = 2}).ids, ElementsAre(2, 3));
  EXPECT_EQ(tokenizer.special_token_count(false), 2);
  EXPECT_EQ(tokenizer.special_token_count(true), 3);
  EXPECT_THROW(tokenizer.encode("hello", {.max_length = 1}), InvalidInput);

  const Folder left(Files{{"vocab.txt", kVocabulary}, {"tokenizer_config.json", R"({"truncation_side": "left"})"}});
  EXPECT_THAT(Tokenizer::load(left.path()).encode("hello world !", {.max_length = 4}).ids, ElementsAre(2, 6, 9, 3));
}

TEST(Tokenizer, ByteLevelBpeFromVocabularyAndMerges) {
  const Folder folder(Files{{"vocab.json", kBpeVocabulary}, {"merges.txt", kMerges}});
  const Tokenizer tokenizer = Tokenizer::load(folder.path());
  EXPECT_THAT(tokenizer.encode("ab ab\xc3\xa9").ids, ElementsAre(0, 7, 8, 10, 11, 2));
  const Encoding pair = tokenizer.encode("ab", "b");
  EXPECT_THAT(pair.ids, ElementsAre(0, 7, 2, 2, 5, 2));
  EXPECT_THAT(pair.type_ids, ElementsAre(0, 0, 0, 0, 0, 0));  // RoBERTa knows one type
  EXPECT_THAT(tokenizer.encode("ab <mask> ab").ids, ElementsAre(0, 7, 6, 9, 8, 2));
  EXPECT_EQ(tokenizer.decode(std::vector<std::int64_t>{0, 7, 8, 10, 11, 2}, true), "ab ab\xc3\xa9");
  EXPECT_EQ(tokenizer.special_tokens().mask, "<mask>");

  const Folder prefix(Files{{"vocab.json", kBpeVocabulary},
                            {"merges.txt", kMerges},
                            {"tokenizer_config.json", R"({"add_prefix_space": true})"},
                            {"special_tokens_map.json", R"({"mask_token": {"content": "<mask>", "lstrip": true}})"}});
  EXPECT_THAT(Tokenizer::load(prefix.path()).encode("ab <mask>").ids, ElementsAre(0, 8, 9, 2));
}

TEST(Tokenizer, ThreadsShareOne) {
  const Folder folder(Files{{"vocab.json", kBpeVocabulary}, {"merges.txt", kMerges}});
  const Tokenizer tokenizer = Tokenizer::load(folder.path());
  const std::string text(400, 'b');
  const auto expected = tokenizer.encode("ab" + text).ids;
  std::vector<std::jthread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      for (int round = 0; round < 50; ++round) EXPECT_EQ(tokenizer.encode("ab" + text).ids, expected);
    });
}

TEST(Tokenizer, TextThatIsNoUtf8) {
  const Folder folder(Files{{"vocab.txt", kVocabulary}});
  const Tokenizer tokenizer = Tokenizer::load(folder.path());
  try {
    tokenizer.encode("hello \xff");
    FAIL();
  } catch (const InvalidInput& error) {
    EXPECT_STREQ(error.what(), "the text is no UTF-8: found byte 0xff at offset 6; UTF-8 is expected");
  }
  EXPECT_THROW(tokenizer.encode("hello", "\xc3"), InvalidInput);
  EXPECT_THAT(tokenizer.encode(std::string_view("he\0llo", 6)).ids, ElementsAre(2, 5, 3));  // BERT drops controls
  EXPECT_THAT(tokenizer.encode("").ids, ElementsAre(2, 3));
}

TEST(Tokenizer, BadFilesAreRefusedByName) {
  EXPECT_THROW(Tokenizer::load("/nowhere/at/all"), InvalidInput);
  EXPECT_THAT(refusal<InvalidInput>({}), HasSubstr("neither tokenizer.json nor vocab.txt"));
  EXPECT_THAT(refusal<InvalidInput>({{"vocab.json", "{}"}}), HasSubstr("merges.txt"));
  EXPECT_THAT(refusal<InvalidModel>({{"tokenizer.json", ""}}), HasSubstr("tokenizer.json: is no tokenizer: EOF"));
  EXPECT_THAT(refusal<InvalidModel>({{"tokenizer.json", "{}"}}), HasSubstr("is no tokenizer"));
  EXPECT_THAT(refusal<InvalidModel>({{"tokenizer.json", R"({"version": "9"})"}}),
              HasSubstr("Unknown tokenizer version"));
  EXPECT_THAT(refusal<InvalidModel>({{"tokenizer.json", "\xff\xfe"}}), HasSubstr("is no tokenizer"));
  EXPECT_THAT(refusal<InvalidModel>({{"tokenizer.json", std::string(100'000, '[')}}), HasSubstr("is no tokenizer"));
  EXPECT_THAT(refusal<InvalidModel>({{"tokenizer.json", R"({"model": {"type": "WordPiece", "unk_token": "x",
      "continuing_subword_prefix": "#", "max_input_chars_per_word": 100, "vocab": {}}, "pre_tokenizer":
      {"type": "Split", "pattern": {"Regex": "("}, "behavior": "Isolated", "invert": false}})"}}),
              HasSubstr("is no tokenizer"));
  EXPECT_THAT(refusal<InvalidModel>({{"vocab.txt", "hello\n"}}), HasSubstr("has no token '[UNK]'"));
  EXPECT_THAT(refusal<InvalidModel>({{"vocab.txt", "[UNK]\n[CLS]\n\xff\n"}}), HasSubstr("line 3 is no UTF-8"));
  EXPECT_THAT(refusal<InvalidModel>({{"vocab.json", "[1]"}, {"merges.txt", ""}}), HasSubstr("is no vocabulary"));
  EXPECT_THAT(refusal<InvalidModel>({{"vocab.json", R"({"a": {"b": 1}})"}, {"merges.txt", ""}}),
              HasSubstr("is no vocabulary"));
  EXPECT_THAT(refusal<InvalidModel>({{"vocab.json", R"({"a": 1)"}, {"merges.txt", ""}}), HasSubstr("damaged at byte"));
  EXPECT_THAT(refusal<InvalidModel>({{"vocab.json", R"({"a": 1})"}, {"merges.txt", ""}}), HasSubstr("no token '<s>'"));
  EXPECT_THAT(refusal<InvalidModel>({{"vocab.json", kBpeVocabulary}, {"merges.txt", "a z\n"}}),
              HasSubstr("is no tokenizer"));
  EXPECT_THAT(refusal<InvalidModel>({{"vocab.json", kBpeVocabulary}, {"merges.txt", "a\n"}}),
              HasSubstr("is no tokenizer"));
}

TEST(Tokenizer, BadConfigsAreRefusedByName) {
  const auto with = [](const char* config) {
    return refusal<InvalidModel>({{"vocab.txt", kVocabulary}, {"tokenizer_config.json", config}});
  };
  EXPECT_THAT(with("{"), HasSubstr("tokenizer_config.json: is no JSON"));
  EXPECT_THAT(with(R"({"x": 5e999})"), HasSubstr("tokenizer_config.json: has a number beyond a double's range"));
  EXPECT_THAT(with((R"({"do_lower_case": )" + std::string(100'000, '[')).c_str()), HasSubstr("nests deeper than"));
  EXPECT_THAT(with("[]"), HasSubstr("an object is expected"));
  EXPECT_THAT(with(R"({"do_lower_case": "yes"})"), HasSubstr("true or false is expected"));
  EXPECT_THAT(with(R"({"model_max_length": -4})"), HasSubstr("a positive number is expected"));
  EXPECT_THAT(with(R"({"mask_token": 4})"), HasSubstr("'mask_token' is no token"));
  EXPECT_THAT(with(R"({"added_tokens_decoder": {"x": {"content": "y"}}})"), HasSubstr("a token's id is expected"));
  EXPECT_THAT(with(R"({"cls_token": "<s>"})"), HasSubstr("has no token '<s>'"));
  EXPECT_THAT(with(R"({"tokenizer_class": "BertJapaneseTokenizer"})"),
              AllOf(HasSubstr("BertJapaneseTokenizer"), HasSubstr("BertTokenizer, ")));
}

TEST(Utf8, FirstByteThatIsNone) {
  using namespace std::string_view_literals;
  EXPECT_EQ(invalid_utf8(""), std::nullopt);
  EXPECT_EQ(invalid_utf8("a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\xf4\x8f\xbf\xbf\xed\x9f\xbf\xee\x80\x80\0"sv),
            std::nullopt);
  const std::pair<std::string_view, std::size_t> cases[] = {{"\x80", 0},
                                                            {"a\xc3", 1},
                                                            {"\xc0\xaf", 0},
                                                            {"\xe0\x9f\xbf", 0},
                                                            {"\xed\xa0\x80", 0},
                                                            {"ab\xf0\x8f\xbf\xbf", 2},
                                                            {"\xf4\x90\x80\x80", 0},
                                                            {"\xf5\x80\x80\x80", 0},
                                                            {"\xe2\x82", 0},
                                                            {"\xe2\x82z", 0},
                                                            {"\xf0\x9f\x98z", 0}};
  for (const auto& [text, at] : cases) EXPECT_EQ(invalid_utf8(text), at) << ::testing::PrintToString(text);
}

}  // namespace
}  // namespace wherry::text
