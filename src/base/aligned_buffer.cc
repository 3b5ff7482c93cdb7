#include "base/aligned_buffer.h"

#include <sys/mman.h>

#include <cstdlib>
#include <utility>

#include "base/check.h"

namespace wherry::base {

namespace {

std::byte* allocate(std::size_t bytes) {
  if (bytes >= AlignedBuffer::kMappedBytes) {
    void* address = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return address == MAP_FAILED ? nullptr : static_cast<std::byte*>(address);
  }
  const auto rounded = (bytes + AlignedBuffer::kAlignment - 1) / AlignedBuffer::kAlignment * AlignedBuffer::kAlignment;
  return static_cast<std::byte*>(std::aligned_alloc(AlignedBuffer::kAlignment, rounded));
}

}  // namespace

AlignedBuffer::AlignedBuffer(std::size_t bytes) : size_(bytes) {
  if (bytes == 0) return;
  constexpr std::size_t kLargest = std::size_t{1} << 46;
  if (bytes <= kLargest) data_ = allocate(bytes);
  if (data_ == nullptr) fail<InvalidInput>("out of memory: {} bytes were asked for", bytes);
}

AlignedBuffer::AlignedBuffer(AlignedBuffer&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

AlignedBuffer& AlignedBuffer::operator=(AlignedBuffer&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

AlignedBuffer::~AlignedBuffer() {
  if (data_ == nullptr) return;
  if (size_ >= kMappedBytes)
    ::munmap(data_, size_);
  else
    std::free(data_);
}

}  // namespace wherry::base
