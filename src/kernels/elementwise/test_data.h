#pragma once
// What the tests of the kernels beside matmul share: numbers to feed them, and memory that notices a write past its
// end.

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "base/cpu.h"

namespace wherry::kernels::test {

/// `size` elements of T between two stretches of a pattern; `offset` elements of misalignment.
template <typename T>
class Guarded {
 public:
  explicit Guarded(std::int64_t size, std::int64_t offset = 0)
      : bytes_(static_cast<std::size_t>(2 * kGuard + (size + offset) * std::int64_t{sizeof(T)}), kPattern),
        begin_(kGuard + offset * std::int64_t{sizeof(T)}),
        end_(begin_ + size * std::int64_t{sizeof(T)}) {}
  T* data() { return reinterpret_cast<T*>(bytes_.data() + begin_); }
  const T* data() const { return reinterpret_cast<const T*>(bytes_.data() + begin_); }
  T& operator[](std::int64_t i) { return data()[i]; }
  std::int64_t size() const { return (end_ - begin_) / std::int64_t{sizeof(T)}; }
  /// Whether everything outside of the elements is as it was.
  bool intact() const {
    const auto untouched = [](unsigned char byte) { return byte == kPattern; };
    return std::all_of(bytes_.begin(), bytes_.begin() + begin_, untouched) &&
           std::all_of(bytes_.begin() + end_, bytes_.end(), untouched);
  }
  /// Whether element i still holds the pattern.
  bool untouched(std::int64_t i) const {
    const auto* at = bytes_.data() + begin_ + i * std::int64_t{sizeof(T)};
    return std::all_of(at, at + sizeof(T), [](unsigned char byte) { return byte == kPattern; });
  }

 private:
  static constexpr std::int64_t kGuard = 128;
  static constexpr unsigned char kPattern = 0xA7;
  std::vector<unsigned char> bytes_;
  std::int64_t begin_, end_;
};

/// `size` elements of T that end where readable memory ends: a kernel that touches one byte more is killed.
template <typename T>
class PageEnd {
 public:
  explicit PageEnd(std::int64_t size) : bytes_(static_cast<std::size_t>(size) * sizeof(T)) {
    const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    whole_ = (bytes_ + page - 1) / page * page + page;
    base_ = static_cast<std::byte*>(mmap(nullptr, whole_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    if (base_ == MAP_FAILED || mprotect(base_ + whole_ - page, page, PROT_NONE) != 0) std::abort();
    data_ = reinterpret_cast<T*>(base_ + whole_ - page - bytes_);
    std::fill_n(data_, size, T{1});
  }
  PageEnd(const PageEnd&) = delete;
  PageEnd& operator=(const PageEnd&) = delete;
  ~PageEnd() { munmap(base_, whole_); }
  T* data() { return data_; }

 private:
  std::size_t bytes_, whole_;
  std::byte* base_;
  T* data_;
};

inline std::vector<float> normal_values(std::int64_t n, std::uint32_t seed, float scale = 1) {
  std::mt19937 random(seed);
  std::normal_distribution<float> distribution(0, scale);
  std::vector<float> values(static_cast<std::size_t>(n));
  for (float& value : values) value = distribution(random);
  return values;
}

/// Values at which functions are likely to be wrong.
inline std::vector<float> awkward_values() {
  constexpr float kInf = std::numeric_limits<float>::infinity();
  std::vector<float> values = {0.0f,       1e-45f,        1e-40f, 1.17549435e-38f,
                               1e-30f,     1e-8f,         1e-4f,  0.1f,
                               0.3465736f, 0.5f,          0.7f,   1.0f,
                               1.5f,       2.0f,          2.5f,   3.0f,
                               3.5f,       3.92f,         6.0f,   8.99f,
                               9.1f,       16.0f,         20.0f,  25.5f,
                               87.3f,      88.72f,        88.8f,  103.9f,
                               104.1f,     1e4f,          1e9f,   1e20f,
                               1e30f,      3.4028235e38f, kInf};
  for (std::size_t i = 0, n = values.size(); i < n; ++i) values.push_back(-values[i]);
  values.push_back(std::numeric_limits<float>::quiet_NaN());
  return values;
}

/// Distance in units of the last place of `expected`'s fp32 neighbourhood; 0 where both are NaN or equal.
inline double ulps(float actual, long double expected) {
  if (std::isnan(expected)) return std::isnan(actual) ? 0 : 1e9;
  const auto rounded = static_cast<float>(expected);
  if (actual == rounded) return 0;
  if (!std::isfinite(actual) || !std::isfinite(rounded)) return 1e9;
  const float magnitude = std::max(std::fabs(rounded), std::numeric_limits<float>::min());
  const double ulp = static_cast<double>(std::nextafter(magnitude, std::numeric_limits<float>::infinity())) - magnitude;
  return static_cast<double>(std::fabs(static_cast<long double>(actual) - expected) / (ulp > 0 ? ulp : 2e31));
}

}  // namespace wherry::kernels::test
