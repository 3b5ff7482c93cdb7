// .npz: a zip of .npy files. Reading goes through the bounded zip reader; minizip writes.

#include <minizip/zip.h>

#include <algorithm>
#include <cstdio>
#include <set>
#include <utility>

#include "base/check.h"
#include "base/mapped_file.h"
#include "import/npy/npy.h"
#include "import/printable.h"

namespace wherry::import {
namespace {

using base::fail;

constexpr std::string_view kSuffix = ".npy";

NamedTensors read_all(const ZipArchive& archive) {
  NamedTensors tensors;
  for (const ZipRecord& record : archive.records()) {
    if (!record.name.ends_with(kSuffix))
      fail<InvalidInput>("{}: record '{}' is no .npy array", archive.path(), printable(record.name));
    const std::string name = record.name.substr(0, record.name.size() - kSuffix.size());
    const Bytes bytes = archive.read(record.name, INT64_MAX);
    tensors.emplace_back(name, parse_npy(bytes, fmt::format("{}: {}", archive.path(), printable(record.name))));
  }
  return tensors;
}

/// A damaged .npz is a bad input, whereas the zip reader speaks of models.
template <typename Read>
NamedTensors as_input(Read read) {
  try {
    return read();
  } catch (const InvalidModel& error) {
    throw InvalidInput(error.what());
  }
}

/// The file being written; removed again unless it was finished.
class NpzWriter {
 public:
  explicit NpzWriter(const std::string& path) : path_(path), zip_(zipOpen64(path.c_str(), APPEND_STATUS_CREATE)) {
    if (!zip_) fail<InvalidInput>("{}: cannot be written", path_);
  }
  NpzWriter(const NpzWriter&) = delete;
  NpzWriter& operator=(const NpzWriter&) = delete;
  ~NpzWriter() {
    if (!zip_) return;
    zipClose(zip_, nullptr);
    std::remove(path_.c_str());
  }

  void add(const std::string& name, std::span<const std::byte> bytes) {
    zip_fileinfo info{};
    info.tmz_date = {0, 0, 0, 1, 0, 1980};  // no clock, so equal tensors make equal files
    constexpr int kStored = 0;
    constexpr int kZip64 = 1;
    bool good =
        zipOpenNewFileInZip64(zip_, name.c_str(), &info, nullptr, 0, nullptr, 0, nullptr, kStored, 0, kZip64) == ZIP_OK;
    constexpr std::size_t kPiece = std::size_t{1} << 30;
    while (good && !bytes.empty()) {
      const auto piece = bytes.first(std::min(bytes.size(), kPiece));
      good = zipWriteInFileInZip(zip_, piece.data(), static_cast<unsigned>(piece.size())) == ZIP_OK;
      bytes = bytes.subspan(piece.size());
    }
    if (!good || zipCloseFileInZip(zip_) != ZIP_OK) fail<InvalidInput>("{}: cannot be written", path_);
  }

  void finish() {
    const bool good = zipClose(std::exchange(zip_, nullptr), nullptr) == ZIP_OK;
    if (good) return;
    std::remove(path_.c_str());
    fail<InvalidInput>("{}: cannot be written", path_);
  }

 private:
  const std::string& path_;
  zipFile zip_;
};

}  // namespace

NamedTensors read_npz(const std::string& path) {
  return as_input([&] { return read_all(*ZipArchive::open(base::MappedFile::open(path), ZipArchive::Root::kKeep)); });
}

NamedTensors parse_npz(const Bytes& bytes, const std::string& what) {
  return as_input([&] { return read_all(*ZipArchive::open(what, bytes, ZipArchive::Root::kKeep)); });
}

void write_npz(const std::string& path, const NamedTensors& tensors) {
  std::set<std::string_view> names;
  for (const auto& [name, tensor] : tensors) {
    if (name.empty() || !names.insert(name).second)
      fail<InvalidInput>("{}: two arrays are named '{}', or one has no name", path, printable(name));
  }
  NpzWriter writer(path);
  for (const auto& [name, tensor] : tensors) writer.add(name + std::string(kSuffix), format_npy(tensor));
  writer.finish();
}

}  // namespace wherry::import
