#pragma once
// What the benches of the memory-bound kernels share: one line a case, best time of many runs.

#include <fmt/format.h>

#include <chrono>
#include <cstdint>
#include <string>

#include "base/aligned_buffer.h"

namespace wherry::kernels::bench {

/// `size` floats on a cache-line boundary, as tensors of a plan lie.
class Floats {
 public:
  explicit Floats(std::int64_t size, float value = 1)
      : bytes_(static_cast<std::size_t>(size) * sizeof(float)), size_(size) {
    for (std::int64_t i = 0; i < size; ++i) data()[i] = value;
  }
  float* data() { return reinterpret_cast<float*>(bytes_.data()); }
  std::int64_t size() const { return size_; }

 private:
  base::AlignedBuffer bytes_;
  std::int64_t size_;
};

/// Runs `body` for about 30 ms and prints microseconds of the best run and GB/s for `bytes` of traffic (what the kernel
/// must read plus what it must write, once).
template <typename Body>
void report(const std::string& name, std::int64_t bytes, Body&& body) {
  using Clock = std::chrono::steady_clock;
  const auto begin = Clock::now();
  double best = 1e9;
  do {
    const auto start = Clock::now();
    body();
    const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
    if (seconds < best) best = seconds;
  } while (Clock::now() - begin < std::chrono::milliseconds(30));
  fmt::print("{:<58} {:>9.2f} us {:>8.1f} GB/s\n", name, best * 1e6, static_cast<double>(bytes) / best * 1e-9);
}

}  // namespace wherry::kernels::bench
