// Ids, type ids, masks, offsets, truncated pairs and decoded text against transformers' for the same lines
// (make_goldens.py): small vocabularies of our own always, BERT's and RoBERTa's where ../shared is.

#include <gtest/gtest.h>

#include <bit>
#include <filesystem>
#include <fstream>
#include <iostream>

#include "import/npy/npy.h"
#include "odd_text.h"
#include "text/tokenizer.h"

namespace wherry::text {
namespace {

namespace fs = std::filesystem;

const fs::path kSource = WHERRY_SOURCE_DIR;
const fs::path kData = kSource / "tests/text/data";
const fs::path kShared = kSource / "../shared";
constexpr std::int64_t kPairLength = 24;

class Fnv {
 public:
  void add(std::string_view bytes) {
    for (const char byte : bytes) state_ = (state_ ^ static_cast<unsigned char>(byte)) * 0x100000001B3;
  }
  void add(std::int64_t number) {
    for (int shift = 0; shift < 32; shift += 8) state_ = (state_ ^ (number >> shift & 0xFF)) * 0x100000001B3;
  }
  void add(const Encoding& encoding) {
    for (std::size_t i = 0; i < encoding.ids.size(); ++i) {
      add(encoding.ids[i]);
      add(encoding.type_ids[i]);
      add(std::int64_t{encoding.special[i]});
      add(encoding.offsets[i].first);
      add(encoding.offsets[i].second);
    }
  }
  std::int32_t folded() const { return std::bit_cast<std::int32_t>(static_cast<std::uint32_t>(state_ >> 32 ^ state_)); }

 private:
  std::uint64_t state_ = 0xCBF29CE484222325;
};

std::vector<std::int32_t> golden(const std::string& name) {
  for (const auto& [found, tensor] : import::read_npz((kData / "goldens.npz").string()))
    if (found == name) {
      const auto values = tensor.values<std::int32_t>();
      return {values.begin(), values.end()};
    }
  ADD_FAILURE() << "no golden " << name;
  return {};
}

std::vector<std::string> odd_lines(std::size_t count) {
  std::vector<std::string> lines;
  for (std::size_t i = 0; i < count; ++i) lines.push_back(odd_line(i));
  return lines;
}

void expect_as_transformers(const Tokenizer& tokenizer, const std::vector<std::string>& lines,
                            const std::string& name) {
  const auto expected = golden(name);
  ASSERT_EQ(lines.size(), expected.size());
  int wrong = 0, truncated = 0;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const Encoding alone = tokenizer.encode(lines[i], {.offsets = Offsets::code_points});
    const Encoding pair = tokenizer.encode(lines[i], lines[(i + 1) % lines.size()],
                                           {.max_length = kPairLength, .offsets = Offsets::code_points});
    truncated += pair.truncated();
    Fnv hash;
    hash.add(alone);
    hash.add(pair);
    hash.add(tokenizer.decode(alone.ids, true));
    if (hash.folded() == expected[i] || ++wrong > 3) continue;
    std::string ids;
    for (const std::int64_t id : alone.ids) ids += " " + std::to_string(id);
    ADD_FAILURE() << name << ", line " << i << ": " << ::testing::PrintToString(lines[i]) << "\n ids" << ids;
  }
  EXPECT_EQ(wrong, 0) << "of " << lines.size();
  EXPECT_GT(truncated, 0);
}

TEST(TokenizerGoldens, TheLinesAreTheSame) {
  Fnv hash;
  for (const auto& line : odd_lines(2000)) hash.add(line);
  EXPECT_EQ(hash.folded(), golden("odd_text").at(0));
}

class SmallVocabulary : public ::testing::TestWithParam<const char*> {};

TEST_P(SmallVocabulary, AsTransformers) {
  expect_as_transformers(Tokenizer::load((kData / GetParam()).string()), odd_lines(400), GetParam());
}

INSTANTIATE_TEST_SUITE_P(TokenizerGoldens, SmallVocabulary,
                         ::testing::Values("word_piece", "word_piece_cased", "byte_level_bpe", "byte_level_bpe_prefix",
                                           "unigram"),
                         [](const auto& parameter) { return parameter.param; });

class RealVocabulary : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    const fs::path folder = kShared / GetParam();
    if (!fs::exists(folder)) GTEST_SKIP() << "SKIPPED: no vocabulary at " << folder;
    tokenizer_ = Tokenizer::load(folder.string());
    name_ = folder.filename().string();
  }
  std::optional<Tokenizer> tokenizer_;
  std::string name_;
};

TEST_P(RealVocabulary, TwoThousandOddLinesAsTransformers) {
  expect_as_transformers(*tokenizer_, odd_lines(2000), name_ + ".odd");
}

TEST_P(RealVocabulary, Sst2AsTransformers) {
  const fs::path sentences = kShared / "data/sst2/validation.tsv";
  if (!fs::exists(sentences)) GTEST_SKIP() << "SKIPPED: no sentences at " << sentences;
  std::ifstream file(sentences);
  std::vector<std::string> lines;
  std::string line;
  std::getline(file, line);  // the column names
  while (std::getline(file, line)) lines.push_back(line.substr(0, line.find('\t')));
  EXPECT_EQ(lines.size(), 872U);
  expect_as_transformers(*tokenizer_, lines, name_ + ".sst2");
}

INSTANTIATE_TEST_SUITE_P(TokenizerGoldens, RealVocabulary,
                         ::testing::Values("models/distilbert-sst2", "data/roberta-vocab"), [](const auto& parameter) {
                           return parameter.param == std::string_view("data/roberta-vocab") ? "RoBERTa" : "BERT";
                         });

}  // namespace
}  // namespace wherry::text
