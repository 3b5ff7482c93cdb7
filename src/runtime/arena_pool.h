#pragma once
// The memory that runs work in, kept between runs so that an inference neither allocates nor faults pages in.

#include <cstddef>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "base/aligned_buffer.h"

namespace wherry::runtime {

/// As many arenas as there ever were runs at the same time; plans of all shapes share them. Must outlive its leases.
class ArenaPool {
 public:
  /// An arena that goes back to the pool when destroyed.
  class Lease {
   public:
    Lease(ArenaPool& pool, base::AlignedBuffer buffer) : pool_(&pool), buffer_(std::move(buffer)) {}
    Lease(Lease&& other) noexcept : pool_(std::exchange(other.pool_, nullptr)), buffer_(std::move(other.buffer_)) {}
    Lease& operator=(Lease&&) = delete;
    ~Lease();
    std::byte* data() { return buffer_.data(); }

   private:
    ArenaPool* pool_;
    base::AlignedBuffer buffer_;
  };

  /// At least `bytes`. A larger one than any kept replaces one that is kept.
  Lease take(std::size_t bytes);

  /// Bytes of the arenas not in use.
  std::size_t idle_bytes() const;

 private:
  mutable std::mutex mutex_;
  std::vector<base::AlignedBuffer> idle_;
};

}  // namespace wherry::runtime
