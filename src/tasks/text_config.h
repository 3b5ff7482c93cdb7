#pragma once
// The part of a Hugging Face folder that says what a model of text answers with: config.json's labels, problem type and
// positions, and sentence-transformers' limit.

#include <cstdint>
#include <string>
#include <vector>

namespace wherry::tasks {

struct TextConfig {
  std::vector<std::string> labels;  ///< by class, from id2label; empty where it is missing
  std::string problem_type;         ///< "regression", "multi_label_classification", … or empty
  std::int64_t vocabulary = 0;      ///< rows of the table of word embeddings; 0 where it is not said
  std::int64_t longest = 0;         ///< tokens there are positions for; 0 where it is not said
  std::int64_t pad_token_id = 0;
  std::int64_t first_position = 0;  ///< of a text's first token; RoBERTa's come after that of padding
};

/// Reads folder/config.json; all defaults where there is none. Throws InvalidModel where it makes no sense.
TextConfig read_text_config(const std::string& folder);

/// max_seq_length of sentence_bert_config.json: where sentence-transformers cuts a text. 0 where nothing says so.
std::int64_t read_sentence_length(const std::string& folder);

/// The folder itself, or the one inside that sentence-transformers kept tokenizer and config in (0_Transformer).
std::string folder_of_tokenizer(const std::string& folder);

}  // namespace wherry::tasks
