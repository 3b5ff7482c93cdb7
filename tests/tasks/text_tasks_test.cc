// Tiny models with random weights against what Hugging Face's pipelines answer for them (make_text_goldens.py), and
// what is said where model, tokenizer and text do not fit each other.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/cpu.h"
#include "tasks/length_batches.h"
#include "tasks/mask_filler.h"
#include "tasks/text_classifier.h"
#include "tasks/text_embedder.h"
#include "tests/temporary_folder.h"
#include "wherry/error.h"

namespace wherry::tasks {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

const fs::path kData = fs::path(WHERRY_SOURCE_DIR) / "tests/tasks/data";
constexpr double kTolerance = 2e-5;

std::string folder(const char* name) { return (kData / name).string(); }

Options fp32() {
  Options options;
  options.precision = Precision::fp32;
  return options;
}

json golden(const char* name) {
  std::ifstream file(kData / "text_goldens.json");
  return json::parse(file).at(name);
}

TextInput input_of(const json& one) {
  TextInput input{one.at("text").get<std::string>(), {}};
  if (one.contains("text_pair")) input.pair = one.at("text_pair").get<std::string>();
  return input;
}

std::vector<const text::Encoding*> pointers(const std::vector<text::Encoding>& encodings) {
  std::vector<const text::Encoding*> result;
  for (const auto& encoding : encodings) result.push_back(&encoding);
  return result;
}

/// A copy of one of the folders, to damage.
class Damaged : public TemporaryFolder {
 public:
  explicit Damaged(const char* name) { fs::copy(kData / name, path(), fs::copy_options::recursive); }
  json config() const {
    std::ifstream file(path("config.json"));
    return json::parse(file);
  }
};

template <typename E, typename Work>
std::string message_of(Work work) {
  try {
    work();
  } catch (const E& error) {
    EXPECT_THAT(error.what(), Not(HasSubstr("\n")));
    return error.what();
  }
  return "accepted";
}

TEST(TextClassifier, AnswersAsThePipeline) {
  const TextClassifier classifier(folder("classifier"), fp32(), {});
  EXPECT_EQ(classifier.model().max_length(), 32);
  for (const char* kind : {"classify", "classify_pairs"}) {
    const json expected = golden(kind);
    std::vector<text::Encoding> encodings;
    int truncated = 0;
    for (const json& one : expected) {
      encodings.push_back(classifier.model().encode(input_of(one)));
      truncated += encodings.back().truncated();
    }
    EXPECT_GE(truncated, 1);
    // All lengths in one batch, so that padding must not matter.
    const auto found = classifier.classify(pointers(encodings), 100);
    ASSERT_EQ(found.size(), expected.size());
    for (std::size_t i = 0; i < found.size(); ++i) {
      ASSERT_EQ(found[i].size(), 3U);
      for (std::size_t k = 0; k < 3; ++k) {
        EXPECT_EQ(found[i][k].label, expected[i]["result"][k]["label"].get<std::string>()) << kind << " " << i;
        EXPECT_NEAR(found[i][k].score, expected[i]["result"][k]["score"], kTolerance) << kind << " " << i;
      }
    }
  }
}

TEST(TextClassifier, ScoresFollowTheProblemType) {
  const Damaged model("classifier");
  const auto scores = [&](const char* type) {
    json config = model.config();
    config["problem_type"] = type;
    model.file("config.json", config.dump());
    const TextClassifier classifier(model.path(), fp32(), {});
    const std::vector<text::Encoding> encodings = {classifier.model().encode({"wherry", {}})};
    std::map<std::string, double> by_label;
    const auto found = classifier.classify(pointers(encodings), 3);
    for (const auto& [label, score] : found.at(0)) by_label[label] = score;
    return by_label;
  };
  auto raw = scores("regression"), sigmoid = scores("multi_label_classification");
  auto softmax = scores("single_label_classification");
  ASSERT_EQ(raw.size(), 3U);
  double sum = 0;
  for (const auto& [label, logit] : raw) {
    EXPECT_NEAR(sigmoid[label], 1 / (1 + std::exp(-logit)), 1e-6);
    sum += std::exp(logit);
  }
  for (const auto& [label, logit] : raw) EXPECT_NEAR(softmax[label], std::exp(logit) / sum, 1e-6);
}

TEST(MaskFiller, AnswersAsThePipeline) {
  const MaskFiller filler(folder("filler"), fp32(), {});
  EXPECT_EQ(filler.mask(), "<mask>");
  EXPECT_EQ(filler.model().max_length(), 46);  // 48 positions, of which RoBERTa's first two are no text's
  const json expected = golden("fill");
  std::vector<text::Encoding> encodings;
  for (const json& one : expected) encodings.push_back(filler.encode(input_of(one)));
  const auto found = filler.fill(pointers(encodings), 4);
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    json lists = expected[i]["result"];
    if (lists.front().is_object()) lists = json::array({lists});  // the pipeline's form for one mask
    ASSERT_EQ(found[i].size(), lists.size());
    for (std::size_t mask = 0; mask < lists.size(); ++mask) {
      ASSERT_EQ(found[i][mask].size(), 4U);
      for (std::size_t k = 0; k < 4; ++k) {
        EXPECT_EQ(found[i][mask][k].token, lists[mask][k]["token"].get<std::int64_t>());
        EXPECT_EQ(found[i][mask][k].token_str, lists[mask][k]["token_str"].get<std::string>());
        EXPECT_EQ(found[i][mask][k].sequence, lists[mask][k]["sequence"].get<std::string>());
        EXPECT_NEAR(found[i][mask][k].score, lists[mask][k]["score"], kTolerance);
      }
    }
  }
}

class Places : public ::testing::TestWithParam<Precision> {};

TEST_P(Places, AreRowsOfAllLogits) {
  if (GetParam() == Precision::bf16 && !base::has_bf16(base::selected_isa()))
    GTEST_SKIP() << "SKIPPED: this machine multiplies no bf16 numbers";
  Options options;
  options.precision = GetParam();
  const TextModel model(folder("filler"), options, {});
  ASSERT_TRUE(model.takes_positions());
  // Unequal lengths, so that a place is not where it would be without padding.
  const std::vector<text::Encoding> encodings = {model.encode({"a <mask> b", {}}),
                                                 model.encode({"the <mask> of a longer <mask> text", {}})};
  ASSERT_NE(encodings[0].ids.size(), encodings[1].ids.size());
  const std::vector<TokenPlace> places = {{0, 2}, {1, 0}, {1, 5}};
  const TextOutputs whole = model.run(pointers(encodings)), some = model.run(pointers(encodings), places);
  EXPECT_EQ(some.rows, 4);  // rounded up: the number is part of a plan's shape
  const Tensor all = model.output(whole, "logits", 3), rows = model.output(some, "logits", 2);
  const auto words = static_cast<std::size_t>(all.sizes()[2]);
  ASSERT_EQ(rows.sizes(), (Dims{4, all.sizes()[2]}));
  for (std::size_t i = 0; i < places.size(); ++i) {
    const std::size_t row = places[i].text * static_cast<std::size_t>(whole.sequence) + places[i].token;
    for (std::size_t word = 0; word < words; ++word)
      ASSERT_NEAR(rows.values<float>()[i * words + word], all.values<float>()[row * words + word], kTolerance) << i;
  }
}

INSTANTIATE_TEST_SUITE_P(TextModel, Places, ::testing::Values(Precision::fp32, Precision::bf16),
                         [](const auto& parameter) { return std::string(name_of(parameter.param)); });

TEST(MaskFiller, TextsWithoutAMaskAreRefused) {
  const MaskFiller filler(folder("filler"), fp32(), {});
  EXPECT_THAT(message_of<InvalidInput>([&] { filler.encode({"nothing is missing", {}}); }),
              HasSubstr("the text has no <mask>; one at least is expected"));
  std::string late;
  for (int i = 0; i < 60; ++i) late += "word ";
  EXPECT_THAT(message_of<InvalidInput>([&] { filler.encode({late + "<mask>", {}}); }),
              HasSubstr("no <mask> within its first 46 tokens"));
}

TEST(TextEmbedder, PoolsAsSentenceTransformers) {
  const TextEmbedder embedder(folder("embedder"), fp32(), {}, false);
  EXPECT_EQ(embedder.model().max_length(), 12);  // sentence_bert_config.json's, below the 48 positions
  const json expected = golden("embed");
  std::vector<text::Encoding> encodings;
  for (const json& one : expected) encodings.push_back(embedder.model().encode(input_of(one)));
  const auto found = embedder.embed(pointers(encodings));
  for (std::size_t i = 0; i < expected.size(); ++i) {
    ASSERT_EQ(found[i].size(), 8U);
    for (std::size_t k = 0; k < 8; ++k) EXPECT_NEAR(found[i][k], expected[i]["result"][k], kTolerance) << i;
  }

  // Without modules.json the model returns hidden states, and the mean over a text's own tokens is ours to take.
  const Damaged bare("embedder");
  fs::remove(fs::path(bare.path()) / "modules.json");
  TextOptions short_texts;
  short_texts.max_length = 12;
  const TextEmbedder pooling(bare.path(), fp32(), short_texts, true);
  const auto pooled = pooling.embed(pointers(encodings));
  for (std::size_t i = 0; i < expected.size(); ++i)
    for (std::size_t k = 0; k < 8; ++k) EXPECT_NEAR(pooled[i][k], expected[i]["result"][k], kTolerance) << i;
}

TEST(TextModel, TextsThatCannotBeUsed) {
  TextOptions strict;
  strict.truncate = false;
  const TextModel model(folder("classifier"), fp32(), strict);
  std::string longer;
  for (int i = 0; i < 40; ++i) longer += "the ";
  EXPECT_THAT(message_of<InvalidInput>([&] { model.encode({longer, {}}); }),
              HasSubstr("the text has 42 tokens; the model takes at most 32"));
  EXPECT_THAT(message_of<InvalidInput>([&] { model.encode({" \t", {}}); }), HasSubstr("the text is empty"));
  EXPECT_THAT(message_of<InvalidInput>([&] { model.encode({"a", ""}); }), HasSubstr("the text is empty"));
  EXPECT_THAT(message_of<InvalidInput>([&] { model.encode({"a\xff", {}}); }), HasSubstr("no UTF-8"));
  TextOptions too_long;
  too_long.max_length = 49;
  EXPECT_THAT(message_of<InvalidInput>([&] { TextModel(folder("classifier"), fp32(), too_long); }),
              HasSubstr("a limit of 49 tokens; the model takes texts of at most 48"));
}

TEST(TextModel, FilesThatDisagree) {
  EXPECT_THAT(message_of<InvalidInput>([&] { TextModel("/nowhere", fp32(), {}); }),
              HasSubstr("/nowhere: found no such"));
  {
    const Damaged model("classifier");
    fs::remove(fs::path(model.path()) / "vocab.txt");
    EXPECT_THAT(message_of<InvalidInput>([&] { TextModel(model.path(), fp32(), {}); }), HasSubstr("vocab.txt"));
  }
  {
    const Damaged model("classifier");
    std::ofstream(fs::path(model.path()) / "vocab.txt", std::ios::app) << "one\nmore\n";
    EXPECT_THAT(message_of<InvalidModel>([&] { TextModel(model.path(), fp32(), {}); }),
                AllOf(HasSubstr("tokens up to id 601"), HasSubstr("600"), HasSubstr("vocab_size")));
  }
  {
    const Damaged model("classifier");
    model.file("config.json", "{");
    EXPECT_THAT(message_of<InvalidModel>([&] { TextModel(model.path(), fp32(), {}); }), HasSubstr("config.json"));
  }
  {
    const Damaged model("classifier");  // BERT's vocabulary without its mask
    std::ifstream file(kData / "classifier/vocab.txt");
    std::string vocabulary((std::istreambuf_iterator<char>(file)), {});
    vocabulary.replace(vocabulary.find("[MASK]"), 6, "[NONE]");
    model.file("vocab.txt", vocabulary);
    EXPECT_THAT(message_of<InvalidModel>([&] { MaskFiller(model.path(), fp32(), {}); }), HasSubstr("no mask token"));
  }
  const MaskFiller filler(folder("classifier"), fp32(), {});
  const std::vector<text::Encoding> encodings = {filler.encode({"[MASK]", {}})};
  EXPECT_THAT(message_of<InvalidModel>([&] { filler.fill(pointers(encodings), 1); }),
              HasSubstr("gives 3 scores; one for each token up to id 599"));
}

class Sst2 : public ::testing::TestWithParam<Precision> {};

// Sanitizers make all of them take 8 minutes without AVX-512.
#if defined(WHERRY_SANITIZER)
constexpr std::size_t kSentences = 80;
#else
constexpr std::size_t kSentences = 872;
#endif

TEST_P(Sst2, TheLabelsOfTransformers) {
  const fs::path shared = fs::path(WHERRY_SOURCE_DIR) / "../shared";
  const fs::path model = shared / "models/distilbert-sst2", sentences = shared / "data/sst2/validation.tsv";
  if (!fs::exists(model) || !fs::exists(sentences)) GTEST_SKIP() << "SKIPPED: no " << model << " or no " << sentences;
  if (GetParam() == Precision::bf16 && !base::has_bf16(base::selected_isa()))
    GTEST_SKIP() << "SKIPPED: this machine multiplies no bf16 numbers";
  Options options;
  options.precision = GetParam();
  const TextClassifier classifier(model.string(), options, {});
  std::ifstream file(sentences);
  std::string row, ours, truth;
  std::getline(file, row);  // the columns' names
  std::vector<text::Encoding> encodings;
  std::vector<std::size_t> lengths;
  while (encodings.size() < kSentences && std::getline(file, row)) {
    encodings.push_back(classifier.model().encode({row.substr(0, row.find('\t')), {}}));
    lengths.push_back(encodings.back().ids.size());
    truth += row.back();
  }
  ours.resize(encodings.size());
  for (const auto& batch : packs_of(lengths, 2000)) {  // rows of kPackedTokens are packed of each
    std::vector<const text::Encoding*> texts;
    for (const std::size_t index : batch) texts.push_back(&encodings[index]);
    const auto found = classifier.classify(texts, 1);
    for (std::size_t i = 0; i < batch.size(); ++i) ours[batch[i]] = found[i][0].label == "POSITIVE" ? '1' : '0';
  }
  const std::string theirs = golden("sst2");
  ASSERT_EQ(ours.size(), kSentences);
  ASSERT_EQ(theirs.size(), 872U);
  const auto same = [&](const std::string& other) {
    int count = 0;
    for (std::size_t i = 0; i < ours.size(); ++i) count += ours[i] == other[i];
    return count;
  };
  std::cout << "same labels as transformers " << same(theirs) << ", right " << same(truth) << " of " << kSentences
            << "\n";
  EXPECT_GE(same(theirs) + (GetParam() == Precision::bf16 ? 3 : 0), static_cast<int>(kSentences));
}

INSTANTIATE_TEST_SUITE_P(TextClassifier, Sst2, ::testing::Values(Precision::fp32, Precision::bf16),
                         [](const auto& parameter) { return std::string(name_of(parameter.param)); });

TEST(TextModel, PackedTextsAnswerAsAlone) {
  const TextModel model(folder("classifier"), fp32(), {});
  ASSERT_TRUE(model.takes_positions());
  std::vector<text::Encoding> encodings;
  for (const char* text : {"a", "the runs of a longer text", "wherry", "one more text, longer than the others by far"})
    encodings.push_back(model.encode({text, {}}));
  encodings.push_back(model.encode({"first of two", "second"}));  // token types
  const TextOutputs packed = model.run_packed(pointers(encodings));
  EXPECT_EQ(packed.rows, 8);
  const Tensor rows = model.output(packed, "logits", 2);
  for (std::size_t i = 0; i < encodings.size(); ++i) {
    const Tensor alone = model.output(model.run(std::vector{&std::as_const(encodings[i])}), "logits", 2);
    for (std::size_t k = 0; k < 3; ++k)
      EXPECT_NEAR(rows.values<float>()[i * 3 + k], alone.values<float>()[k], kTolerance) << i;
  }
}

/// Of the same texts, as often in each row as fill it with others, and alone.
template <typename Task>
void expect_same_packed_and_alone(const Task& task, const TextModel& model, std::initializer_list<const char*> texts) {
  std::vector<text::Encoding> encodings;
  std::size_t tokens = 0;
  while (tokens < 2 * TextModel::kPackedTokens)
    for (const char* text : texts) {
      encodings.push_back(model.encode({text, {}}));
      tokens += encodings.back().ids.size();
    }
  const auto all = pointers(encodings);
  EXPECT_GT(model.parts(all).size(), 2U);
  const auto together = task(all);
  ASSERT_EQ(together.size(), encodings.size());
  for (std::size_t i = 0; i < encodings.size(); ++i) {
    const std::vector<float> alone = task({all[i]}).at(0);
    ASSERT_EQ(together[i].size(), alone.size());
    for (std::size_t k = 0; k < alone.size(); ++k) ASSERT_NEAR(together[i][k], alone[k], kTolerance) << i << " " << k;
  }
}

TEST(MaskFiller, PackedTextsAnswerAsAlone) {
  const MaskFiller filler(folder("filler"), fp32(), {});
  const auto scores = [&](const std::vector<const text::Encoding*>& texts) {
    std::vector<std::vector<float>> result;
    for (const Fillings& masks : filler.fill(texts, 3)) {
      std::vector<float>& numbers = result.emplace_back();
      for (const auto& mask : masks)
        for (const Filling& one : mask) numbers.insert(numbers.end(), {one.score, static_cast<float>(one.token)});
    }
    return result;
  };
  expect_same_packed_and_alone(scores, filler.model(),
                               {"a <mask>", "<mask> the runs of a longer <mask> text <mask>", "wherry <mask> wherry"});
}

TEST(TextEmbedder, PackedTextsAnswerAsAlone) {
  for (const char* pooling : {"pooling_mode_mean_tokens", "pooling_mode_cls_token"}) {
    const Damaged model("embedder");
    model.file("1_Pooling/config.json", json{{pooling, true}}.dump());
    const TextEmbedder embedder(model.path(), fp32(), {}, false);
    ASSERT_TRUE(embedder.model().takes_positions());
    const auto vectors = [&](const std::vector<const text::Encoding*>& texts) { return embedder.embed(texts); };
    expect_same_packed_and_alone(vectors, embedder.model(), {"a", "the runs of a longer text", "wherry, wherry"});
  }
}

TEST(LengthBatches, PacksAreFilledWithTheLongestThatFit) {
  const std::size_t lengths[] = {3, 9, 3, 7, 1, 12};
  EXPECT_THAT(packs_of(lengths, 10), ElementsAre(ElementsAre(5), ElementsAre(1, 4), ElementsAre(3, 0), ElementsAre(2)));
  EXPECT_THAT(packs_of({}, 10), ElementsAre());
}

TEST(LengthBatches, LikeLengthsTogetherLongestFirst) {
  const std::size_t lengths[] = {3, 9, 3, 7, 1};
  EXPECT_THAT(batches_by_length(lengths, 2), ElementsAre(ElementsAre(1, 3), ElementsAre(0, 2), ElementsAre(4)));
  EXPECT_THAT(batches_by_length({}, 2), ElementsAre());
  EXPECT_THAT(batches_by_length(lengths, 9), ElementsAre(ElementsAre(1, 3, 0, 2, 4)));
}

}  // namespace
}  // namespace wherry::tasks
