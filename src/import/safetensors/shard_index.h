#pragma once
// "model.safetensors.index.json", "pytorch_model.bin.index.json": which file holds which of a model's tensors.

#include <map>
#include <set>
#include <string>
#include <string_view>

namespace wherry::import {

/// Files, by the names they have beside the index, and the tensors each of them is to be read for.
using ShardIndex = std::map<std::string, std::set<std::string>>;

/// Reads the index's text; `path` stands in messages. Throws InvalidModel where it is none, or names files elsewhere.
ShardIndex parse_shard_index(std::string_view text, const std::string& path);

}  // namespace wherry::import
