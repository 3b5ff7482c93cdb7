#include "base/aligned_buffer.h"

#include <cstdint>
#include <cstdlib>
#include <utility>

#include "base/check.h"

namespace wherry::base {

AlignedBuffer::AlignedBuffer(std::size_t bytes) : size_(bytes) {
  if (bytes == 0) return;
  constexpr std::size_t kLargest = std::size_t{1} << 46;
  constexpr std::size_t kPage = 4096;
  const std::size_t alignment = bytes >= kPage ? kPage : kAlignment;
  if (bytes <= kLargest)
    data_ = static_cast<std::byte*>(std::aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment));
  if (data_ == nullptr) fail<InvalidInput>("out of memory: {} bytes were asked for", bytes);
}

AlignedBuffer::AlignedBuffer(AlignedBuffer&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

AlignedBuffer& AlignedBuffer::operator=(AlignedBuffer&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

AlignedBuffer::~AlignedBuffer() { std::free(data_); }

}  // namespace wherry::base
