#include "import/zip/directory.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <optional>

#include "base/check.h"
#include "import/printable.h"

namespace wherry::import {
namespace {

using base::fail;

/// Deflate cannot expand more than this (zlib's technical details: 1032 : 1, reached by runs of one byte).
constexpr std::uint64_t kMaxDeflateRatio = 1032;

constexpr std::uint16_t kMethodStored = 0;
constexpr std::uint16_t kMethodDeflate = 8;
constexpr std::uint16_t kFlagEncrypted = 1 << 0;
constexpr std::uint16_t kFlagSizesBehind = 1 << 3;  ///< the local header has no sizes; the directory does

constexpr std::uint32_t kLocalSignature = 0x04034b50;
constexpr std::uint32_t kEntrySignature = 0x02014b50;
constexpr std::uint32_t kEndSignature = 0x06054b50;
constexpr std::uint32_t kEnd64Signature = 0x06064b50;
constexpr std::uint32_t kLocator64Signature = 0x07064b50;
constexpr std::size_t kLocalLength = 30, kEntryLength = 46, kEndLength = 22, kEnd64Length = 56, kLocator64Length = 20;

/// In a 32-bit field: the value stands in the ZIP64 structures.
constexpr std::uint32_t kElsewhere32 = UINT32_MAX;
constexpr std::uint16_t kZip64Extra = 1;

/// A little-endian field. The caller has checked that it is there.
template <typename T>
T field(std::span<const std::byte> bytes, std::size_t offset) {
  static_assert(std::endian::native == std::endian::little);
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof(T));
  return value;
}

/// `length` bytes at `offset`, empty where they are not all there.
std::optional<std::span<const std::byte>> part(std::span<const std::byte> bytes, std::uint64_t offset,
                                               std::uint64_t length) {
  if (offset > bytes.size() || length > bytes.size() - offset) return std::nullopt;
  return bytes.subspan(static_cast<std::size_t>(offset), static_cast<std::size_t>(length));
}

class DirectoryReader {
 public:
  DirectoryReader(std::span<const std::byte> bytes, const std::string& path) : bytes_(bytes), path_(path) {}

  std::vector<ZipRecord> run() {
    find_directory();
    std::vector<ZipRecord> records;
    // Every entry takes at least 46 bytes of the directory, so the walk is bounded whatever the count says.
    for (std::uint64_t i = 0; i < count_; ++i) records.push_back(read_entry(i));
    return records;
  }

 private:
  /// Sets rest_, count_ and prefix_ from the records at the end of the file.
  void find_directory() {
    const std::size_t end = find_end();
    const auto record = bytes_.subspan(end, kEndLength);
    std::uint64_t count = field<std::uint16_t>(record, 10);
    std::uint64_t size = field<std::uint32_t>(record, 12);
    std::uint64_t offset = field<std::uint32_t>(record, 16);
    std::uint64_t directory_end = end;
    if (end >= kLocator64Length && field<std::uint32_t>(bytes_, end - kLocator64Length) == kLocator64Signature) {
      directory_end = find_end64(end - kLocator64Length);
      const auto record64 = bytes_.subspan(static_cast<std::size_t>(directory_end), kEnd64Length);
      count = field<std::uint64_t>(record64, 32);
      size = field<std::uint64_t>(record64, 40);
      offset = field<std::uint64_t>(record64, 48);
    }
    if (size > directory_end || offset > directory_end - size)
      fail<InvalidModel>("{}: the zip directory claims {} bytes at {}, but the file has {}; it is truncated or damaged",
                         path_, size, offset, bytes_.size());
    rest_ = bytes_.subspan(static_cast<std::size_t>(directory_end - size), static_cast<std::size_t>(size));
    count_ = count;
    prefix_ = directory_end - size - offset;
    if (count_ == 0) fail<InvalidModel>("{}: an empty zip archive", path_);
  }

  /// The end record: the last one in the file whose comment fits behind it.
  std::size_t find_end() const {
    if (bytes_.size() >= kEndLength) {
      const std::size_t last = bytes_.size() - kEndLength;
      const std::size_t first = last - std::min<std::size_t>(last, UINT16_MAX);
      for (std::size_t at = last + 1; at-- > first;) {
        if (field<std::uint32_t>(bytes_, at) != kEndSignature) continue;
        if (field<std::uint16_t>(bytes_, at + 20) <= last - at) return at;
      }
    }
    fail<InvalidModel>("{}: no zip directory at the end of its {} bytes; the file is truncated or no zip archive",
                       path_, bytes_.size());
  }

  /// The ZIP64 end record. Bytes before the archive shift it from where the locator says, to right before the locator.
  std::uint64_t find_end64(std::size_t locator) const {
    const auto said = field<std::uint64_t>(bytes_, locator + 8);
    const std::uint64_t adjacent = locator - std::min(locator, kEnd64Length);
    for (const std::uint64_t at : {said, adjacent}) {
      if (at > locator || locator - at < kEnd64Length) continue;
      if (field<std::uint32_t>(bytes_, static_cast<std::size_t>(at)) == kEnd64Signature) return at;
    }
    fail<InvalidModel>("{}: its ZIP64 directory is missing; the file is truncated or damaged", path_);
  }

  ZipRecord read_entry(std::uint64_t index) {
    const auto header = part(rest_, 0, kEntryLength);
    if (!header || field<std::uint32_t>(*header, 0) != kEntrySignature)
      fail<InvalidModel>("{}: entry {} of {} of the zip directory is missing or damaged", path_, index, count_);
    const auto flags = field<std::uint16_t>(*header, 8);
    const auto method = field<std::uint16_t>(*header, 10);
    std::uint64_t stored = field<std::uint32_t>(*header, 20);
    std::uint64_t size = field<std::uint32_t>(*header, 24);
    const std::size_t name_length = field<std::uint16_t>(*header, 28);
    const std::size_t extra_length = field<std::uint16_t>(*header, 30);
    const std::size_t comment_length = field<std::uint16_t>(*header, 32);
    std::uint64_t offset = field<std::uint32_t>(*header, 42);
    const auto tail = part(rest_, kEntryLength, name_length + extra_length + comment_length);
    if (!tail) fail<InvalidModel>("{}: entry {} of the zip directory is truncated", path_, index);
    rest_ = rest_.subspan(kEntryLength + tail->size());

    std::string name(reinterpret_cast<const char*>(tail->data()), name_length);
    if (name.empty() || name.find('\0') != std::string::npos)
      fail<InvalidModel>("{}: entry {} of the zip directory has no valid name", path_, index);
    const std::string shown = printable(name);
    if (flags & kFlagEncrypted)
      fail<InvalidModel>("{}: record '{}' is encrypted; unencrypted archives can be read", path_, shown);
    if (method != kMethodStored && method != kMethodDeflate)
      fail<InvalidModel>("{}: record '{}' uses compression method {}; stored (0) and deflate (8) can be read", path_,
                         shown, method);
    read_zip64(tail->subspan(name_length, extra_length), size, stored, offset, shown);
    const std::uint64_t begin = find_contents(name, shown, offset, method, flags, stored, size);
    if (!part(bytes_, begin, stored))
      fail<InvalidModel>("{}: record '{}' claims {} bytes at {}, but the file has {}; it is truncated or damaged",
                         path_, shown, stored, begin, bytes_.size());
    const bool compressed = method == kMethodDeflate;
    if (compressed ? size / kMaxDeflateRatio > stored : size != stored)
      fail<InvalidModel>("{}: record '{}' claims {} bytes in {}, which its compression cannot hold", path_, shown, size,
                         stored);

    ZipRecord record;
    record.name = std::move(name);
    record.offset = static_cast<std::int64_t>(begin);  // no more than the file's length
    record.stored_size = static_cast<std::int64_t>(stored);
    record.size = static_cast<std::int64_t>(size);  // at most kMaxDeflateRatio + 1 times that
    record.crc = field<std::uint32_t>(*header, 16);
    record.compressed = compressed;
    return record;
  }

  /// Fills in what the entry's fields leave to its ZIP64 extra field, in the order in which they stand there.
  void read_zip64(std::span<const std::byte> extra, std::uint64_t& size, std::uint64_t& stored, std::uint64_t& offset,
                  const std::string& shown) const {
    std::span<const std::byte> values;
    while (extra.size() >= 4) {
      const auto id = field<std::uint16_t>(extra, 0);
      const auto length = field<std::uint16_t>(extra, 2);
      const auto content = part(extra, 4, length);
      if (!content) break;  // PyTorch and others pad freely here
      if (id == kZip64Extra) values = *content;
      extra = extra.subspan(4 + content->size());
    }
    for (std::uint64_t* value : {&size, &stored, &offset}) {
      if (*value != kElsewhere32) continue;
      // Without the extra field the value means itself: a record of 4 GiB less one byte.
      if (values.empty()) continue;
      if (values.size() < sizeof(std::uint64_t))
        fail<InvalidModel>("{}: record '{}' has no ZIP64 size; the file is damaged", path_, shown);
      *value = field<std::uint64_t>(values, 0);
      values = values.subspan(sizeof(std::uint64_t));
      if (*value > static_cast<std::uint64_t>(INT64_MAX))
        fail<InvalidModel>("{}: record '{}' claims {} bytes, more than any file has", path_, shown, *value);
    }
  }

  /// Where the record's bytes begin: behind its own header, which must not contradict the directory.
  std::uint64_t find_contents(const std::string& name, const std::string& shown, std::uint64_t offset,
                              std::uint16_t method, std::uint16_t flags, std::uint64_t stored,
                              std::uint64_t size) const {
    const std::uint64_t at = prefix_ + offset;  // neither is beyond 2^63
    const auto header = part(bytes_, at, kLocalLength);
    if (!header || field<std::uint32_t>(*header, 0) != kLocalSignature)
      fail<InvalidModel>("{}: record '{}' is not at {} where the zip directory says; the file is truncated or damaged",
                         path_, shown, at);
    const std::size_t name_length = field<std::uint16_t>(*header, 26);
    const std::size_t extra_length = field<std::uint16_t>(*header, 28);
    const auto tail = part(bytes_, at + kLocalLength, name_length + extra_length);
    const auto agrees = [](std::uint32_t local, std::uint64_t entry) {
      return local == kElsewhere32 || local == entry;
    };
    const bool sizes_agree = (flags & kFlagSizesBehind) != 0 || (agrees(field<std::uint32_t>(*header, 18), stored) &&
                                                                 agrees(field<std::uint32_t>(*header, 22), size));
    if (!tail || field<std::uint16_t>(*header, 8) != method || !sizes_agree || name_length != name.size() ||
        std::memcmp(tail->data(), name.data(), name_length) != 0)
      fail<InvalidModel>("{}: record '{}' has a header that contradicts the zip directory", path_, shown);
    return at + kLocalLength + tail->size();
  }

  std::span<const std::byte> bytes_;
  const std::string& path_;
  std::span<const std::byte> rest_;  ///< of the directory, from the next entry on
  std::uint64_t count_ = 0;
  std::uint64_t prefix_ = 0;  ///< bytes before the archive, as in self-extracting ones
};

}  // namespace

std::vector<ZipRecord> read_zip_directory(std::span<const std::byte> bytes, const std::string& path) {
  return DirectoryReader(bytes, path).run();
}

}  // namespace wherry::import
