#pragma once
// Where a figure was measured, and what the process has needed so far.

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace wherry::bench {

/// The most memory that was ever resident, in bytes, as Linux counts it (VmHWM). Files that are mapped count.
std::int64_t peak_memory_bytes();

/// Name and value of what a figure depends on: "cpu", "cores", "kernel", and those environment variables that wherry
/// obeys and that are set.
std::vector<std::pair<std::string, std::string>> environment();

/// What a figure from here may be compared by, on other machines.
struct Machine {
  std::string cpu;
  int cores = 0;                  ///< that this process may use
  std::string isa;                ///< the strongest of wherry's instruction sets
  std::int64_t memory_bytes = 0;  ///< of the machine
  std::optional<double>
      clock_mhz;  ///< the highest that the system names, or the present one; many virtual ones hide it
  std::string kernel;
  std::string instance;  ///< "c7g.4xlarge", where EC2's firmware says so
};
Machine machine();

/// The present time as "2026-11-27T09:30:00Z".
std::string date_now();

}  // namespace wherry::bench
