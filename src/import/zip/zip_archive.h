#pragma once
// The zip container of .pt, .pth and .npz files. Stored records are handed out as spans of the mapped file, so reading
// weights copies nothing; compressed ones are inflated on request. Nothing the file says of itself is believed before
// it has been held against the file's real length.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/mapped_file.h"

namespace wherry::import {

/// Bytes and whoever keeps them alive.
struct Bytes {
  std::span<const std::byte> data;
  std::shared_ptr<const void> owner;

  std::string_view text() const { return {reinterpret_cast<const char*>(data.data()), data.size()}; }
};

/// One entry of the directory; everything in it has been checked against the file.
struct ZipRecord {
  std::string name;         ///< relative to the archive's root: "data.pkl", "code/__torch__/resnet.py"
  std::int64_t offset = 0;  ///< of the record's first byte in the file
  std::int64_t stored_size = 0;
  std::int64_t size = 0;  ///< uncompressed, as the directory says; reading fails where it lied
  std::uint32_t crc = 0;
  bool compressed = false;
  /// Known by name and size only: a weight of which a compiled file holds nothing but the packed form.
  bool absent = false;
  std::size_t part = 0;  ///< of joined archives: the one that holds the bytes
};

/// Immutable and safe to read from several threads.
class ZipArchive : public std::enable_shared_from_this<ZipArchive> {
 public:
  /// Where the first path component goes: PyTorch's archives keep everything in one folder, whose name (that of the
  /// first entry's) is stripped; .npz files have none.
  enum class Root { kStrip, kKeep };

  /// Reads the directory. Throws InvalidModel naming the file where it is no sound zip archive.
  static std::shared_ptr<const ZipArchive> open(std::shared_ptr<const base::MappedFile> file, Root root = Root::kStrip);
  /// The same over bytes in memory; `name` stands for the path in messages.
  static std::shared_ptr<const ZipArchive> open(std::string name, Bytes bytes, Root root = Root::kStrip);

  /// An archive whose directory is known already: the records of a compiled file or of a legacy checkpoint, as pieces
  /// of `bytes`. `file` (may be null) is what the bytes are mapped from. The caller has checked the records.
  static std::shared_ptr<const ZipArchive> of(std::string name, Bytes bytes,
                                              std::shared_ptr<const base::MappedFile> file,
                                              std::vector<ZipRecord> records);

  /// One archive of all their records, for a model that lies in several files; `name` stands for the path in messages.
  /// Throws InvalidModel where two have a record of the same name.
  static std::shared_ptr<const ZipArchive> joined(std::string name,
                                                  std::span<const std::shared_ptr<const ZipArchive>> archives);

  /// The same records, their names within `folder`: "data.pkl" becomes "folder/data.pkl".
  std::shared_ptr<const ZipArchive> inside(const std::string& folder) const;

  /// Whether these bytes begin as a zip archive does.
  static bool recognises(std::span<const std::byte> bytes);

  const std::string& path() const { return path_; }
  /// The folder that was stripped: "resnet50"; empty where the first entry lies in none.
  const std::string& root() const { return root_; }
  const std::vector<ZipRecord>& records() const { return records_; }

  /// Null where there is no such record.
  const ZipRecord* find(std::string_view name) const;

  /// The record's bytes, checksum verified: for metadata (pickles, source). Throws InvalidModel where the record is
  /// missing, longer than `limit`, or damaged.
  Bytes read(std::string_view name, std::int64_t limit = kMetadataLimit) const;

  /// The record's bytes for tensor contents. A stored record comes as a span of the file, without a checksum: a pass
  /// over all weights would cost more than the rest of loading. Compressed records are inflated (again at each call)
  /// and their checksum is verified.
  Bytes contents(const ZipRecord& record) const;

  /// Gives the pages behind `part`, a piece of a stored record, back to the system. Nothing where the archive lies in
  /// memory.
  void release(std::span<const std::byte> part) const;

  /// Which records contents() has been asked for since forget_reads(), in the order of records(): what compiling a
  /// model must keep beside the packed weights.
  std::vector<bool> reads() const;
  void forget_reads() const;

  static constexpr std::int64_t kMetadataLimit = std::int64_t{256} << 20;

 private:
  ZipArchive() = default;
  void read_directory(Root root);
  void index_records();
  std::span<const std::byte> stored_bytes(const ZipRecord& record) const;
  Bytes inflate(const ZipRecord& record) const;
  void check_crc(const ZipRecord& record, std::span<const std::byte> bytes) const;

  /// Where records lie: all in one, except in joined archives.
  struct Part {
    Bytes bytes;
    std::shared_ptr<const base::MappedFile> file;  ///< null where the bytes are not a mapped file's
  };

  std::string path_;
  std::string root_;
  std::vector<Part> parts_;
  std::vector<ZipRecord> records_;
  std::unordered_map<std::string_view, std::size_t> index_;  ///< views of records_[i].name
  mutable std::vector<std::atomic<bool>> read_;              ///< by record
};

}  // namespace wherry::import
