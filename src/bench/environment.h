#pragma once
// Where a figure was measured, and what the process has needed so far.

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace wherry::bench {

/// The most memory that was ever resident, in bytes, as Linux counts it (VmHWM). Files that are mapped count.
std::int64_t peak_memory_bytes();

/// Name and value of what a figure depends on: "cpu", "cores", "kernel", and those environment variables that wherry
/// obeys and that are set.
std::vector<std::pair<std::string, std::string>> environment();

}  // namespace wherry::bench
