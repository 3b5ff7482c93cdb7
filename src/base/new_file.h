#pragma once
// A file that appears whole or not at all: it is written beside its place under another name, and renamed at the end.
// Whoever maps the old one keeps it.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace wherry::base {

class NewFile {
 public:
  /// Begins the file; what stands at `path` stays until commit(). Throws InvalidInput naming path and reason.
  explicit NewFile(std::string path);
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;
  /// Leaves nothing behind where commit() was not reached.
  ~NewFile();

  /// Appends. Throws InvalidInput where the system cannot take it (disk full).
  void write(std::span<const std::byte> bytes);
  /// Appends zeros up to `offset`, which must not lie before the end.
  void fill(std::uint64_t offset);
  /// Makes the file durable and visible under its name.
  void commit();

 private:
  [[noreturn]] void cannot_write(int error) const;

  std::string path_;
  std::string temporary_;
  int descriptor_ = -1;
  std::uint64_t size_ = 0;
};

/// The file with these bytes, all at once. Throws as NewFile.
void write_file(std::string path, std::string_view bytes);

}  // namespace wherry::base
