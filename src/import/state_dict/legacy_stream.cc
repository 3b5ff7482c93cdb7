// The stream torch.save wrote before PyTorch 1.6 (and still does on request): five pickles in a row (magic number,
// protocol version, system, the object, the list of storage keys), then each storage as an element count and raw bytes.

#include <zlib.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <unordered_map>
#include <utility>

#include "base/check.h"
#include "base/checked_math.h"
#include "import/pickle/unpickler.h"
#include "import/printable.h"
#include "import/state_dict/entries.h"
#include "import/state_dict/state_dict.h"

namespace wherry::import {
namespace {

using base::fail;

/// 0x1950a86a20f9469cfc6c as a pickle's ten-byte integer, with the STOP behind it.
constexpr std::array<unsigned char, 13> kMagic = {0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9,
                                                  0x20, 0x6a, 0xa8, 0x50, 0x19, '.'};
constexpr std::int64_t kProtocol = 1001;

/// Bytes of the magic number's pickle, 0 where it is not there. Protocols from 4 on put a nine-byte frame header in
/// front.
std::size_t magic_length(std::span<const std::byte> bytes) {
  constexpr std::size_t kProtoLength = 2, kFrameLength = 9;
  for (const std::size_t skip : {kProtoLength, kProtoLength + kFrameLength}) {
    if (bytes.size() < skip + kMagic.size() || bytes[0] != std::byte{0x80}) continue;
    if (skip > kProtoLength && bytes[2] != std::byte{0x95}) continue;
    if (std::memcmp(bytes.data() + skip, kMagic.data(), kMagic.size()) == 0) return skip + kMagic.size();
  }
  return 0;
}

/// One storage of the stream. The pickle names it first; where its bytes lie is known only behind the pickles.
struct LegacyStorage {
  std::shared_ptr<Storage> storage;
  std::int64_t numel = 0;
  bool listed = false;  ///< among the storages behind the pickles
};

class Reader {
 public:
  Reader(std::string path, Bytes bytes) : path_(std::move(path)), bytes_(std::move(bytes)) {}
  Reader(std::shared_ptr<const ZipArchive> records, const std::string& folder)
      : path_(records->path()),
        bytes_(records->read(folder + std::string(kLegacyHead))),
        folder_(folder),
        records_(std::move(records)) {}

  StateDict run(const std::function<void(std::span<const std::byte>)>& release) {
    position_ = magic_length(bytes_.data);
    if (position_ == 0) fail<InvalidModel>("{}: no legacy torch.save stream", path_);

    Heap heap;
    const PythonValue version = next_pickle(heap, "the version");
    if (const auto* number = std::get_if<std::int64_t>(&version); !number || *number != kProtocol)
      fail<InvalidModel>("{}: a legacy torch.save stream of an unknown version; {} is expected", path_, kProtocol);
    const PythonValue system = next_pickle(heap, "the system's description");
    const auto* info = std::get_if<Dict*>(&system);
    const PythonValue* little = info ? (*info)->find("little_endian") : nullptr;
    if (little && std::holds_alternative<bool>(*little) && !std::get<bool>(*little))
      fail<InvalidModel>("{}: written on a big-endian machine; little-endian files can be read", path_);

    const PythonValue object = next_pickle(heap, "the pickled object");
    const PythonValue keys = next_pickle(heap, "the list of storages");
    const std::vector<std::string> order = storage_keys(keys);
    if (records_ == nullptr) divide(order);
    bind(release);
    StateDict weights = state_dict_of(object, path_);
    weights.records = records_;
    weights.legacy = true;
    return weights;
  }

 private:
  PythonValue next_pickle(Heap& heap, std::string_view part) {
    UnpickleContext context;
    context.what = fmt::format("{}: {}", path_, part);
    context.storage = [this](const std::string& key, std::optional<DType> dtype, std::int64_t numel) {
      return declare(key, dtype, numel);
    };
    Unpickled result = unpickle(bytes_.data.subspan(position_), heap, context);
    position_ += result.consumed;
    return std::move(result.value);
  }

  StoragePtr declare(const std::string& key, std::optional<DType> dtype, std::int64_t numel) {
    const auto size = base::checked_mul(numel, dtype ? static_cast<std::int64_t>(size_of(*dtype)) : 1);
    // Records know their sizes; a stream is at least as long as each of its storages.
    const ZipRecord* record = records_ != nullptr ? records_->find(record_name(key)) : nullptr;
    const auto most = records_ == nullptr ? static_cast<std::int64_t>(bytes_.data.size()) : record ? record->size : -1;
    if (numel < 0 || !size || *size > most)
      fail<InvalidModel>("{}: storage '{}' claims {} elements in a file of {} bytes; the file is truncated or damaged",
                         path_, printable(key), numel, bytes_.data.size());
    LegacyStorage& entry = storages_[key];
    if (!entry.storage) {
      entry.storage = std::make_shared<Storage>();
      entry.storage->name = folder_ + key;
      entry.storage->dtype = dtype;
      entry.storage->size = *size;
      entry.numel = numel;
    }
    if (entry.storage->dtype != dtype || entry.numel != numel)
      fail<InvalidModel>("{}: storage '{}' is described twice, differently; the file is damaged", path_,
                         printable(key));
    return entry.storage;
  }

  std::string record_name(const std::string& key) const { return folder_ + "data/" + key; }

  /// The keys in the order of the bytes; each belongs to a tensor, and each tensor's is among them.
  std::vector<std::string> storage_keys(const PythonValue& keys) {
    const auto* list = std::get_if<List*>(&keys);
    if (!list) fail<InvalidModel>("{}: the list of storages is a {}", path_, printable(type_name(keys)));
    std::vector<std::string> order;
    for (const PythonValue& item : (*list)->items) {
      const auto* key = std::get_if<std::string>(&item);
      const auto found = key ? storages_.find(*key) : storages_.end();
      if (found == storages_.end() || found->second.listed)
        fail<InvalidModel>("{}: the list of storages names one that no tensor uses, or one twice; the file is damaged",
                           path_);
      found->second.listed = true;
      order.push_back(*key);
    }
    return order;
  }

  /// Finds the storages behind the pickles.
  void divide(const std::vector<std::string>& order) {
    std::vector<ZipRecord> records(1);
    records[0].name = kLegacyHead;
    records[0].size = records[0].stored_size = static_cast<std::int64_t>(position_);
    records[0].crc = static_cast<std::uint32_t>(
        crc32_z(0, reinterpret_cast<const Bytef*>(bytes_.data.data()), static_cast<std::size_t>(position_)));
    for (const std::string& key : order) {
      const LegacyStorage& entry = storages_.at(key);
      std::int64_t numel = 0;
      std::memcpy(&numel, take(sizeof(numel), key).data(), sizeof(numel));
      if (numel != entry.numel)
        fail<InvalidModel>("{}: storage '{}' has {} elements where its tensors expect {}; the file is damaged", path_,
                           printable(key), numel, entry.numel);
      ZipRecord& record = records.emplace_back();
      record.name = record_name(key);
      record.offset = static_cast<std::int64_t>(position_);
      record.size = record.stored_size = entry.storage->size;
      take(static_cast<std::size_t>(entry.storage->size), key);
    }
    records_ = ZipArchive::of(path_, bytes_, nullptr, std::move(records));
  }

  /// Gives every storage its bytes.
  void bind(const std::function<void(std::span<const std::byte>)>& release) {
    for (const auto& [key, entry] : storages_) {
      if (!entry.listed) fail<InvalidModel>("{}: the tensor storage '{}' is missing", path_, printable(key));
      const ZipRecord* record = records_->find(record_name(key));
      WHERRY_CHECK(record != nullptr);
      entry.storage->read = [records = records_, record] { return records->contents(*record); };
      entry.storage->release = release;
    }
  }

  std::span<const std::byte> take(std::size_t count, std::string_view key) {
    if (count > bytes_.data.size() - position_)
      fail<InvalidModel>("{}: the file ends inside storage '{}': {} bytes are wanted, {} are left; it is truncated",
                         path_, printable(key), count, bytes_.data.size() - position_);
    const auto part = bytes_.data.subspan(position_, count);
    position_ += count;
    return part;
  }

  std::string path_;
  Bytes bytes_;
  std::string folder_;  ///< of the records: empty, or with a slash at its end
  std::size_t position_ = 0;
  std::shared_ptr<const ZipArchive> records_;
  std::unordered_map<std::string, LegacyStorage> storages_;
};

}  // namespace

bool is_legacy_stream(std::span<const std::byte> bytes) { return magic_length(bytes) > 0; }

StateDict read_legacy_state_dict(const std::shared_ptr<const base::MappedFile>& file) {
  return read_legacy_state_dict(file->path(), {file->bytes(), file},
                                [file](std::span<const std::byte> part) { file->release(part); });
}

StateDict read_legacy_state_dict(std::string path, Bytes bytes,
                                 const std::function<void(std::span<const std::byte>)>& release) {
  return Reader(std::move(path), std::move(bytes)).run(release);
}

StateDict read_legacy_state_dict(std::shared_ptr<const ZipArchive> records, const std::string& folder) {
  const ZipArchive* archive = records.get();
  return Reader(std::move(records), folder).run([archive](std::span<const std::byte> part) { archive->release(part); });
}

}  // namespace wherry::import
