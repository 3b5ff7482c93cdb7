// config.json from a task's point of view; the importer reads the same file for the layers.

#include "tasks/text_config.h"

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/check.h"
#include "base/read_json.h"
#include "tasks/labels.h"

namespace wherry::tasks {
namespace {

using base::fail;
using nlohmann::json;
namespace fs = std::filesystem;

std::int64_t count(const json& object, const char* key, std::int64_t otherwise, const fs::path& path) {
  const auto found = object.find(key);
  if (found == object.end() || found->is_null()) return otherwise;
  if (!found->is_number_integer() || found->get<std::int64_t>() < 0)
    fail<InvalidModel>("{}: '{}' is {}; a count is expected", path.string(), key, found->dump());
  return found->get<std::int64_t>();
}

std::string word(const json& object, const char* key, const fs::path& path) {
  const auto found = object.find(key);
  if (found == object.end() || found->is_null()) return "";
  if (!found->is_string())
    fail<InvalidModel>("{}: '{}' is a JSON {}; a string is expected", path.string(), key, found->type_name());
  return found->get<std::string>();
}

}  // namespace

TextConfig read_text_config(const std::string& folder) {
  const fs::path path = fs::path(folder) / "config.json";
  TextConfig config;
  const auto object = base::read_json_object<InvalidModel>(path.string());
  if (!object) return config;
  config.problem_type = word(*object, "problem_type", path);
  config.vocabulary = count(*object, "vocab_size", 0, path);
  config.longest = count(*object, "max_position_embeddings", 0, path);
  const std::string family = word(*object, "model_type", path);
  const bool roberta = family == "roberta" || family == "xlm-roberta" || family == "camembert";
  config.pad_token_id = count(*object, "pad_token_id", roberta ? 1 : 0, path);
  // RoBERTa's positions count from pad_token_id + 1, so the first rows of the table are never a text's.
  if (roberta) config.first_position = config.pad_token_id + 1;
  if (roberta && config.longest > config.pad_token_id + 1) config.longest -= config.pad_token_id + 1;
  if (const auto labels = object->find("id2label"); labels != object->end() && labels->is_object()) {
    try {
      config.labels =
          parse_labels(labels->dump(-1, ' ', false, json::error_handler_t::replace), path.string() + ": id2label");
    } catch (const InvalidInput& error) {
      throw InvalidModel(error.what());
    }
  }
  return config;
}

std::int64_t read_sentence_length(const std::string& folder) {
  const fs::path path = fs::path(folder) / "sentence_bert_config.json";
  const auto object = base::read_json_object<InvalidModel>(path.string());
  return object ? count(*object, "max_seq_length", 0, path) : 0;
}

std::string folder_of_tokenizer(const std::string& folder) {
  const fs::path inner = fs::path(folder) / "0_Transformer";
  return !fs::exists(fs::path(folder) / "config.json") && fs::exists(inner / "config.json") ? inner.string() : folder;
}

}  // namespace wherry::tasks
