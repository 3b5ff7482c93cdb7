#include "base/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/check.h"

namespace wherry::base {
namespace {

struct Descriptor {
  int fd;
  ~Descriptor() {
    if (fd >= 0) ::close(fd);
  }
};

}  // namespace

std::shared_ptr<const MappedFile> MappedFile::open(const std::string& path) {
  // O_NONBLOCK: opening a pipe that nobody writes must not wait; it is refused below.
  const Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  if (file.fd < 0) fail<InvalidInput>("{}: cannot open: {}", path, std::strerror(errno));
  struct stat status{};
  if (::fstat(file.fd, &status) != 0) fail<InvalidInput>("{}: cannot read: {}", path, std::strerror(errno));
  if (S_ISDIR(status.st_mode)) fail<InvalidInput>("{}: is a directory; a file is expected", path);
  if (!S_ISREG(status.st_mode)) fail<InvalidInput>("{}: is not a regular file", path);
  const auto size = static_cast<std::size_t>(status.st_size);
  std::span<const std::byte> bytes;
  if (size > 0) {
    void* address = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.fd, 0);
    if (address == MAP_FAILED) fail<InvalidInput>("{}: cannot map: {}", path, std::strerror(errno));
    bytes = {static_cast<const std::byte*>(address), size};
  }
  return std::shared_ptr<const MappedFile>(new MappedFile(path, bytes));
}

MappedFile::~MappedFile() {
  if (!bytes_.empty()) ::munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
}

void MappedFile::release(std::span<const std::byte> part) const {
  // A fault maps the whole block of pages around it that the system has at hand (Linux: fault_around_bytes, 64 KiB). So
  // whole blocks go, or small tensors would keep most of the file mapped.
  constexpr std::size_t kBlock = std::size_t{64} << 10;
  const auto offset = static_cast<std::size_t>(part.data() - bytes_.data());
  const std::size_t begin = offset / kBlock * kBlock;
  const std::size_t end = std::min((offset + part.size() + kBlock - 1) / kBlock * kBlock, bytes_.size());
  if (begin < end) ::madvise(const_cast<std::byte*>(bytes_.data()) + begin, end - begin, MADV_DONTNEED);
}

}  // namespace wherry::base
