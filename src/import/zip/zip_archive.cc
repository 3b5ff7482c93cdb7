#include "import/zip/zip_archive.h"

#include <zlib.h>

#include <algorithm>
#include <cstring>

#include "base/aligned_buffer.h"
#include "base/check.h"
#include "import/printable.h"
#include "import/zip/directory.h"

namespace wherry::import {
namespace {

using base::fail;

/// What all compressed records of one archive may come to: weights hardly compress, so an honest archive is far below.
constexpr std::int64_t kInflatedBase = std::int64_t{64} << 20;
constexpr std::int64_t kInflatedPerByte = 100;

}  // namespace

std::shared_ptr<const ZipArchive> ZipArchive::of(std::string name, Bytes bytes,
                                                 std::shared_ptr<const base::MappedFile> file,
                                                 std::vector<ZipRecord> records) {
  const std::shared_ptr<ZipArchive> archive(new ZipArchive());
  archive->path_ = std::move(name);
  archive->parts_.push_back({std::move(bytes), std::move(file)});
  archive->records_ = std::move(records);
  archive->index_records();
  return archive;
}

std::shared_ptr<const ZipArchive> ZipArchive::joined(std::string name,
                                                     std::span<const std::shared_ptr<const ZipArchive>> archives) {
  const std::shared_ptr<ZipArchive> whole(new ZipArchive());
  whole->path_ = std::move(name);
  for (const std::shared_ptr<const ZipArchive>& archive : archives) {
    const std::size_t before = whole->parts_.size();
    whole->parts_.insert(whole->parts_.end(), archive->parts_.begin(), archive->parts_.end());
    for (ZipRecord record : archive->records_) {
      record.part += before;
      whole->records_.push_back(std::move(record));
    }
  }
  whole->index_records();
  return whole;
}

std::shared_ptr<const ZipArchive> ZipArchive::inside(const std::string& folder) const {
  const std::shared_ptr<ZipArchive> archive(new ZipArchive());
  archive->path_ = path_;
  archive->parts_ = parts_;
  archive->records_ = records_;
  for (ZipRecord& record : archive->records_) record.name = folder + '/' + record.name;
  archive->index_records();
  return archive;
}

bool ZipArchive::recognises(std::span<const std::byte> bytes) {
  return bytes.size() >= 4 &&
         (std::memcmp(bytes.data(), "PK\x03\x04", 4) == 0 || std::memcmp(bytes.data(), "PK\x05\x06", 4) == 0);
}

std::shared_ptr<const ZipArchive> ZipArchive::open(std::shared_ptr<const base::MappedFile> file, Root root) {
  const std::shared_ptr<ZipArchive> archive(new ZipArchive());
  archive->path_ = file->path();
  archive->parts_.push_back({{file->bytes(), file}, file});
  archive->read_directory(root);
  return archive;
}

std::shared_ptr<const ZipArchive> ZipArchive::open(std::string name, Bytes bytes, Root root) {
  const std::shared_ptr<ZipArchive> archive(new ZipArchive());
  archive->path_ = std::move(name);
  archive->parts_.push_back({std::move(bytes), nullptr});
  archive->read_directory(root);
  return archive;
}

void ZipArchive::read_directory(Root root) {
  const std::span<const std::byte> bytes = parts_[0].bytes.data;
  const auto file_size = static_cast<std::int64_t>(bytes.size());
  std::int64_t inflated = 0;
  const std::int64_t inflated_limit = kInflatedBase + kInflatedPerByte * file_size;
  std::vector<ZipRecord> entries = read_zip_directory(bytes, path_);
  if (root == Root::kStrip && entries[0].name.find('/') != std::string::npos)
    root_ = entries[0].name.substr(0, entries[0].name.find('/'));
  for (ZipRecord& record : entries) {
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
  index_records();
}

void ZipArchive::index_records() {
  read_ = std::vector<std::atomic<bool>>(records_.size());
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
  if (record.absent)
    fail<InvalidModel>(
        "{}: weight '{}' is here in packed form only, and this input shape needs it in another; compile the model with "
        "--input of this shape too, or with --portable",
        path_, printable(record.name));
  const auto at = static_cast<std::size_t>(&record - records_.data());
  WHERRY_CHECK_LT(at, read_.size());  // one of ours, not a copy
  read_[at].store(true, std::memory_order_relaxed);
  if (record.compressed) return inflate(record);
  return {stored_bytes(record), parts_[record.part].bytes.owner};
}

std::span<const std::byte> ZipArchive::stored_bytes(const ZipRecord& record) const {
  return parts_[record.part].bytes.data.subspan(static_cast<std::size_t>(record.offset),
                                                static_cast<std::size_t>(record.stored_size));
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

std::vector<bool> ZipArchive::reads() const {
  std::vector<bool> reads;
  reads.reserve(read_.size());
  for (const std::atomic<bool>& read : read_) reads.push_back(read.load(std::memory_order_relaxed));
  return reads;
}

void ZipArchive::forget_reads() const {
  for (std::atomic<bool>& read : read_) read.store(false, std::memory_order_relaxed);
}

void ZipArchive::release(std::span<const std::byte> part) const {
  if (part.empty()) return;
  for (const Part& own : parts_) {
    const std::span<const std::byte> bytes = own.bytes.data;
    const bool within = part.data() >= bytes.data() && part.data() + part.size() <= bytes.data() + bytes.size();
    if (own.file && within) own.file->release(part);
  }
}

}  // namespace wherry::import
