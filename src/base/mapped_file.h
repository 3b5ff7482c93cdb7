#pragma once
// A file mapped read-only into memory. Tensors borrow its bytes, so loading a model copies nothing.

#include <cstddef>
#include <memory>
#include <span>
#include <string>

namespace wherry::base {

class MappedFile {
 public:
  /// Throws InvalidInput naming the path and the system's reason (missing, a directory, no permission).
  static std::shared_ptr<const MappedFile> open(const std::string& path);

  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  ~MappedFile();

  const std::string& path() const { return path_; }
  std::span<const std::byte> bytes() const { return bytes_; }

  /// Tells the system that these bytes, which must lie within bytes(), will not be read soon: their pages, and their
  /// neighbours', leave this process's resident set and come back from the page cache when touched.
  void release(std::span<const std::byte> part) const;

 private:
  MappedFile(std::string path, std::span<const std::byte> bytes) : path_(std::move(path)), bytes_(bytes) {}
  std::string path_;
  std::span<const std::byte> bytes_;
};

}  // namespace wherry::base
