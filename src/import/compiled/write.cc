// Writing a compiled file front to back: header, directory, structure, small weights, then the large ones page by page.

#include <algorithm>
#include <array>
#include <cstring>

#include "base/check.h"
#include "base/new_file.h"
#include "import/compiled/compiled_file.h"
#include "import/compiled/layout.h"
#include "import/huggingface/model_folder.h"
#include "import/huggingface/pickled_weights.h"
#include "import/safetensors/safetensors.h"
#include "import/state_dict/state_dict.h"
#include "import/state_dict/state_dict_source.h"

namespace wherry::import {
namespace {

/// Weights from here on begin on a page, so that none shares its first with another.
constexpr std::size_t kPaged = std::size_t{64} << 10;

class FieldWriter {
 public:
  template <typename T>
  void number(T value) {
    const std::size_t at = bytes_.size();
    bytes_.resize(at + sizeof(T));
    std::memcpy(bytes_.data() + at, &value, sizeof(T));
  }
  void text(std::string_view value) {
    number(static_cast<std::uint32_t>(value.size()));
    const auto* bytes = reinterpret_cast<const std::byte*>(value.data());
    bytes_.insert(bytes_.end(), bytes, bytes + value.size());
  }
  void flag(bool value) { number(static_cast<std::uint8_t>(value ? 1 : 0)); }
  const std::vector<std::byte>& bytes() const { return bytes_; }

 private:
  std::vector<std::byte> bytes_;
};

std::uint64_t rounded_up(std::uint64_t offset, std::uint64_t alignment) {
  return (offset + alignment - 1) / alignment * alignment;
}

/// Without the folder that a shard's records lie in: "shards/FILE/data.pkl" is "data.pkl" of one of several files.
std::string_view within_shard(std::string_view name) {
  if (!name.starts_with(huggingface::kShards)) return name;
  const std::size_t slash = name.find('/', huggingface::kShards.size());
  return slash == name.npos ? name : name.substr(slash + 1);
}

/// Records that some reader asks for; what else people put into archives (".data/serialization_id", "extra/…") stays
/// behind.
bool is_read(std::string_view record) {
  constexpr std::array<std::string_view, 10> kNames = {"data.pkl",
                                                       "constants.pkl",
                                                       "version",
                                                       ".data/version",
                                                       "byteorder",
                                                       huggingface::kConfig,
                                                       huggingface::kModules,
                                                       huggingface::kPooling,
                                                       huggingface::kPickledIndex,
                                                       kTensorList};
  const std::string_view name = within_shard(record);
  return is_tensor_record(record) || name.starts_with("code/") || name == kLegacyHead || name == kSeed ||
         std::find(kNames.begin(), kNames.end(), name) != kNames.end();
}

/// One piece of the file behind the directory.
struct Piece {
  std::string_view name;
  bool flag = false;  ///< of a record: absent; of a weight: packed
  std::uint64_t size = 0;
  Bytes bytes;  ///< none of an absent record
  std::uint64_t offset = 0;
  std::uint32_t crc = 0;
};

std::vector<std::byte> directory_of(const CompiledAbout& about, const std::vector<Piece>& records,
                                    const std::vector<Piece>& weights) {
  FieldWriter fields;
  fields.text(about.wherry_version);
  fields.text(about.isa);
  fields.text(about.precision);
  fields.number(static_cast<std::uint8_t>(about.kind));
  fields.text(about.arch);
  fields.flag(about.portable);
  fields.number(static_cast<std::uint32_t>(about.shapes.size()));
  for (const auto& inputs : about.shapes) {
    fields.number(static_cast<std::uint32_t>(inputs.size()));
    for (const ir::TensorType& input : inputs) {
      fields.text(name_of(input.dtype));
      fields.number(static_cast<std::uint32_t>(input.sizes.size()));
      for (const std::int64_t size : input.sizes) fields.number(size);
    }
  }
  for (const std::vector<Piece>* pieces : {&records, &weights}) {
    fields.number(static_cast<std::uint32_t>(pieces->size()));
    for (const Piece& piece : *pieces) {
      fields.text(piece.name);
      fields.flag(piece.flag);
      fields.number(piece.crc);
      fields.number(piece.offset);
      fields.number(piece.size);
    }
  }
  return fields.bytes();
}

std::vector<std::byte> header_of(const std::vector<std::byte>& directory, std::uint64_t file_size) {
  std::vector<std::byte> header(CompiledFile::kHeaderBytes);
  const auto put = [&](std::size_t at, auto value) { std::memcpy(header.data() + at, &value, sizeof(value)); };
  std::memcpy(header.data(), compiled::kMagic.data(), compiled::kMagic.size());
  put(compiled::kVersionAt, CompiledFile::kFormatVersion);
  put(compiled::kFileSizeAt, file_size);
  put(compiled::kDirectorySizeAt, static_cast<std::uint64_t>(directory.size()));
  put(compiled::kDirectoryCrcAt, compiled::crc_of(directory));
  put(compiled::kHeaderCrcAt, compiled::crc_of(std::span(header).first(compiled::kHeaderCrcAt)));
  return header;
}

}  // namespace

bool is_tensor_record(std::string_view name) {
  name = within_shard(name);
  return name.starts_with("data/") || name.starts_with("constants/");
}

void write_compiled_file(const std::string& path, const CompiledAbout& about, const ZipArchive& records,
                         const std::vector<bool>& keep, std::vector<CompiledWeight> weights) {
  WHERRY_CHECK_EQ(keep.size(), records.records().size());
  base::NewFile file(path);  // before the work of checksums: a path that cannot be written is known at once
  // Smallest first: what loading reads lies together, and the large weights fill whole pages.
  std::stable_sort(weights.begin(), weights.end(), [](const CompiledWeight& a, const CompiledWeight& b) {
    return (a.bytes.size() >= kPaged) < (b.bytes.size() >= kPaged);
  });
  std::vector<Piece> record_pieces, weight_pieces;
  for (std::size_t i = 0; i < keep.size(); ++i) {
    const ZipRecord& record = records.records()[i];
    if (!is_read(record.name)) continue;
    Piece& piece = record_pieces.emplace_back();
    piece.name = record.name;
    piece.size = static_cast<std::uint64_t>(record.size);
    piece.flag = !keep[i];
    if (keep[i]) piece.bytes = records.contents(record);
    piece.crc = compiled::crc_of(piece.bytes.data);
  }
  for (const CompiledWeight& weight : weights)
    weight_pieces.push_back(
        {weight.name, weight.packed, weight.bytes.size(), {weight.bytes, nullptr}, 0, compiled::crc_of(weight.bytes)});

  // Offsets do not change the directory's length, so it is made twice: once to learn that.
  std::uint64_t end = CompiledFile::kHeaderBytes + directory_of(about, record_pieces, weight_pieces).size();
  for (std::vector<Piece>* pieces : {&record_pieces, &weight_pieces}) {
    for (Piece& piece : *pieces) {
      if (piece.bytes.data.empty()) {
        piece.offset = piece.size == 0 ? rounded_up(end, CompiledFile::kAlignment) : 0;
        continue;
      }
      end = rounded_up(end, piece.size >= kPaged ? compiled::kPage : CompiledFile::kAlignment);
      piece.offset = end;
      end += piece.size;
    }
  }
  // Kernels may read a whole cache line where the last weight ends.
  end = rounded_up(end, CompiledFile::kAlignment);

  const std::vector<std::byte> directory = directory_of(about, record_pieces, weight_pieces);
  file.write(header_of(directory, end));
  file.write(directory);
  for (const std::vector<Piece>* pieces : {&record_pieces, &weight_pieces}) {
    for (const Piece& piece : *pieces) {
      if (piece.bytes.data.empty()) continue;
      file.fill(piece.offset);
      file.write(piece.bytes.data);
    }
  }
  file.fill(end);
  file.commit();
}

}  // namespace wherry::import
