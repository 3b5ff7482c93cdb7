#include "base/aligned_buffer.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <utility>

#include "base/check.h"

namespace wherry::base {

namespace {

constexpr bool kHugePagesByDefault = true;

bool use_huge_pages() {
  static const bool use = [] {
    const char* value = std::getenv("THP_MEM_ALLOC_ENABLE");
    return (value == nullptr ? std::nullopt : huge_pages_wanted(value)).value_or(kHugePagesByDefault);
  }();
  return use;
}

std::byte* map(std::size_t bytes) {
  void* address = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return address == MAP_FAILED ? nullptr : static_cast<std::byte*>(address);
}

/// On a huge page's boundary: a mapping that is larger by one, its ends given back.
std::byte* map_huge(std::size_t bytes) {
  constexpr std::size_t kHuge = AlignedBuffer::kHugePageBytes;
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  const std::size_t used = (bytes + page - 1) / page * page;
  std::byte* const start = map(used + kHuge);
  if (start == nullptr) return map(bytes);
  const std::size_t skipped = (kHuge - reinterpret_cast<std::uintptr_t>(start) % kHuge) % kHuge;
  if (skipped > 0) ::munmap(start, skipped);
  ::munmap(start + skipped + used, kHuge - skipped);
  ::madvise(start + skipped, bytes / kHuge * kHuge, MADV_HUGEPAGE);  // where the system has none, nothing is lost
  return start + skipped;
}

std::byte* allocate(std::size_t bytes) {
  if (bytes >= AlignedBuffer::kMappedBytes) {
    return bytes >= AlignedBuffer::kHugePageBytes && use_huge_pages() ? map_huge(bytes) : map(bytes);
  }
  const auto rounded = (bytes + AlignedBuffer::kAlignment - 1) / AlignedBuffer::kAlignment * AlignedBuffer::kAlignment;
  return static_cast<std::byte*>(std::aligned_alloc(AlignedBuffer::kAlignment, rounded));
}

}  // namespace

std::optional<bool> huge_pages_wanted(std::string_view value) {
  if (value == "1") return true;
  if (value == "0") return false;
  return std::nullopt;
}

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
