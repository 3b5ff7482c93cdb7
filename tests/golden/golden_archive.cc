#include "golden_archive.h"

#include <minizip/unzip.h>
#include <minizip/zip.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>
#include <stdexcept>

#include "import/npy/npy.h"

namespace wherry::golden {
namespace {

namespace fs = std::filesystem;

std::uint64_t splitmix64(std::uint64_t z) {
  z += 0x9E3779B97F4A7C15u;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

[[noreturn]] void fail(const std::filesystem::path& path, const std::string& what) {
  throw std::runtime_error(path.string() + ": " + what);
}

/// Writes stored records whose data begin on 64-byte boundaries.
class AlignedZipWriter {
 public:
  explicit AlignedZipWriter(const std::filesystem::path& path) : path_(path) {
    fill_fopen64_filefunc(&functions_);
    functions_.opaque = this;
    functions_.zopen64_file = [](void* self, const void* name, int) -> void* {
      std::FILE* file = std::fopen(static_cast<const char*>(name), "w+b");
      static_cast<AlignedZipWriter*>(self)->file_ = file;
      return file;
    };
    zip_ = zipOpen2_64(path.c_str(), APPEND_STATUS_CREATE, nullptr, &functions_);
    if (zip_ == nullptr) fail(path, "cannot create");
  }
  AlignedZipWriter(const AlignedZipWriter&) = delete;
  AlignedZipWriter& operator=(const AlignedZipWriter&) = delete;
  ~AlignedZipWriter() {
    if (zip_ != nullptr) zipClose(zip_, nullptr);
  }

  void add(const std::string& name, const void* data, std::size_t size) {
    constexpr std::size_t kLocalHeader = 30, kZip64Field = 20, kFieldHeader = 4, kAlignment = 64;
    const auto position = static_cast<std::size_t>(ftello(file_));
    const std::size_t unpadded = position + kLocalHeader + name.size() + kFieldHeader + kZip64Field;
    const std::size_t padding = (kAlignment - unpadded % kAlignment) % kAlignment;
    std::string field = "FB";
    field += static_cast<char>(padding);
    field += '\0';
    field.append(padding, 'Z');
    zip_fileinfo info{};
    bool good = zipOpenNewFileInZip3_64(zip_, name.c_str(), &info, field.data(), static_cast<unsigned>(field.size()),
                                        nullptr, 0, nullptr, 0, 0, 0, -MAX_WBITS, DEF_MEM_LEVEL, Z_DEFAULT_STRATEGY,
                                        nullptr, 0, 1) == ZIP_OK;
    const char* at = static_cast<const char*>(data);
    for (std::size_t left = size; good && left > 0;) {
      const auto portion = static_cast<unsigned>(std::min<std::size_t>(left, std::size_t{1} << 28));
      good = zipWriteInFileInZip(zip_, at, portion) == ZIP_OK;
      at += portion;
      left -= portion;
    }
    if (!good || zipCloseFileInZip(zip_) != ZIP_OK) fail(path_, "cannot write " + name);
  }

  void close() {
    const int status = zipClose(zip_, nullptr);
    zip_ = nullptr;
    if (status != ZIP_OK) fail(path_, "cannot finish");
  }

 private:
  std::filesystem::path path_;
  zlib_filefunc64_def functions_{};
  std::FILE* file_ = nullptr;
  zipFile zip_ = nullptr;
};

}  // namespace

std::vector<std::pair<std::string, std::string>> read_records(const std::filesystem::path& path) {
  const std::unique_ptr<void, int (*)(void*)> zip(unzOpen64(path.c_str()), unzClose);
  if (!zip) fail(path, "is no zip file");
  std::vector<std::pair<std::string, std::string>> records;
  for (int more = unzGoToFirstFile(zip.get()); more == UNZ_OK; more = unzGoToNextFile(zip.get())) {
    unz_file_info64 info;
    char name[1024];
    unzGetCurrentFileInfo64(zip.get(), &info, name, sizeof(name), nullptr, 0, nullptr, 0);
    std::string data(info.uncompressed_size, '\0');
    if (unzOpenCurrentFile(zip.get()) != UNZ_OK ||
        unzReadCurrentFile(zip.get(), data.data(), static_cast<unsigned>(data.size())) !=
            static_cast<int>(data.size()) ||
        unzCloseCurrentFile(zip.get()) != UNZ_OK)
      fail(path, std::string("cannot read ") + name);
    records.emplace_back(name, std::move(data));
  }
  return records;
}

std::vector<float> uniform(std::uint64_t seed, std::int64_t count, double low, double high) {
  std::vector<float> values(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < values.size(); ++i)
    values[i] =
        static_cast<float>(low + (high - low) * (static_cast<double>(splitmix64((seed << 40) + i) >> 40) * 0x1p-24));
  return values;
}

Golden restore(const std::filesystem::path& golden, const std::filesystem::path& archive) {
  std::filesystem::create_directories(archive.parent_path());
  Golden result;
  nlohmann::json stripped;
  AlignedZipWriter writer(archive);
  for (const auto& [name, data] : read_records(golden)) {
    if (name == "stripped.json") {
      stripped = nlohmann::json::parse(data);
    } else if (name == "expected.npy") {
      const fs::path array = fs::path(archive).replace_extension(".expected.npy");
      std::ofstream(array, std::ios::binary) << data;
      result.expected = import::read_npy(array.string());
      fs::remove(array);
    } else if (name == "input_shape.txt") {
      std::istringstream text(data);
      for (std::int64_t size = 0; text >> size;) result.input_shape.push_back(size);
    } else {
      writer.add(name, data.data(), data.size());
    }
  }
  for (const auto& [name, spec] : stripped.items()) {
    const auto values = uniform(spec.at("seed"), spec.at("count"), spec.at("low"), spec.at("high"));
    writer.add(name, values.data(), values.size() * sizeof(float));
  }
  writer.close();
  return result;
}

}  // namespace wherry::golden
