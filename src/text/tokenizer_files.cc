// Looks for the files in the order in which Hugging Face's loader prefers them.

#include "text/tokenizer_files.h"

#include <filesystem>

#include "base/check.h"
#include "base/mapped_file.h"
#include "text/tokenizer_config.h"
#include "text/vocabulary_files.h"

namespace wherry::text {

using base::fail;
namespace fs = std::filesystem;

std::string_view TokenizerFiles::json() const {
  if (file == nullptr) return made;
  return {reinterpret_cast<const char*>(file->bytes().data()), file->bytes().size()};
}

TokenizerFiles read_tokenizer_files(const std::string& folder) {
  const auto path = [&](const char* name) { return (fs::path(folder) / name).string(); };
  if (!fs::is_directory(folder))
    fail<InvalidInput>(
        "{}: is no folder; a model's folder with tokenizer.json, vocab.txt, or vocab.json and merges.txt "
        "is expected",
        folder);
  const TokenizerConfig config = read_tokenizer_config(folder);

  TokenizerFiles files;
  if (fs::exists(path("tokenizer.json"))) {
    files.name = path("tokenizer.json");
    files.file = base::MappedFile::open(files.name);
  } else if (fs::exists(path("vocab.txt"))) {
    files.name = path("vocab.txt");
    files.made = word_piece_json(files.name, config);
  } else if (fs::exists(path("vocab.json"))) {
    files.name = path("vocab.json");
    files.made = byte_level_bpe_json(files.name, path("merges.txt"), config);
  } else {
    fail<InvalidInput>(
        "{}: found neither tokenizer.json nor vocab.txt nor vocab.json with merges.txt; one of them is "
        "expected beside the model",
        folder);
  }
  const auto role = [&](const char* name) {
    const auto found = config.roles.find(name);
    return found == config.roles.end() ? std::string() : found->second.content;
  };
  files.special = {.unk = role("unk_token"),
                   .sep = role("sep_token"),
                   .pad = role("pad_token"),
                   .cls = role("cls_token"),
                   .mask = role("mask_token")};
  files.model_max_length = config.model_max_length;
  files.truncate_left = config.truncate_left;
  return files;
}

}  // namespace wherry::text
