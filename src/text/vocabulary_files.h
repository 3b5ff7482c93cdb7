#pragma once
// The vocabularies of BERT and RoBERTa from before tokenizer.json, written as a tokenizer.json: so there is one way to
// make a tokenizer, and one place that knows what these files leave unsaid.

#include <string>

#include "text/tokenizer_config.h"

namespace wherry::text {

/// vocab.txt, one token a line, as Hugging Face's BertTokenizer reads it. Throws InvalidModel where it lacks a token
/// that every text needs, or `config` names another kind of tokenizer.
std::string word_piece_json(const std::string& vocabulary, const TokenizerConfig& config);

/// vocab.json and merges.txt as its RobertaTokenizer reads them. Throws as word_piece_json, InvalidInput where
/// merges.txt is missing.
std::string byte_level_bpe_json(const std::string& vocabulary, const std::string& merges,
                                const TokenizerConfig& config);

}  // namespace wherry::text
