// Reading a compiled file. Nothing it says is believed before it has been held against the file's real length; the
// records then go through the same readers as the original's.

#include "import/compiled/compiled_file.h"

#include <algorithm>
#include <cstring>
#include <unordered_set>

#include "base/check.h"
#include "import/compiled/layout.h"
#include "import/printable.h"

namespace wherry::import {
namespace {

using base::fail;

template <typename T>
T load(std::span<const std::byte> bytes, std::size_t at) {
  T value{};
  std::memcpy(&value, bytes.data() + at, sizeof(value));
  return value;
}

/// The directory's fields one after another.
class Fields {
 public:
  Fields(const std::string& path, std::span<const std::byte> bytes) : path_(path), bytes_(bytes) {}

  template <typename T>
  T number() {
    if (bytes_.size() - at_ < sizeof(T)) damaged("ends early");
    const T value = load<T>(bytes_, at_);
    at_ += sizeof(T);
    return value;
  }
  std::string text() {
    const auto length = number<std::uint32_t>();
    if (length > bytes_.size() - at_) damaged("has a text that is longer than itself");
    std::string value(reinterpret_cast<const char*>(bytes_.data()) + at_, length);
    at_ += length;
    return value;
  }
  /// A number of things that take at least `least` bytes each.
  std::size_t count(std::size_t least) {
    const auto value = number<std::uint32_t>();
    if (value > (bytes_.size() - at_) / least) damaged("claims more entries than it has room for");
    return value;
  }
  bool flag() {
    const auto value = number<std::uint8_t>();
    if (value > 1) damaged("has a flag that is neither 0 nor 1");
    return value == 1;
  }
  void end() const {
    if (at_ != bytes_.size()) damaged("has bytes behind its last entry");
  }
  [[noreturn]] void damaged(std::string_view how) const {
    fail<InvalidModel>("{}: the directory of the compiled model {} (at its byte {} of {}); compile the model again",
                       path_, how, at_, bytes_.size());
  }

 private:
  const std::string& path_;
  std::span<const std::byte> bytes_;
  std::size_t at_ = 0;
};

ir::TensorType read_type(Fields& fields) {
  ir::TensorType type;
  const auto dtype = dtype_from_name(fields.text());
  if (!dtype) fields.damaged("names an unknown element type");
  type.dtype = *dtype;
  type.sizes.resize(fields.count(sizeof(std::int64_t)));
  for (std::int64_t& size : type.sizes) {
    size = fields.number<std::int64_t>();
    if (size < 0) fields.damaged("has an input with a negative size");
  }
  return type;
}

CompiledAbout read_about(Fields& fields) {
  CompiledAbout about;
  about.wherry_version = fields.text();
  about.isa = fields.text();
  about.precision = fields.text();
  const auto kind = fields.number<std::uint8_t>();
  if (kind > static_cast<std::uint8_t>(OriginKind::huggingface)) fields.damaged("names an unknown origin");
  about.kind = static_cast<OriginKind>(kind);
  about.arch = fields.text();
  about.portable = fields.flag();
  about.shapes.resize(fields.count(sizeof(std::uint32_t)));
  for (auto& inputs : about.shapes) {
    const std::size_t count = fields.count(2 * sizeof(std::uint32_t));
    for (std::size_t i = 0; i < count; ++i) inputs.push_back(read_type(fields));
  }
  return about;
}

/// A part of the file that the directory claims.
struct Part {
  std::uint64_t offset = 0, size = 0;
};

class Parts {
 public:
  Parts(std::uint64_t begin, std::uint64_t end) : begin_(begin), end_(end) {}

  Part read(Fields& fields, std::size_t alignment) {
    Part part{fields.number<std::uint64_t>(), fields.number<std::uint64_t>()};
    if (part.offset < begin_ || part.offset > end_ || part.size > end_ - part.offset)
      fields.damaged("points outside the file");
    if (part.offset % alignment != 0) fields.damaged("has a weight that is not aligned");
    if (part.size > 0) parts_.push_back(part);
    return part;
  }
  void check_overlaps(const Fields& fields) {
    std::sort(parts_.begin(), parts_.end(), [](const Part& a, const Part& b) { return a.offset < b.offset; });
    for (std::size_t i = 1; i < parts_.size(); ++i)
      if (parts_[i].offset - parts_[i - 1].offset < parts_[i - 1].size) fields.damaged("has parts that overlap");
  }

 private:
  std::uint64_t begin_, end_;
  std::vector<Part> parts_;
};

}  // namespace

bool CompiledFile::recognises(std::span<const std::byte> bytes) {
  return bytes.size() >= compiled::kMagic.size() &&
         std::memcmp(bytes.data(), compiled::kMagic.data(), compiled::kMagic.size()) == 0;
}

std::shared_ptr<const CompiledFile> CompiledFile::open(std::shared_ptr<const base::MappedFile> file) {
  const std::shared_ptr<CompiledFile> compiled(new CompiledFile());
  compiled->path_ = file->path();
  compiled->bytes_ = {file->bytes(), file};
  compiled->read(std::move(file));
  return compiled;
}

std::shared_ptr<const CompiledFile> CompiledFile::open(std::string name, Bytes bytes) {
  const std::shared_ptr<CompiledFile> compiled(new CompiledFile());
  compiled->path_ = std::move(name);
  compiled->bytes_ = std::move(bytes);
  WHERRY_CHECK_EQ(reinterpret_cast<std::uintptr_t>(compiled->bytes_.data.data()) % kAlignment, 0U);
  compiled->read(nullptr);
  return compiled;
}

void CompiledFile::read(std::shared_ptr<const base::MappedFile> file) {
  const std::span<const std::byte> bytes = bytes_.data;
  if (!recognises(bytes)) fail<InvalidModel>("{}: no compiled model", path_);
  if (bytes.size() < kHeaderBytes)
    fail<InvalidModel>("{}: a compiled model of {} bytes; its header alone has {}: it is truncated", path_,
                       bytes.size(), kHeaderBytes);
  const auto version = load<std::uint32_t>(bytes, compiled::kVersionAt);
  if (version != kFormatVersion)
    fail<InvalidModel>(
        "{}: a compiled model of format version {}; this wherry reads version {}: compile the model "
        "again with it",
        path_, version, kFormatVersion);
  if (compiled::crc_of(bytes.first(compiled::kHeaderCrcAt)) != load<std::uint32_t>(bytes, compiled::kHeaderCrcAt))
    fail<InvalidModel>("{}: the header of the compiled model is damaged: its checksum differs; compile the model again",
                       path_);
  const auto size = load<std::uint64_t>(bytes, compiled::kFileSizeAt);
  if (size != bytes.size())
    fail<InvalidModel>("{}: a compiled model of {} bytes, of which the file has {}: it is {}", path_, size,
                       bytes.size(), bytes.size() < size ? "truncated" : "damaged");
  const auto directory_size = load<std::uint64_t>(bytes, compiled::kDirectorySizeAt);
  if (directory_size > bytes.size() - kHeaderBytes)
    fail<InvalidModel>("{}: the directory of the compiled model is longer than the file; it is damaged", path_);
  const auto directory = bytes.subspan(kHeaderBytes, directory_size);
  if (compiled::crc_of(directory) != load<std::uint32_t>(bytes, compiled::kDirectoryCrcAt))
    fail<InvalidModel>(
        "{}: the directory of the compiled model is damaged: its checksum differs; compile the model again", path_);

  Fields fields(path_, directory);
  about_ = read_about(fields);
  Parts parts(kHeaderBytes + directory_size, bytes.size());
  std::vector<ZipRecord> records(fields.count(sizeof(std::uint32_t) + 21));
  std::unordered_set<std::string_view> names;
  for (ZipRecord& record : records) {
    record.name = fields.text();
    record.absent = fields.flag();
    record.crc = fields.number<std::uint32_t>();
    if (record.absent) {
      fields.number<std::uint64_t>();
      const auto length = fields.number<std::uint64_t>();
      constexpr std::uint64_t kLongest = std::uint64_t{1} << 46;
      if (length > kLongest) fields.damaged("has a record of impossible size");
      record.size = static_cast<std::int64_t>(length);
    } else {
      const Part part = parts.read(fields, kAlignment);
      record.offset = static_cast<std::int64_t>(part.offset);
      record.size = record.stored_size = static_cast<std::int64_t>(part.size);
    }
    if (!names.insert(record.name).second) fields.damaged("has two records of one name");
    if (record.absent && about_.portable) fields.damaged("lacks a weight though it calls itself portable");
  }
  weights_.resize(fields.count(sizeof(std::uint32_t) + 21));
  for (CompiledWeight& weight : weights_) {
    weight.name = fields.text();
    weight.packed = fields.flag();
    weight.crc = fields.number<std::uint32_t>();
    const Part part = parts.read(fields, kAlignment);
    weight.bytes = bytes.subspan(part.offset, part.size);
  }
  fields.end();
  parts.check_overlaps(fields);
  index_.reserve(weights_.size());
  for (std::size_t i = 0; i < weights_.size(); ++i)
    if (!index_.emplace(weights_[i].name, i).second) fields.damaged("has two weights of one name");
  names.clear();
  records_ = ZipArchive::of(path_, bytes_, std::move(file), std::move(records));
}

std::optional<Bytes> CompiledFile::find(std::string_view name) const {
  const auto found = index_.find(name);
  if (found == index_.end()) return std::nullopt;
  return Bytes{weights_[found->second].bytes, bytes_.owner};
}

void CompiledFile::verify() const {
  const auto check = [&](std::string_view what, std::string_view name, std::span<const std::byte> bytes,
                         std::uint32_t expected) {
    if (const std::uint32_t crc = compiled::crc_of(bytes); crc != expected)
      fail<InvalidModel>(
          "{}: {} '{}' has checksum {:08x}, the directory says {:08x}: the file is damaged; compile the "
          "model again",
          path_, what, printable(name), crc, expected);
  };
  for (const ZipRecord& record : records_->records())
    if (!record.absent) check("record", record.name, records_->contents(record).data, record.crc);
  for (const CompiledWeight& weight : weights_) check("weight", weight.name, weight.bytes, weight.crc);
}

}  // namespace wherry::import
