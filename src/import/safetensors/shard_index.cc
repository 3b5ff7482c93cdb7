#include "import/safetensors/shard_index.h"

#include "base/check.h"
#include "import/json/json_object.h"
#include "import/printable.h"

namespace wherry::import {
namespace {

using base::fail;

/// A file named by an index: beside it, never elsewhere.
void check_shard_name(const std::string& name, const std::string& index_path) {
  if (name.empty() || name == "." || name == ".." || name.find_first_of("/\\") != name.npos ||
      name.find('\0') != name.npos)
    fail<InvalidModel>("{}: names the file '{}'; a file in the same folder is expected", index_path, printable(name));
}

}  // namespace

ShardIndex parse_shard_index(std::string_view text, const std::string& path) {
  const JsonObject index = JsonObject::parse(text, path);
  const auto map = index.object("weight_map");
  if (!map) fail<InvalidModel>("{}: found no \"weight_map\"; it says which file holds which tensor", path);
  ShardIndex shards;
  for (const std::string& tensor : map->keys()) {
    const auto shard = map->text(tensor);
    if (!shard) fail<InvalidModel>("{}: \"{}\": found null; a file is expected", path, printable(tensor));
    check_shard_name(*shard, path);
    shards[*shard].insert(tensor);
  }
  return shards;
}

}  // namespace wherry::import
