#include "base/prefetch.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>

namespace wherry::base {

Prefetch::Prefetch(std::span<const std::byte> mapped) {
#if defined(MADV_POPULATE_READ)
  if (mapped.empty()) return;
  thread_ = std::jthread([mapped](const std::stop_token& stop) {
    // In steps, so that whoever ends this waits for milliseconds at most, even where the file is read from a disk.
    constexpr std::uintptr_t kStep = std::uintptr_t{1} << 20;
    const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
    const auto begin = reinterpret_cast<std::uintptr_t>(mapped.data());
    const std::uintptr_t end = begin + mapped.size();
    for (std::uintptr_t at = begin / page * page; at < end && !stop.stop_requested(); at += kStep) {
      if (::madvise(reinterpret_cast<void*>(at), std::min(kStep, end - at), MADV_POPULATE_READ) != 0) return;
    }
  });
#else
  static_cast<void>(mapped);
#endif
}

}  // namespace wherry::base
