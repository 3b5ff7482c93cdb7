#pragma once
// Owned memory on a cache-line boundary (page boundary when large), for tensors, arenas and packed weights. Large
// buffers are mapped on their own: a weight that is folded, packed and dropped goes back to the system at once, where a
// heap would keep the hole (ResNet-50's peak is 30 MB lower for it). The whole huge pages of a buffer are asked for as
// such: weights are read once an inference, and 4 KiB pages cost a look-up each.

#include <cstddef>
#include <optional>
#include <string_view>

namespace wherry::base {

/// Whether THP_MEM_ALLOC_ENABLE, the variable by which PyTorch asks for transparent huge pages in buffers of 2 MiB and
/// more, wants them: "1" or "0"; empty (ours to choose) for anything else.
std::optional<bool> huge_pages_wanted(std::string_view value);

class AlignedBuffer {
 public:
  static constexpr std::size_t kAlignment = 64;
  /// Buffers of at least this size are mapped; none under sanitizers, which watch the heap only.
#if defined(WHERRY_SANITIZER)
  static constexpr std::size_t kMappedBytes = std::size_t{1} << 50;
#else
  static constexpr std::size_t kMappedBytes = std::size_t{256} << 10;
#endif

  /// The huge page of x86-64, and of AArch64 with 4 KiB pages. A buffer this large begins on such a boundary, and only
  /// the pages that it fills are made huge: memory does not grow for it.
  static constexpr std::size_t kHugePageBytes = std::size_t{2} << 20;

  AlignedBuffer() = default;
  /// Uninitialised. Throws InvalidInput naming the size where the system has no such memory.
  explicit AlignedBuffer(std::size_t bytes);
  AlignedBuffer(AlignedBuffer&& other) noexcept;
  AlignedBuffer& operator=(AlignedBuffer&& other) noexcept;
  ~AlignedBuffer();

  std::byte* data() { return data_; }
  const std::byte* data() const { return data_; }
  std::size_t size() const { return size_; }

 private:
  std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace wherry::base
