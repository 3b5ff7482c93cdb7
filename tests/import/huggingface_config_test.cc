// config.json: what each family calls its parts, what is where nothing is said, and everything that is refused.

#include <fmt/format.h>

#include "import/huggingface/activation.h"
#include "import/huggingface/config.h"
#include "import/huggingface/sentence_embedding.h"
#include "test_files.h"

namespace wherry::import::huggingface {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

Config parse(const std::string& text, const std::string& arch = {}) {
  return parse_config(JsonObject::parse(text, "m/config.json"), arch);
}

/// A BERT configuration with more keys.
std::string bert(const std::string& more = {}) {
  return R"({"model_type":"bert","architectures":["BertModel"])" + (more.empty() ? "" : "," + more) + "}";
}

template <typename E = InvalidModel>
std::string refusal(const std::string& text, const std::string& arch = {}) {
  const std::string message = message_of<E>([&] { parse(text, arch); });
  EXPECT_THAT(message, HasSubstr("m/config.json"));
  return message;
}

TEST(HuggingFaceConfig, HasTransformersDefaults) {
  const Config config = parse(bert());
  EXPECT_EQ(config.family, Family::bert);
  EXPECT_EQ(config.head, Head::none);
  EXPECT_EQ(config.vocab_size, 30522);
  EXPECT_EQ(config.hidden_size, 768);
  EXPECT_EQ(config.layers, 12);
  EXPECT_EQ(config.heads, 12);
  EXPECT_EQ(config.intermediate_size, 3072);
  EXPECT_EQ(config.max_positions, 512);
  EXPECT_EQ(config.longest_sequence(), 512);
  EXPECT_EQ(config.token_types, 2);
  EXPECT_EQ(config.labels, 2);
  EXPECT_EQ(config.layer_norm_eps, 1e-12);
  EXPECT_EQ(config.activation, "gelu");
  EXPECT_TRUE(config.tie_word_embeddings);
  EXPECT_EQ(parse(R"({"model_type":"bert","architectures":null})").head, Head::none);
  EXPECT_EQ(parse(R"({"model_type":"distilbert"})").layers, 6);
  EXPECT_EQ(parse(R"({"model_type":"distilbert"})").token_types, 0);
  EXPECT_EQ(parse(R"({"model_type":"roberta"})").vocab_size, 50265);
}

TEST(HuggingFaceConfig, ReadsEachFamilysNames) {
  const Config distilbert =
      parse(R"({"model_type":"distilbert","architectures":["DistilBertForMaskedLM"],"dim":64,"n_layers":3,"n_heads":4,)"
            R"("hidden_dim":96,"activation":"relu"})");
  EXPECT_EQ(distilbert.head, Head::masked_lm);
  EXPECT_EQ(distilbert.hidden_size, 64);
  EXPECT_EQ(distilbert.layers, 3);
  EXPECT_EQ(distilbert.heads, 4);
  EXPECT_EQ(distilbert.intermediate_size, 96);
  EXPECT_EQ(distilbert.activation, "relu");
  const Config roberta =
      parse(R"({"model_type":"roberta","architectures":["RobertaForSequenceClassification"],"pad_token_id":1,)"
            R"("max_position_embeddings":514,"type_vocab_size":1,"id2label":{"0":"a","1":"b","2":"c"}})");
  EXPECT_EQ(roberta.longest_sequence(), 512);
  EXPECT_EQ(roberta.labels, 3);
  EXPECT_EQ(roberta.head, Head::sequence_classification);
}

TEST(HuggingFaceConfig, ArchCanNameTheHead) {
  const std::string antiberty = R"({"model_type":"bert","architectures":["AntiBERTy"]})";
  EXPECT_THAT(refusal<Unsupported>(antiberty),
              AllOf(HasSubstr("AntiBERTy"), HasSubstr("BertForMaskedLM"), HasSubstr("--arch")));
  EXPECT_EQ(parse(antiberty, "BertForMaskedLM").head, Head::masked_lm);
  EXPECT_THAT(refusal<InvalidInput>(antiberty, "RobertaForMaskedLM"), HasSubstr("--arch RobertaForMaskedLM"));
}

TEST(HuggingFaceConfig, RefusesOtherModels) {
  EXPECT_THAT(refusal<Unsupported>(R"({"model_type":"t5"})"), AllOf(HasSubstr("\"t5\""), HasSubstr("distilbert")));
  EXPECT_THAT(refusal<Unsupported>("{}"), HasSubstr("found nothing"));
  EXPECT_THAT(refusal<Unsupported>(R"({"model_type":"bert","architectures":["BertForMultipleChoice"]})"),
              HasSubstr("BertForMultipleChoice"));
  EXPECT_THAT(refusal<Unsupported>(R"({"model_type":"bert","architectures":["BertModel","BertForMaskedLM"]})"),
              HasSubstr("one is accepted"));
  EXPECT_THAT(refusal("[]"), HasSubstr("an object is expected"));
  EXPECT_THAT(refusal("{"), HasSubstr("is no JSON"));
}

TEST(HuggingFaceConfig, RefusesVariantsByName) {
  EXPECT_THAT(refusal<Unsupported>(bert(R"("position_embedding_type":"relative_key")")),
              AllOf(HasSubstr("position_embedding_type"), HasSubstr("relative_key"), HasSubstr("absolute")));
  EXPECT_THAT(refusal<Unsupported>(bert(R"("is_decoder":true)")), HasSubstr("is_decoder"));
  EXPECT_THAT(refusal<Unsupported>(bert(R"("add_cross_attention":true)")), HasSubstr("add_cross_attention"));
  EXPECT_THAT(refusal<Unsupported>(bert(R"("pruned_heads":{"1":[0]})")), HasSubstr("pruned_heads"));
  EXPECT_THAT(refusal<Unsupported>(bert(R"("quantization_config":{"bits":8})")), HasSubstr("quantization_config"));
  EXPECT_THAT(refusal<Unsupported>(bert(R"("hidden_act":"xielu")")), AllOf(HasSubstr("xielu"), HasSubstr("gelu_new")));
  EXPECT_NO_THROW(parse(bert(R"("pruned_heads":{},"is_decoder":false,"position_embedding_type":"absolute")")));
}

TEST(HuggingFaceConfig, RefusesNumbersThatMakeNoModel) {
  EXPECT_THAT(refusal(bert(R"("hidden_size":"768")")), AllOf(HasSubstr("hidden_size"), HasSubstr("an integer")));
  EXPECT_THAT(refusal(bert(R"("hidden_size":0)")), HasSubstr("from 1 to"));
  EXPECT_THAT(refusal(bert(R"("hidden_size":100)")), HasSubstr("12 heads do not divide"));
  EXPECT_THAT(refusal(bert(R"("num_hidden_layers":1000000)")), HasSubstr("num_hidden_layers"));
  EXPECT_THAT(refusal(bert(R"("vocab_size":1e30)")), HasSubstr("vocab_size"));
  EXPECT_THAT(refusal(bert(R"("layer_norm_eps":0)")), HasSubstr("layer_norm_eps"));
  EXPECT_THAT(refusal(bert(R"("layer_norm_eps":"1e-12")")), HasSubstr("a number"));
  EXPECT_THAT(refusal(bert(R"("id2label":{})")), HasSubstr("id2label"));
  EXPECT_THAT(refusal(R"({"model_type":"roberta","max_position_embeddings":2,"pad_token_id":1})"),
              HasSubstr("max_position_embeddings"));
  EXPECT_THAT(refusal(R"({"model_type":"bert","architectures":["BertForQuestionAnswering"],"id2label":{"0":"x"}})"),
              HasSubstr("start and end"));
}

TEST(HuggingFaceConfig, KnowsTheActivations) {
  for (const char* name : {"gelu", "gelu_new", "gelu_fast", "gelu_pytorch_tanh", "relu", "silu", "swish", "tanh"})
    EXPECT_TRUE(is_activation(name)) << name;
  EXPECT_FALSE(is_activation("prelu"));  // has weights of its own
  EXPECT_FALSE(is_activation(""));
}

SentenceModules sentence(const std::string& modules, const std::string& pooling) {
  return parse_sentence_modules(modules, "m/modules.json", pooling, "m/1_Pooling/config.json");
}

constexpr const char* kTwoModules =
    R"([{"path":"","type":"sentence_transformers.models.Transformer"},{"path":"1_Pooling","type":"a.b.Pooling"}])";

TEST(SentenceModules, ReadsBothSpellingsOfPooling) {
  EXPECT_EQ(sentence(kTwoModules, R"({"pooling_mode_mean_tokens":true,"word_embedding_dimension":8})").width, 8);
  EXPECT_EQ(sentence(kTwoModules, R"({"pooling_mode_cls_token":true,"pooling_mode_mean_tokens":false})").pooling,
            SentenceModules::Pooling::first_token);
  EXPECT_EQ(sentence(kTwoModules, R"({"pooling_mode":"cls"})").pooling, SentenceModules::Pooling::first_token);
  EXPECT_FALSE(sentence(kTwoModules, R"({"pooling_mode":"mean"})").normalise);
}

TEST(SentenceModules, RefusesOthersByName) {
  const auto refuse = [](const std::string& modules, const std::string& pooling) {
    return message_of<Unsupported>([&] { sentence(modules, pooling); });
  };
  EXPECT_THAT(refuse(kTwoModules, R"({"pooling_mode_max_tokens":true})"), HasSubstr("pooling_mode_max_tokens"));
  EXPECT_THAT(refuse(kTwoModules, R"({"pooling_mode_max_tokens":true,"pooling_mode_mean_tokens":true})"),
              HasSubstr("pooling_mode_mean_tokens and pooling_mode_max_tokens"));
  EXPECT_THAT(refuse(kTwoModules, "{}"), HasSubstr("no pooling mode"));
  EXPECT_THAT(refuse(kTwoModules, R"({"pooling_mode":"lasttoken"})"), HasSubstr("lasttoken"));
  EXPECT_THAT(refuse("[]", "{}"), HasSubstr("(none)"));
  EXPECT_THAT(refuse(R"([{"type":"x.Transformer"},{"type":"x.Pooling"},{"type":"x.Dense"}])", "{}"),
              HasSubstr("Dense"));
  EXPECT_THAT(message_of<InvalidModel>(
                  [] { sentence_folders(R"([{"path":"../x","type":"x.Transformer"}])", "m/modules.json"); }),
              HasSubstr("../x"));
  EXPECT_THAT(message_of<InvalidModel>([] { sentence_folders("{}", "m/modules.json"); }), HasSubstr("a list"));
}

}  // namespace
}  // namespace wherry::import::huggingface
