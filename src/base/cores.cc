#include "base/cores.h"

#include <sched.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <string>

namespace wherry::base {
namespace {

std::optional<std::int64_t> parse_number(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::string first_line(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

int quota(std::int64_t micros, std::int64_t period) {
  if (micros <= 0 || period <= 0) return 0;
  return static_cast<int>(std::min<std::int64_t>((micros + period - 1) / period, 1 << 16));
}

/// The quota of this process's cgroup and of every parent of it, the smallest; 0 for none.
int cgroup_cores() {
  std::ifstream file("/proc/self/cgroup");
  std::string line, path;
  while (std::getline(file, line))
    if (line.rfind("0::", 0) == 0) path = line.substr(3);
  int cores = 0;
  auto consider = [&](int found) {
    if (found > 0) cores = cores == 0 ? found : std::min(cores, found);
  };
  for (;; path.resize(path.find_last_of('/'))) {
    if (path == "/") path.clear();
    consider(cores_in_cpu_max(first_line("/sys/fs/cgroup" + path + "/cpu.max")));
    if (path.find('/') == std::string::npos) break;
  }
  const auto v1 = parse_number(first_line("/sys/fs/cgroup/cpu/cpu.cfs_quota_us"));
  const auto period = parse_number(first_line("/sys/fs/cgroup/cpu/cpu.cfs_period_us"));
  if (v1 && period) consider(quota(*v1, *period));
  return cores;
}

int affinity_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof(set), &set) != 0) return 1;
  return std::max(1, CPU_COUNT(&set));
}

}  // namespace

int cores_in_cpu_max(std::string_view line) {
  const auto space = line.find(' ');
  if (space == std::string_view::npos) return 0;
  const auto micros = parse_number(line.substr(0, space));
  const auto period = parse_number(line.substr(space + 1));
  return micros && period ? quota(*micros, *period) : 0;
}

int usable_cores() {
  int cores = affinity_cores();
  if (const int limit = cgroup_cores(); limit > 0) cores = std::min(cores, limit);
  if (const char* omp = std::getenv("OMP_NUM_THREADS")) {
    const auto wanted = parse_number(omp);
    if (wanted && *wanted > 0) cores = static_cast<int>(std::min<std::int64_t>(cores, *wanted));
  }
  return std::max(1, cores);
}

}  // namespace wherry::base
