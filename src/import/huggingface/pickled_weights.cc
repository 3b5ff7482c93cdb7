#include "import/huggingface/pickled_weights.h"

#include <filesystem>
#include <vector>

#include "base/check.h"
#include "base/mapped_file.h"
#include "import/file_kind.h"
#include "import/printable.h"
#include "import/safetensors/shard_index.h"
#include "import/text_record.h"

namespace wherry::import::huggingface {
namespace {

using base::fail;

StateDict read_one(const std::shared_ptr<const ZipArchive>& records, const std::string& folder) {
  if (records->find(folder + std::string(kLegacyHead))) return read_legacy_state_dict(records, folder);
  return read_state_dict(records, folder);
}

}  // namespace

std::shared_ptr<const ZipArchive> pickled_records(const std::string& path) {
  const auto file = base::MappedFile::open(path);
  if (is_legacy_stream(file->bytes())) return read_legacy_state_dict(file).records;
  if (ZipArchive::recognises(file->bytes())) {
    auto archive = ZipArchive::open(file);
    if (!archive->find("data.pkl"))
      fail<InvalidModel>("{}: a zip archive without data.pkl; a state dict that torch.save wrote is expected", path);
    return archive;
  }
  fail<InvalidModel>("{}: {}; a state dict that torch.save wrote is expected", path,
                     describe_foreign_file(file->bytes()));
}

std::shared_ptr<const ZipArchive> sharded_pickled_records(const std::string& index_path) {
  const auto index_file = base::MappedFile::open(index_path);
  std::string text(Bytes{index_file->bytes(), index_file}.text());
  const ShardIndex shards = parse_shard_index(text, index_path);
  std::vector<std::shared_ptr<const ZipArchive>> files{text_record(index_path, kPickledIndex, std::move(text))};
  for (const auto& [shard, tensors] : shards)
    files.push_back(pickled_records((std::filesystem::path(index_path).parent_path() / shard).string())
                        ->inside(std::string(kShards) + shard));
  return ZipArchive::joined(index_path, files);
}

StateDict read_pickled_weights(std::shared_ptr<const ZipArchive> records) {
  if (!records->find(kPickledIndex)) return read_one(records, {});
  const Bytes index = records->read(kPickledIndex);
  StateDict weights;
  weights.path = records->path();
  for (const auto& [shard, tensors] : parse_shard_index(index.text(), records->path())) {
    const StateDict found = read_one(records, std::string(kShards) + shard + '/');
    for (const std::string& name : tensors) {
      tensor::LazyTensorPtr tensor = found.find(name);
      if (!tensor)
        fail<InvalidModel>("{}: {}: the tensor '{}' is missing, which {} says is there", records->path(),
                           printable(shard), printable(name), kPickledIndex);
      weights.index.emplace(name, weights.entries.size());
      weights.entries.emplace_back(name, std::move(tensor));
    }
  }
  weights.records = std::move(records);
  return weights;
}

}  // namespace wherry::import::huggingface
