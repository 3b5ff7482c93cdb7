#include "import/safetensors/safetensors.h"

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/check.h"
#include "import/json/json_object.h"
#include "import/pickle/storage.h"
#include "import/printable.h"
#include "import/safetensors/header.h"
#include "import/safetensors/shard_index.h"
#include "import/text_record.h"

namespace wherry::import {
namespace {

using base::fail;

std::string record_name(const std::string& tensor) { return "data/" + tensor; }

/// The tensors of one file, those that `wanted` accepts, and what the list says of them.
std::shared_ptr<const ZipArchive> tensors_of(std::string path, Bytes bytes,
                                             std::shared_ptr<const base::MappedFile> file,
                                             const SafetensorsHeader& header,
                                             const std::function<bool(const std::string&)>& wanted,
                                             nlohmann::json& list) {
  std::vector<ZipRecord> records;
  for (const SafetensorsEntry& entry : header.entries) {
    if (!wanted(entry.name)) continue;
    ZipRecord& record = records.emplace_back();
    record.name = record_name(entry.name);
    record.offset = header.data_offset + entry.begin;
    record.size = record.stored_size = entry.end - entry.begin;
    list[entry.name] = {{"dtype", safetensors_name_of(entry.dtype)}, {"shape", entry.sizes}};
  }
  return ZipArchive::of(std::move(path), std::move(bytes), std::move(file), std::move(records));
}

std::shared_ptr<const ZipArchive> with_list(const std::string& path,
                                            std::vector<std::shared_ptr<const ZipArchive>> files,
                                            const nlohmann::json& list) {
  files.push_back(text_record(path, kTensorList, list.dump()));
  return ZipArchive::joined(path, files);
}

std::shared_ptr<const ZipArchive> whole_file(const std::string& path, Bytes bytes,
                                             std::shared_ptr<const base::MappedFile> file) {
  const SafetensorsHeader header = parse_safetensors_header(bytes.data, path);
  nlohmann::json list = nlohmann::json::object();
  auto tensors = tensors_of(path, std::move(bytes), std::move(file), header, [](const auto&) { return true; }, list);
  return with_list(path, {std::move(tensors)}, list);
}

}  // namespace

std::shared_ptr<const ZipArchive> safetensors_records(const std::shared_ptr<const base::MappedFile>& file) {
  return whole_file(file->path(), {file->bytes(), file}, file);
}

std::shared_ptr<const ZipArchive> safetensors_records(std::string path, Bytes bytes) {
  return whole_file(path, std::move(bytes), nullptr);
}

std::shared_ptr<const ZipArchive> sharded_safetensors_records(const std::string& index_path) {
  const auto index_file = base::MappedFile::open(index_path);
  const ShardIndex shards = parse_shard_index(Bytes{index_file->bytes(), index_file}.text(), index_path);
  nlohmann::json list = nlohmann::json::object();
  std::vector<std::shared_ptr<const ZipArchive>> files;
  for (const auto& [shard, tensors] : shards) {
    const auto file = base::MappedFile::open((std::filesystem::path(index_path).parent_path() / shard).string());
    const SafetensorsHeader header = parse_safetensors_header(file->bytes(), file->path());
    const std::size_t before = list.size();
    files.push_back(tensors_of(
        file->path(), {file->bytes(), file}, file, header, [&](const auto& name) { return tensors.contains(name); },
        list));
    if (list.size() - before == tensors.size()) continue;
    const auto absent =
        std::find_if(tensors.begin(), tensors.end(), [&](const auto& name) { return !list.contains(name); });
    WHERRY_CHECK(absent != tensors.end());
    fail<InvalidModel>("{}: the tensor '{}' is missing, which {} says is there", file->path(), printable(*absent),
                       index_path);
  }
  return with_list(index_path, std::move(files), list);
}

StateDict read_safetensors(std::shared_ptr<const ZipArchive> records) {
  const Bytes list = records->read(kTensorList);
  const JsonObject fields = JsonObject::parse(list.text(), fmt::format("{}: {}", records->path(), kTensorList));
  StateDict weights;
  weights.path = records->path();
  for (const std::string& name : fields.keys()) {
    const auto entry = fields.object(name);
    const auto dtype_name = entry ? entry->text("dtype") : std::nullopt;
    const auto sizes = entry ? entry->integers("shape") : std::nullopt;
    if (!dtype_name || !sizes)
      fail<InvalidModel>("{}: \"{}\": an element type and sizes are expected", fields.what(), printable(name));
    const DType dtype = safetensors_dtype(*dtype_name, entry->what());
    const std::int64_t bytes = safetensors_bytes(*sizes, dtype, entry->what());
    const auto width = static_cast<std::int64_t>(size_of(dtype));
    StoragePtr storage = storage_of_record(records, "data", name, dtype, bytes / width);
    Dims strides(sizes->size(), 1);
    if (bytes > 0) strides = contiguous_strides(*sizes);
    weights.entries.emplace_back(name,
                                 cut_tensor(std::move(storage), dtype, 0, *sizes, std::move(strides), entry->what()));
  }
  for (std::size_t i = 0; i < weights.entries.size(); ++i) weights.index.emplace(weights.entries[i].first, i);
  weights.records = std::move(records);
  return weights;
}

}  // namespace wherry::import
