// Folders as people have them: incomplete, mixed up, or with weights that are not the configuration's. That sound ones
// answer as transformers does is tests/golden's business.

#include <fmt/format.h>

#include <map>

#include "import/model_source.h"
#include "test_files.h"
#include "tests/temporary_folder.h"

namespace wherry::import {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

namespace fs = std::filesystem;

/// A BERT of one layer, 4 wide, with 6 words.
constexpr const char* kConfig =
    R"({"model_type":"bert","architectures":["BertForMaskedLM"],"vocab_size":6,"hidden_size":4,"num_hidden_layers":1,)"
    R"("num_attention_heads":2,"intermediate_size":8,"max_position_embeddings":5,"type_vocab_size":2})";

using Sizes = std::map<std::string, Dims>;

Sizes tensors_of_the_model() {
  Sizes sizes = {{"bert.embeddings.word_embeddings.weight", {6, 4}},
                 {"bert.embeddings.position_embeddings.weight", {5, 4}},
                 {"bert.embeddings.token_type_embeddings.weight", {2, 4}},
                 {"cls.predictions.bias", {6}}};
  const auto add = [&](const std::string& path, Dims weight, std::int64_t bias) {
    sizes[path + ".weight"] = std::move(weight);
    sizes[path + ".bias"] = {bias};
  };
  const std::string layer = "bert.encoder.layer.0.";
  for (const char* part : {"query", "key", "value"}) add(layer + "attention.self." + part, {4, 4}, 4);
  add(layer + "attention.output.dense", {4, 4}, 4);
  add(layer + "intermediate.dense", {8, 4}, 8);
  add(layer + "output.dense", {4, 8}, 4);
  add("cls.predictions.transform.dense", {4, 4}, 4);
  for (const std::string& norm : {std::string("bert.embeddings."), layer + "attention.output.", layer + "output.",
                                  std::string("cls.predictions.transform.")})
    add(norm + "LayerNorm", {4}, 4);
  return sizes;
}

std::string safetensors_of(const Sizes& tensors) {
  std::string header = "{";
  std::size_t at = 0;
  for (const auto& [name, sizes] : tensors) {
    const std::size_t bytes = static_cast<std::size_t>(element_count(sizes)) * sizeof(float);
    header += fmt::format(R"({}"{}":{{"dtype":"F32","shape":{},"data_offsets":[{},{}]}})", at ? "," : "", name,
                          to_string(sizes), at, at + bytes);
    at += bytes;
  }
  header += "}";
  const std::uint64_t length = header.size();
  return std::string(reinterpret_cast<const char*>(&length), sizeof(length)) + header + std::string(at, '\0');
}

class HuggingFaceFolder : public ::testing::Test {
 protected:
  HuggingFaceFolder() {
    write("config.json", kConfig);
    write("model.safetensors", safetensors_of(tensors_of_the_model()));
  }

  void write(const std::string& name, const std::string& content) { temporary_.file(name, content); }
  std::unique_ptr<ModelSource> open(const std::string& arch = {}) { return open_model(folder_.string(), arch); }
  template <typename E = InvalidModel>
  std::string refusal(const std::string& arch = {}) {
    const std::string message = message_of<E>([&] { open(arch); });
    EXPECT_THAT(message, HasSubstr(folder_.filename().string()));
    return message;
  }

  const TemporaryFolder temporary_;
  const fs::path folder_ = temporary_.path();
};

ir::TensorType tokens(std::int64_t batch, std::int64_t sequence) { return {DType::i64, {batch, sequence}, {}}; }

TEST_F(HuggingFaceFolder, DescribesItself) {
  const ModelInfo info = open()->describe();
  EXPECT_EQ(info.format, "Hugging Face (BertForMaskedLM)");
  ASSERT_EQ(info.inputs.size(), 5u);
  EXPECT_EQ(info.inputs[0].name, "input_ids");
  EXPECT_EQ(info.inputs[0].values, 6);
  EXPECT_EQ(info.inputs[0].fallback, std::nullopt);
  EXPECT_EQ(info.inputs[1].name, "attention_mask");
  EXPECT_EQ(info.inputs[1].fallback, 1);
  EXPECT_EQ(info.inputs[2].name, "token_type_ids");
  EXPECT_EQ(info.inputs[2].values, 2);
  EXPECT_EQ(info.inputs[3].name, "positions");
  EXPECT_EQ(info.inputs[3].fallback, std::nullopt);
  EXPECT_TRUE(info.inputs[3].optional);
  EXPECT_EQ(info.inputs[4].name, "position_ids");
  EXPECT_EQ(info.inputs[4].values, 5);
  EXPECT_TRUE(info.inputs[4].optional);
  std::int64_t count = 0;
  for (const auto& [name, sizes] : tensors_of_the_model()) count += element_count(sizes);
  EXPECT_EQ(info.parameter_count, count);  // the decoder is the word embeddings, counted once
  EXPECT_EQ(info.parameter_bytes, 4 * count);
}

TEST_F(HuggingFaceFolder, GraphHasTheInputsThatAreGiven) {
  const auto source = open();
  for (std::size_t given = 1; given <= 3; ++given) {
    const std::vector<ir::TensorType> types(given, tokens(2, 3));
    const ir::Graph graph = source->graph(types);
    EXPECT_EQ(graph.inputs().size(), given);
    EXPECT_THAT(graph.output_names(), ElementsAre("logits"));
    EXPECT_EQ(graph.outputs()[0]->type().sizes, (Dims{2, 3, 6}));
  }
}

TEST_F(HuggingFaceFolder, PositionsAreAllThatTheVocabularyIsScoredAt) {
  const auto source = open();
  const ir::TensorType positions{DType::i64, {4}, {}};
  const ir::Graph graph = source->graph(std::vector{tokens(2, 3), tokens(2, 3), tokens(2, 3), positions});
  EXPECT_EQ(graph.inputs().back()->name(), "positions");
  EXPECT_EQ(graph.outputs()[0]->type().sizes, (Dims{4, 6}));
}

TEST_F(HuggingFaceFolder, RefusesInputsThatDoNotFit) {
  const auto source = open();
  const auto refuse = [&](std::vector<ir::TensorType> types) {
    return message_of<InvalidInput>([&] { source->graph(types); });
  };
  EXPECT_THAT(refuse({}), HasSubstr("1 to 5"));
  const std::vector<ir::TensorType> three(3, tokens(1, 5));
  EXPECT_THAT(refuse({three[0], three[1], three[2], tokens(1, 5)}),
              AllOf(HasSubstr("positions of type int64[count]"), HasSubstr("[1, 5]")));
  EXPECT_THAT(refuse({three[0], three[1], three[2], {DType::i64, {0}, {}}}), HasSubstr("int64[count]"));
  EXPECT_THAT(refuse({tokens(1, 6)}), AllOf(HasSubstr("5 tokens"), HasSubstr("6 was given")));
  EXPECT_THAT(refuse({tokens(1, 0)}), HasSubstr("[batch, sequence]"));
  EXPECT_THAT(refuse({{DType::i64, {5}, {}}}), HasSubstr("[batch, sequence]"));
  EXPECT_THAT(refuse({{DType::f32, {1, 5}, {}}}), HasSubstr("int64"));
  EXPECT_THAT(refuse({tokens(1, 5), tokens(1, 4)}), HasSubstr("one shape"));
}

TEST_F(HuggingFaceFolder, ArchReadsTheSameWeightsAsAnotherModel) {
  EXPECT_EQ(open("BertModel")->describe().format, "Hugging Face (BertModel)");
  const ir::Graph graph = open("BertModel")->graph(std::vector{tokens(1, 2)});
  EXPECT_THAT(graph.output_names(), ElementsAre("last_hidden_state"));  // the file has no pooler
  EXPECT_THAT(refusal("BertForSequenceClassification"),
              AllOf(HasSubstr("do not fit BertForSequenceClassification"), HasSubstr("4 missing"),
                    HasSubstr("bert.pooler.dense.weight"), HasSubstr("classifier.bias")));
}

TEST_F(HuggingFaceFolder, BareEncodersHaveNoPrefix) {
  Sizes bare;
  for (const auto& [name, sizes] : tensors_of_the_model())
    if (name.starts_with("bert.")) bare[name.substr(5)] = sizes;
  write("model.safetensors", safetensors_of(bare));
  EXPECT_NO_THROW(open("BertModel"));
  EXPECT_THAT(refusal(), HasSubstr("cls.predictions.bias"));
}

TEST_F(HuggingFaceFolder, ReportsAllDifferencesAtOnce) {
  Sizes tensors = tensors_of_the_model();
  tensors.erase("bert.encoder.layer.0.attention.self.key.bias");
  tensors["bert.embeddings.word_embeddings.weight"] = {7, 4};
  tensors["bert.encoder.layer.0.output.dense.weight"] = {8, 4};
  write("model.safetensors", safetensors_of(tensors));
  EXPECT_THAT(refusal(), AllOf(HasSubstr("1 missing (bert.encoder.layer.0.attention.self.key.bias)"),
                               HasSubstr("word_embeddings.weight float32[7, 4], expected float32[6, 4]"),
                               HasSubstr("output.dense.weight float32[8, 4], expected float32[4, 8]")));
}

TEST_F(HuggingFaceFolder, IgnoresWhatItDoesNotNeed) {
  Sizes tensors = tensors_of_the_model();
  tensors["bert.pooler.dense.weight"] = {4, 4};
  tensors["cls.seq_relationship.weight"] = {2, 4};
  write("model.safetensors", safetensors_of(tensors));
  EXPECT_NO_THROW(open());
}

TEST_F(HuggingFaceFolder, UntiedDecodersAreRead) {
  std::string config = kConfig;
  config.insert(1, R"("tie_word_embeddings":false,)");
  write("config.json", config);
  EXPECT_THAT(refusal(), HasSubstr("cls.predictions.decoder.weight"));
  Sizes tensors = tensors_of_the_model();
  tensors["cls.predictions.decoder.weight"] = {6, 4};
  tensors.erase("cls.predictions.bias");
  tensors["cls.predictions.decoder.bias"] = {6};
  write("model.safetensors", safetensors_of(tensors));
  EXPECT_NO_THROW(open());
}

TEST_F(HuggingFaceFolder, SaysWhichWeightsItLooksFor) {
  fs::remove(folder_ / "model.safetensors");
  EXPECT_THAT(refusal(), AllOf(HasSubstr("found no weights"), HasSubstr("pytorch_model.bin")));
  write("tf_model.h5", "x");
  EXPECT_THAT(refusal(), HasSubstr("found tf_model.h5"));
  write("pytorch_model.bin", "version https://git-lfs.github.com/spec/v1\n");
  EXPECT_THAT(refusal(), HasSubstr("git lfs pull"));
  write("pytorch_model.bin", "");
  EXPECT_THAT(refusal(), HasSubstr("an empty file"));
}

TEST_F(HuggingFaceFolder, ReadsSentenceTransformers) {
  write("modules.json",
        R"([{"path":"","type":"sentence_transformers.models.Transformer"},{"path":"1_Pooling","type":"x.Pooling"},)"
        R"({"path":"2_Normalize","type":"x.Normalize"}])");
  EXPECT_THAT(refusal<InvalidInput>(), HasSubstr("1_Pooling/config.json"));
  write("1_Pooling/config.json", R"({"pooling_mode_mean_tokens":true,"word_embedding_dimension":4})");
  const auto source = open();
  EXPECT_EQ(source->describe().format, "Hugging Face (sentence embedding, BertForMaskedLM)");
  const ir::Graph graph = source->graph(std::vector{tokens(2, 3), tokens(2, 3)});
  EXPECT_THAT(graph.output_names(), ElementsAre("sentence_embedding"));
  EXPECT_EQ(graph.outputs()[0]->type().sizes, (Dims{2, 4}));
  // By its class, the folder is the transformer in it.
  EXPECT_THAT(open("BertForMaskedLM")->graph(std::vector{tokens(1, 1)}).output_names(), ElementsAre("logits"));
  write("1_Pooling/config.json", R"({"pooling_mode_mean_tokens":true,"word_embedding_dimension":5})");
  EXPECT_THAT(refusal(), AllOf(HasSubstr("pools 5 numbers"), HasSubstr("has 4")));
}

TEST_F(HuggingFaceFolder, ReadsTheTransformersOwnFolder) {
  fs::create_directories(folder_ / "0_Transformer");
  for (const char* name : {"config.json", "model.safetensors"})
    fs::rename(folder_ / name, folder_ / "0_Transformer" / name);
  write("modules.json", R"([{"path":"0_Transformer","type":"x.Transformer"},{"path":"1_Pooling","type":"x.Pooling"}])");
  write("1_Pooling/config.json", R"({"pooling_mode":"cls"})");
  EXPECT_THAT(open()->graph(std::vector{tokens(2, 3)}).output_names(), ElementsAre("sentence_embedding"));
}

TEST_F(HuggingFaceFolder, OtherFoldersAreNoModels) {
  fs::remove(folder_ / "config.json");
  EXPECT_THAT(refusal<InvalidInput>(), AllOf(HasSubstr("is a directory"), HasSubstr("config.json")));
  EXPECT_THAT(message_of<InvalidModel>([&] { open_model((folder_ / "model.safetensors").string()); }),
              AllOf(HasSubstr("a safetensors file"), HasSubstr("folder")));
}

}  // namespace
}  // namespace wherry::import
