#pragma once
// How many threads an inference should use: what the container and the scheduler really grant, not what the box has.

#include <string_view>

namespace wherry::base {

/// The smallest of: processors in the affinity mask; the quota of cgroup v2's cpu.max (or v1's cfs_quota), rounded up;
/// OMP_NUM_THREADS where it is a positive number. At least 1.
int usable_cores();

/// The quota in a cgroup v2 `cpu.max` line ("150000 100000" → 2), 0 for "max". Malformed text is 0.
int cores_in_cpu_max(std::string_view line);

}  // namespace wherry::base
