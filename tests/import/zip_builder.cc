#include "zip_builder.h"

#include <zlib.h>

#include <stdexcept>

namespace wherry::import {
namespace {

template <typename T>
void put(std::string& out, T value) {
  for (std::size_t i = 0; i < sizeof(T); ++i) out += static_cast<char>(static_cast<std::uint64_t>(value) >> (8 * i));
}

std::string deflate_raw(const std::string& content) {
  z_stream stream{};
  if (deflateInit2(&stream, 9, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY) != Z_OK)
    throw std::runtime_error("deflate");
  std::string out(deflateBound(&stream, content.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(content.data()));
  stream.avail_in = static_cast<uInt>(content.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

/// The fields that local header and directory share, from "version needed" to
/// the sizes.
void put_common(std::string& out, const ZipEntry& entry, std::uint32_t crc, std::uint64_t stored, std::uint64_t size) {
  put<std::uint16_t>(out, 45);
  put<std::uint16_t>(out, entry.flags);
  put<std::uint16_t>(out, static_cast<std::uint16_t>(entry.method >= 0 ? entry.method : entry.compress ? 8 : 0));
  put<std::uint32_t>(out, 0);
  put<std::uint32_t>(out, crc);
  put<std::uint32_t>(out, entry.zip64 ? UINT32_MAX : static_cast<std::uint32_t>(stored));
  put<std::uint32_t>(out, entry.zip64 ? UINT32_MAX : static_cast<std::uint32_t>(size));
}

}  // namespace

std::string build_zip(const std::vector<ZipEntry>& entries, int claimed_count) {
  std::string out, directory;
  for (const ZipEntry& entry : entries) {
    const std::string bytes = entry.compress ? deflate_raw(entry.content) : entry.content;
    const auto true_crc =
        crc32(0, reinterpret_cast<const Bytef*>(entry.content.data()), static_cast<uInt>(entry.content.size()));
    const auto crc =
        static_cast<std::uint32_t>(entry.claimed_crc >= 0 ? entry.claimed_crc : static_cast<std::int64_t>(true_crc));
    const auto stored =
        entry.claimed_stored_size >= 0 ? static_cast<std::uint64_t>(entry.claimed_stored_size) : bytes.size();
    const auto size = entry.claimed_size >= 0 ? static_cast<std::uint64_t>(entry.claimed_size) : entry.content.size();
    const auto offset = entry.claimed_offset >= 0 ? static_cast<std::uint64_t>(entry.claimed_offset) : out.size();

    std::string sizes;  // ZIP64 extra field of the local header
    if (entry.zip64) {
      put<std::uint16_t>(sizes, 1);
      put<std::uint16_t>(sizes, 16);
      put<std::uint64_t>(sizes, size);
      put<std::uint64_t>(sizes, stored);
    }
    if (entry.padding > 0) {
      put<std::uint16_t>(sizes, 0x4246);  // PyTorch's own field, "FB"
      put<std::uint16_t>(sizes, static_cast<std::uint16_t>(entry.padding));
      sizes.append(static_cast<std::size_t>(entry.padding), 'Z');
    }
    put<std::uint32_t>(out, 0x04034b50);
    put_common(out, entry, crc, stored, size);
    put<std::uint16_t>(out, static_cast<std::uint16_t>(entry.name.size()));
    put<std::uint16_t>(out, static_cast<std::uint16_t>(sizes.size()));
    out += entry.name + sizes + bytes;

    std::string extra;  // and of the directory, which has the offset too
    if (entry.zip64) {
      put<std::uint16_t>(extra, 1);
      put<std::uint16_t>(extra, 24);
      put<std::uint64_t>(extra, size);
      put<std::uint64_t>(extra, stored);
      put<std::uint64_t>(extra, offset);
    }
    put<std::uint32_t>(directory, 0x02014b50);
    put<std::uint16_t>(directory, 45);
    put_common(directory, entry, crc, stored, size);
    put<std::uint16_t>(directory, static_cast<std::uint16_t>(entry.name.size()));
    put<std::uint16_t>(directory, static_cast<std::uint16_t>(extra.size()));
    put<std::uint16_t>(directory, 0);
    put<std::uint16_t>(directory, 0);
    put<std::uint16_t>(directory, 0);
    put<std::uint32_t>(directory, 0);
    put<std::uint32_t>(directory, entry.zip64 ? UINT32_MAX : static_cast<std::uint32_t>(offset));
    directory += entry.name + extra;
  }
  const std::size_t directory_offset = out.size();
  const auto count = static_cast<std::uint16_t>(claimed_count >= 0 ? claimed_count : static_cast<int>(entries.size()));
  out += directory;
  put<std::uint32_t>(out, 0x06054b50);
  put<std::uint32_t>(out, 0);
  put<std::uint16_t>(out, count);
  put<std::uint16_t>(out, count);
  put<std::uint32_t>(out, static_cast<std::uint32_t>(directory.size()));
  put<std::uint32_t>(out, static_cast<std::uint32_t>(directory_offset));
  put<std::uint16_t>(out, 0);
  return out;
}

}  // namespace wherry::import
