#include "import/zip/zip_archive.h"

#include <minizip/unzip.h>
#include <zlib.h>

#include <algorithm>
#include <cstring>

#include "base/aligned_buffer.h"
#include "base/check.h"
#include "import/printable.h"

namespace wherry::import {
namespace {

using base::fail;

/// Deflate cannot expand more than this (zlib's technical details: 1032 : 1, reached by runs of one byte).
constexpr std::int64_t kMaxDeflateRatio = 1032;
/// What all compressed records of one archive may come to: weights hardly compress, so an honest archive is far below.
constexpr std::int64_t kInflatedBase = std::int64_t{64} << 20;
constexpr std::int64_t kInflatedPerByte = 100;

constexpr int kMethodStored = 0;
constexpr int kMethodDeflate = 8;

/// minizip's view of a file, over bytes in memory.
struct MemoryStream {
  std::span<const std::byte> bytes;
  ZPOS64_T position = 0;
};

voidpf open_stream(voidpf opaque, const void*, int) { return opaque; }

uLong read_stream(voidpf, voidpf stream, void* to, uLong size) {
  auto* memory = static_cast<MemoryStream*>(stream);
  if (memory->position >= memory->bytes.size()) return 0;
  const std::size_t count = std::min<std::size_t>(size, memory->bytes.size() - memory->position);
  std::memcpy(to, memory->bytes.data() + memory->position, count);
  memory->position += count;
  return count;
}

uLong write_stream(voidpf, voidpf, const void*, uLong) { return 0; }

ZPOS64_T tell_stream(voidpf, voidpf stream) { return static_cast<MemoryStream*>(stream)->position; }

long seek_stream(voidpf, voidpf stream, ZPOS64_T offset, int origin) {
  auto* memory = static_cast<MemoryStream*>(stream);
  const ZPOS64_T from = origin == ZLIB_FILEFUNC_SEEK_SET   ? 0
                        : origin == ZLIB_FILEFUNC_SEEK_CUR ? memory->position
                                                           : memory->bytes.size();
  if (offset > memory->bytes.size() - std::min<ZPOS64_T>(from, memory->bytes.size())) return -1;
  memory->position = from + offset;
  return 0;
}

int close_stream(voidpf, voidpf) { return 0; }
int stream_error(voidpf, voidpf) { return 0; }

/// minizip's handle, closed on every way out.
class Directory {
 public:
  explicit Directory(std::span<const std::byte> bytes) : stream_{bytes} {
    zlib_filefunc64_def functions{};
    functions.zopen64_file = open_stream;
    functions.zread_file = read_stream;
    functions.zwrite_file = write_stream;
    functions.ztell64_file = tell_stream;
    functions.zseek64_file = seek_stream;
    functions.zclose_file = close_stream;
    functions.zerror_file = stream_error;
    functions.opaque = &stream_;
    handle_ = unzOpen2_64("", &functions);
  }
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;
  ~Directory() {
    if (handle_) unzClose(handle_);
  }
  unzFile handle() const { return handle_; }

 private:
  MemoryStream stream_;
  unzFile handle_;
};

/// The entry minizip stands on.
ZipRecord read_entry(unzFile directory, std::size_t index, std::int64_t file_size, const std::string& path) {
  std::string name(UINT16_MAX, '\0');
  unz_file_info64 info{};
  if (unzGetCurrentFileInfo64(directory, &info, name.data(), name.size(), nullptr, 0, nullptr, 0) != UNZ_OK)
    fail<InvalidModel>("{}: entry {} of the zip directory is damaged", path, index);
  name.resize(info.size_filename);
  if (name.empty() || name.find('\0') != std::string::npos)
    fail<InvalidModel>("{}: entry {} of the zip directory has no valid name", path, index);
  const std::string shown = printable(name);
  if (info.flag & 1) fail<InvalidModel>("{}: record '{}' is encrypted; wherry reads unencrypted archives", path, shown);
  if (info.compression_method != kMethodStored && info.compression_method != kMethodDeflate)
    fail<InvalidModel>("{}: record '{}' uses compression method {}; stored (0) and deflate (8) can be read", path,
                       shown, info.compression_method);

  // Opening it makes minizip compare the entry with the record's own header and find where the bytes begin.
  if (unzOpenCurrentFile2(directory, nullptr, nullptr, 1) != UNZ_OK)
    fail<InvalidModel>("{}: record '{}' has a header that contradicts the zip directory", path, shown);
  const ZPOS64_T offset = unzGetCurrentFileZStreamPos64(directory);
  unzCloseCurrentFile(directory);

  const auto limit = static_cast<ZPOS64_T>(file_size);
  if (offset > limit || info.compressed_size > limit - offset)
    fail<InvalidModel>(
        "{}: record '{}' claims bytes {} to {}+{}, but the file has {} bytes; it is truncated or damaged", path, shown,
        offset, offset, info.compressed_size, file_size);

  ZipRecord record;
  record.offset = static_cast<std::int64_t>(offset);
  record.stored_size = static_cast<std::int64_t>(info.compressed_size);
  record.crc = static_cast<std::uint32_t>(info.crc);
  record.compressed = info.compression_method == kMethodDeflate;
  const bool sound = record.compressed
                         ? info.uncompressed_size / kMaxDeflateRatio <= static_cast<ZPOS64_T>(record.stored_size)
                         : info.uncompressed_size == info.compressed_size;
  if (!sound)
    fail<InvalidModel>("{}: record '{}' claims {} bytes in {}, which its compression cannot hold", path, shown,
                       info.uncompressed_size, record.stored_size);
  record.size = static_cast<std::int64_t>(info.uncompressed_size);
  record.name = std::move(name);
  return record;
}

}  // namespace

bool ZipArchive::recognises(std::span<const std::byte> bytes) {
  return bytes.size() >= 4 &&
         (std::memcmp(bytes.data(), "PK\x03\x04", 4) == 0 || std::memcmp(bytes.data(), "PK\x05\x06", 4) == 0);
}

std::shared_ptr<const ZipArchive> ZipArchive::open(std::shared_ptr<const base::MappedFile> file, Root root) {
  const std::shared_ptr<ZipArchive> archive(new ZipArchive());
  archive->path_ = file->path();
  archive->bytes_ = file->bytes();
  archive->owner_ = file;
  archive->file_ = std::move(file);
  archive->read_directory(root);
  return archive;
}

std::shared_ptr<const ZipArchive> ZipArchive::open(std::string name, Bytes bytes, Root root) {
  const std::shared_ptr<ZipArchive> archive(new ZipArchive());
  archive->path_ = std::move(name);
  archive->bytes_ = bytes.data;
  archive->owner_ = std::move(bytes.owner);
  archive->read_directory(root);
  return archive;
}

void ZipArchive::read_directory(Root root) {
  const auto file_size = static_cast<std::int64_t>(bytes_.size());
  const Directory directory(bytes_);
  if (!directory.handle())
    fail<InvalidModel>("{}: no zip directory at the end of its {} bytes; the file is truncated or no zip archive",
                       path_, file_size);

  // Every entry takes at least 46 bytes of the file, so the walk is bounded by its length.
  std::int64_t inflated = 0;
  const std::int64_t inflated_limit = kInflatedBase + kInflatedPerByte * file_size;
  std::size_t index = 0;
  for (int status = unzGoToFirstFile(directory.handle()); status != UNZ_END_OF_LIST_OF_FILE;
       status = unzGoToNextFile(directory.handle()), ++index) {
    if (status != UNZ_OK) fail<InvalidModel>("{}: entry {} of the zip directory is missing or damaged", path_, index);
    ZipRecord record = read_entry(directory.handle(), index, file_size, path_);
    if (index == 0 && root == Root::kStrip && record.name.find('/') != std::string::npos)
      root_ = record.name.substr(0, record.name.find('/'));
    if (record.compressed && record.size > inflated_limit - inflated)
      fail<InvalidModel>(
          "{}: its compressed records claim more than {} bytes in a file of {}; this looks like a zip bomb", path_,
          inflated_limit, file_size);
    if (record.compressed) inflated += record.size;
    if (record.name.back() == '/') continue;  // a folder
    if (!root_.empty()) {
      // Some tools add records beside the root folder ("__MACOSX/…"); PyTorch does not see them either.
      if (!record.name.starts_with(root_ + '/')) continue;
      record.name.erase(0, root_.size() + 1);
    }
    records_.push_back(std::move(record));
  }

  index_.reserve(records_.size());
  for (std::size_t i = 0; i < records_.size(); ++i) {
    if (!index_.emplace(records_[i].name, i).second)
      fail<InvalidModel>("{}: record '{}' stands twice in the zip directory", path_, printable(records_[i].name));
  }
}

const ZipRecord* ZipArchive::find(std::string_view name) const {
  const auto found = index_.find(name);
  return found == index_.end() ? nullptr : &records_[found->second];
}

Bytes ZipArchive::read(std::string_view name, std::int64_t limit) const {
  const ZipRecord* record = find(name);
  if (!record) fail<InvalidModel>("{}: the archive has no record '{}'", path_, printable(name));
  if (record->size > limit)
    fail<InvalidModel>("{}: record '{}' has {} bytes; at most {} are expected there", path_, printable(name),
                       record->size, limit);
  Bytes bytes = contents(*record);
  if (!record->compressed) check_crc(*record, bytes.data);
  return bytes;
}

Bytes ZipArchive::contents(const ZipRecord& record) const {
  if (record.compressed) return inflate(record);
  return {stored_bytes(record), owner_};
}

std::span<const std::byte> ZipArchive::stored_bytes(const ZipRecord& record) const {
  return bytes_.subspan(static_cast<std::size_t>(record.offset), static_cast<std::size_t>(record.stored_size));
}

Bytes ZipArchive::inflate(const ZipRecord& record) const {
  auto buffer = std::make_shared<base::AlignedBuffer>(static_cast<std::size_t>(record.size));
  std::span<const std::byte> in = stored_bytes(record);
  std::span<std::byte> out(buffer->data(), static_cast<std::size_t>(record.size));

  z_stream stream{};
  if (inflateInit2(&stream, -MAX_WBITS) != Z_OK)
    fail<InvalidInput>("{}: no memory to inflate '{}'", path_, printable(record.name));
  const std::unique_ptr<z_stream, int (*)(z_stream*)> guard(&stream, inflateEnd);
  // zlib counts in unsigned int, so records past 4 GiB go through in pieces.
  constexpr std::size_t kPiece = std::size_t{1} << 30;
  std::byte nothing{};
  int status = Z_OK;
  while (status == Z_OK) {
    const std::size_t in_piece = std::min(in.size(), kPiece), out_piece = std::min(out.size(), kPiece);
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(in.data()));
    stream.avail_in = static_cast<uInt>(in_piece);
    stream.next_out = reinterpret_cast<Bytef*>(out.empty() ? &nothing : out.data());
    stream.avail_out = static_cast<uInt>(out_piece);
    status = ::inflate(&stream, Z_NO_FLUSH);  // Z_BUF_ERROR, hence the end of the loop, where nothing moves
    in = in.subspan(in_piece - stream.avail_in);
    out = out.subspan(out_piece - stream.avail_out);
  }
  if (status != Z_STREAM_END || !out.empty())
    fail<InvalidModel>("{}: record '{}' does not inflate to the {} bytes it claims; the file is damaged", path_,
                       printable(record.name), record.size);
  const std::span<const std::byte> data(buffer->data(), buffer->size());
  check_crc(record, data);
  return {data, std::move(buffer)};
}

void ZipArchive::check_crc(const ZipRecord& record, std::span<const std::byte> bytes) const {
  const auto crc = crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size());
  if (bytes.empty() ? record.crc != 0 : crc != record.crc)
    fail<InvalidModel>("{}: record '{}' has checksum {:08x}, the directory says {:08x}; the file is damaged", path_,
                       printable(record.name), crc, record.crc);
}

void ZipArchive::release(std::span<const std::byte> part) const {
  if (!file_ || part.empty()) return;
  const std::byte* end = bytes_.data() + bytes_.size();
  if (part.data() >= bytes_.data() && part.data() + part.size() <= end) file_->release(part);
}

}  // namespace wherry::import
