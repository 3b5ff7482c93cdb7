#pragma once
// A model's folder as it is downloaded: which of its files are read, as one archive of records.

#include <memory>
#include <string>
#include <string_view>

#include "import/zip/zip_archive.h"

namespace wherry::import::huggingface {

// Records beside those of the weights (a state dict's, or safetensors').
inline constexpr std::string_view kConfig = "config.json";
inline constexpr std::string_view kModules = "modules.json";
inline constexpr std::string_view kPooling = "pooling.json";  ///< config.json of the pooling's own folder

/// Whether the path is a folder with a config.json or modules.json.
bool is_model_folder(const std::string& path);

/// Its records: configuration and weights, nothing read yet but what lists them. Throws InvalidModel, InvalidInput or
/// Unsupported naming the file.
std::shared_ptr<const ZipArchive> read_model_folder(const std::string& path);

}  // namespace wherry::import::huggingface
