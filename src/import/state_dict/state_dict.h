#pragma once
// A state dict: the named tensors that torch.save(model.state_dict()) writes, as a zip archive (PyTorch 1.6 and later)
// or as the legacy stream of pickles that most published ImageNet checkpoints are.

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/mapped_file.h"
#include "import/zip/zip_archive.h"
#include "tensor/lazy_tensor.h"

namespace wherry::import {

struct StateDict {
  std::string path;  ///< of the file, for messages
  /// In the file's order. A prefix that all names share because of how the model was wrapped for training ("module.",
  /// "_orig_mod.") is gone.
  std::vector<std::pair<std::string, tensor::LazyTensorPtr>> entries;

  /// Null where there is no such entry.
  tensor::LazyTensorPtr find(const std::string& name) const;

  std::unordered_map<std::string, std::size_t> index;  ///< name to position in `entries`

  /// What the file consists of: its own records, or those a legacy stream is divided into (kLegacyHead and "data/KEY").
  std::shared_ptr<const ZipArchive> records;
  bool legacy = false;
};

/// The zip form: data.pkl and data/N, in `folder` of the archive ("" or "shards/FILE/"). Throws InvalidModel naming the
/// file.
StateDict read_state_dict(std::shared_ptr<const ZipArchive> archive, const std::string& folder = {});

/// The record that stands for the pickles at the head of a legacy stream.
inline constexpr std::string_view kLegacyHead = "head.pkl";

/// Whether these bytes begin as torch.save's legacy stream does.
bool is_legacy_stream(std::span<const std::byte> bytes);

/// The legacy stream. Throws InvalidModel naming the file.
StateDict read_legacy_state_dict(const std::shared_ptr<const base::MappedFile>& file);
/// The same over bytes in memory; `path` stands in messages, `release` (may be empty) gives pages back to the system.
StateDict read_legacy_state_dict(std::string path, Bytes bytes,
                                 const std::function<void(std::span<const std::byte>)>& release = {});
/// The same from the records of such a StateDict, in `folder` of the archive.
StateDict read_legacy_state_dict(std::shared_ptr<const ZipArchive> records, const std::string& folder = {});

}  // namespace wherry::import
