#pragma once
// Weights as torch.save wrote them: "pytorch_model.bin", or several such files with an index that says which tensor
// lies in which.

#include <memory>
#include <string>
#include <string_view>

#include "import/state_dict/state_dict.h"

namespace wherry::import::huggingface {

/// The index, as a record beside the shards'; theirs lie in "shards/FILE/".
inline constexpr std::string_view kPickledIndex = "pytorch_model.bin.index.json";
inline constexpr std::string_view kShards = "shards/";

/// Records of a state dict in either form (zip or legacy stream). Throws InvalidModel naming the file.
std::shared_ptr<const ZipArchive> pickled_records(const std::string& path);
/// Those of the files that an index names, beside it.
std::shared_ptr<const ZipArchive> sharded_pickled_records(const std::string& index_path);

/// The tensors in such records.
StateDict read_pickled_weights(std::shared_ptr<const ZipArchive> records);

}  // namespace wherry::import::huggingface
