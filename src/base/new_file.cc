#include "base/new_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include "base/check.h"

namespace wherry::base {

NewFile::NewFile(std::string path) : path_(std::move(path)) {
  struct stat status{};
  if (::stat(path_.c_str(), &status) == 0 && !S_ISREG(status.st_mode))
    fail<InvalidInput>("{}: cannot write: it is {}", path_,
                       S_ISDIR(status.st_mode) ? "a directory" : "no regular file");
  static std::atomic<unsigned> number{0};
  temporary_ = fmt::format("{}.{}-{}.tmp", path_, ::getpid(), number++);
  descriptor_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (descriptor_ < 0) cannot_write(errno);
}

NewFile::~NewFile() {
  if (descriptor_ < 0) return;
  ::close(descriptor_);
  ::unlink(temporary_.c_str());
}

void NewFile::cannot_write(int error) const { fail<InvalidInput>("{}: cannot write: {}", path_, std::strerror(error)); }

void NewFile::write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const auto written = ::write(descriptor_, bytes.data(), std::min(bytes.size(), std::size_t{1} << 30));
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) cannot_write(written < 0 ? errno : ENOSPC);
    bytes = bytes.subspan(static_cast<std::size_t>(written));
    size_ += static_cast<std::uint64_t>(written);
  }
}

void NewFile::fill(std::uint64_t offset) {
  static constexpr std::array<std::byte, 4096> kZeros{};
  WHERRY_CHECK(offset >= size_);
  while (size_ < offset)
    write(std::span(kZeros).first(static_cast<std::size_t>(std::min<std::uint64_t>(offset - size_, kZeros.size()))));
}

void NewFile::commit() {
  if (::fsync(descriptor_) != 0) cannot_write(errno);
  const int closed = ::close(descriptor_);
  descriptor_ = -1;
  if (closed != 0 || std::rename(temporary_.c_str(), path_.c_str()) != 0) {
    const int error = errno;
    ::unlink(temporary_.c_str());
    cannot_write(error);
  }
}

void write_file(std::string path, std::string_view bytes) {
  NewFile file(std::move(path));
  file.write(std::as_bytes(std::span(bytes)));
  file.commit();
}

}  // namespace wherry::base
