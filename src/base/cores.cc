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

int cores_in_cgroup(const std::string& membership, const std::string& mount) {
  std::ifstream file(membership);
  std::string line, v2, v1;  // paths below the mount, "" or "/a/b"
  while (std::getline(file, line)) {
    const auto first = line.find(':'), second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = "," + line.substr(first + 1, second - first - 1) + ",";
    std::string path = line.substr(second + 1);
    if (path == "/") path.clear();
    if (controllers == ",,") v2 = path;
    if (controllers.find(",cpu,") != std::string::npos) v1 = path;
  }
  int cores = 0;
  const auto consider = [&](int found) {
    if (found > 0) cores = cores == 0 ? found : std::min(cores, found);
  };
  const auto walk_up = [](std::string path, const auto& visit) {
    visit(path);
    while (!path.empty()) {
      path.resize(path.find_last_of('/') == std::string::npos ? 0 : path.find_last_of('/'));
      visit(path);
    }
  };
  walk_up(v2, [&](const std::string& path) { consider(cores_in_cpu_max(first_line(mount + path + "/cpu.max"))); });
  walk_up(v1, [&](const std::string& path) {
    const auto micros = parse_number(first_line(mount + "/cpu" + path + "/cpu.cfs_quota_us"));
    const auto period = parse_number(first_line(mount + "/cpu" + path + "/cpu.cfs_period_us"));
    if (micros && period) consider(quota(*micros, *period));
  });
  return cores;
}

int usable_cores() {
  int cores = affinity_cores();
  if (const int limit = cores_in_cgroup("/proc/self/cgroup", "/sys/fs/cgroup"); limit > 0)
    cores = std::min(cores, limit);
  if (const char* omp = std::getenv("OMP_NUM_THREADS")) {
    const std::string_view text(omp);
    const auto wanted = parse_number(text.substr(0, text.find(',')));
    if (wanted && *wanted > 0) cores = static_cast<int>(std::min<std::int64_t>(cores, *wanted));
  }
  return std::max(1, cores);
}

}  // namespace wherry::base
