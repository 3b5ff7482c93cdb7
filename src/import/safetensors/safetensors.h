#pragma once
// Weights as Hugging Face stores them: one safetensors file, or several with an index that says which tensor lies in
// which. Files are mapped; a tensor's bytes are not touched before it is packed.

#include <memory>
#include <string>
#include <string_view>

#include "base/mapped_file.h"
#include "import/state_dict/state_dict.h"

namespace wherry::import {

/// The record that lists the tensors, names to element types and sizes; the bytes are in "data/NAME". The same list
/// serves one file, many, and a compiled one.
inline constexpr std::string_view kTensorList = "tensors.json";

/// A file's tensors as records. Throws InvalidModel or Unsupported naming the file.
std::shared_ptr<const ZipArchive> safetensors_records(const std::shared_ptr<const base::MappedFile>& file);
/// The same over bytes in memory; `path` stands in messages.
std::shared_ptr<const ZipArchive> safetensors_records(std::string path, Bytes bytes);

/// The tensors that "model.safetensors.index.json" names, of the files beside it.
std::shared_ptr<const ZipArchive> sharded_safetensors_records(const std::string& index_path);

/// The tensors in such records.
StateDict read_safetensors(std::shared_ptr<const ZipArchive> records);

}  // namespace wherry::import
