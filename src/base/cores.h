#pragma once
// How many threads an inference should use: what the container and the scheduler really grant, not what the box has.

#include <string>
#include <string_view>

namespace wherry::base {

/// The smallest of: processors in the affinity mask; the quota of cgroup v2's cpu.max (or v1's cfs_quota), rounded up;
/// OMP_NUM_THREADS where it begins with a positive number (OpenMP takes a list, one number a level of nesting). At
/// least 1.
int usable_cores();

/// The smallest quota of a process's cgroup and of every parent of it, rounded up; 0 for none. `membership` is a file
/// like /proc/self/cgroup, `mount` the folder where cgroups are mounted (cgroup v2's tree, or v1's below cpu/). Inside
/// a container the membership may name folders that only the host sees; its own quota then stands at the mount itself.
int cores_in_cgroup(const std::string& membership, const std::string& mount);

/// The quota in a cgroup v2 `cpu.max` line ("150000 100000" → 2), 0 for "max". Malformed text is 0.
int cores_in_cpu_max(std::string_view line);

}  // namespace wherry::base
