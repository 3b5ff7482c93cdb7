#include "import/text_record.h"

#include <zlib.h>

namespace wherry::import {

std::shared_ptr<const ZipArchive> text_record(std::string path, std::string_view name, std::string text) {
  const auto owner = std::make_shared<const std::string>(std::move(text));
  const auto bytes = std::as_bytes(std::span(owner->data(), owner->size()));
  std::vector<ZipRecord> records(1);
  records[0].name = name;
  records[0].size = records[0].stored_size = static_cast<std::int64_t>(bytes.size());
  if (!bytes.empty())
    records[0].crc = static_cast<std::uint32_t>(crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
  return ZipArchive::of(std::move(path), {bytes, owner}, nullptr, std::move(records));
}

}  // namespace wherry::import
