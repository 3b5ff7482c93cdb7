#pragma once
// What the values of one pickle may take in all. Two bytes can fetch a long string from the memo and three can copy a
// long list, so the length of a pickle says nothing about what it builds.

#include <cstddef>
#include <string>

#include "base/check.h"

namespace wherry::import {

class MemoryBudget {
 public:
  explicit MemoryBudget(std::string what) : what_(std::move(what)) {}

  /// Counts `bytes` of memory, or of work of that size; nothing is ever given back. Throws InvalidModel when it is used
  /// up.
  void charge(std::size_t bytes) {
    if (bytes > kLimit - used_)
      base::fail<InvalidModel>("{}: the values of the pickle need more than {} MiB, far beyond any model's; refused",
                               what_, kLimit >> 20);
    used_ += bytes;
  }

 private:
  /// The data.pkl of a large model uses about a hundredth of it.
  static constexpr std::size_t kLimit = std::size_t{512} << 20;
  std::string what_;
  std::size_t used_ = 0;
};

}  // namespace wherry::import
