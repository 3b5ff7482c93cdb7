#include "import/huggingface/model_folder.h"

#include <array>
#include <filesystem>
#include <vector>

#include "base/check.h"
#include "base/mapped_file.h"
#include "import/huggingface/pickled_weights.h"
#include "import/huggingface/sentence_embedding.h"
#include "import/safetensors/safetensors.h"
#include "import/text_record.h"

namespace wherry::import::huggingface {
namespace {

namespace fs = std::filesystem;
using base::fail;
using ArchivePtr = std::shared_ptr<const ZipArchive>;

/// A configuration is a few kilobytes.
constexpr std::size_t kLongestText = std::size_t{16} << 20;

std::string read_text(const fs::path& path) {
  const auto file = base::MappedFile::open(path.string());
  const auto bytes = file->bytes();
  if (bytes.size() > kLongestText)
    fail<InvalidModel>("{}: found {} bytes; at most {} are expected of a configuration", path.string(), bytes.size(),
                       kLongestText);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

ArchivePtr weight_records(const fs::path& folder) {
  const auto safetensors = folder / "model.safetensors";
  const auto index = folder / "model.safetensors.index.json";
  const auto pickled = folder / "pytorch_model.bin";
  if (fs::exists(safetensors)) return safetensors_records(base::MappedFile::open(safetensors.string()));
  if (fs::exists(index)) return sharded_safetensors_records(index.string());
  const auto pickled_index = folder / kPickledIndex;
  if (fs::exists(pickled)) return pickled_records(pickled.string());
  if (fs::exists(pickled_index)) return sharded_pickled_records(pickled_index.string());
  constexpr std::array kForeign = {"tf_model.h5", "flax_model.msgpack", "model.ckpt.index", "model.onnx"};
  std::string found;
  for (const char* name : kForeign)
    if (fs::exists(folder / name)) found += fmt::format("{}{}", found.empty() ? "" : ", ", name);
  fail<InvalidModel>(
      "{}: found {}; model.safetensors or pytorch_model.bin is expected, or the index of either with its shards",
      folder.string(), found.empty() ? "no weights" : found);
}

}  // namespace

bool is_model_folder(const std::string& path) {
  std::error_code error;  // what cannot be looked at is no folder; opening it says why
  return fs::is_directory(path, error) &&
         (fs::exists(fs::path(path) / kConfig, error) || fs::exists(fs::path(path) / kModules, error));
}

std::shared_ptr<const ZipArchive> read_model_folder(const std::string& path) {
  const fs::path folder = path;
  fs::path transformer = folder;
  std::vector<ArchivePtr> parts;
  if (const fs::path modules = folder / kModules; fs::exists(modules)) {
    std::string text = read_text(modules);
    const SentenceFolders folders = sentence_folders(text, modules.string());
    if (!folders.transformer.empty()) transformer = folder / folders.transformer;
    parts.push_back(text_record(path, kModules, std::move(text)));
    parts.push_back(text_record(path, kPooling, read_text(folder / folders.pooling / kConfig)));
  }
  parts.push_back(text_record(path, kConfig, read_text(transformer / kConfig)));
  parts.push_back(weight_records(transformer));
  return ZipArchive::joined(path, parts);
}

}  // namespace wherry::import::huggingface
