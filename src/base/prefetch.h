#pragma once
// Maps the pages of a file while something else is being done: touched one by one later, each costs a page fault.

#include <cstddef>
#include <span>
#include <thread>

namespace wherry::base {

class Prefetch {
 public:
  Prefetch() = default;
  /// Begins with the pages of `mapped`, which must stay mapped as long as this object lives. What the system cannot do
  /// in advance (before Linux 5.14) is left to page faults.
  explicit Prefetch(std::span<const std::byte> mapped);
  /// Ends early where it is not done.
  ~Prefetch() = default;

 private:
  std::jthread thread_;
};

}  // namespace wherry::base
