// Linux's own accounts of the process and the machine.

#include "bench/environment.h"

#include <sys/utsname.h>

#include <cstdlib>
#include <fstream>

#include "base/check.h"
#include "base/cores.h"

namespace wherry::bench {
namespace {

/// What follows "key" and a colon in a file of such lines, without the blanks around it; empty where there is none.
std::string field(const char* path, std::string_view key) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    const auto colon = line.find(':');
    if (colon == std::string::npos || line.substr(0, line.find_last_not_of(" \t", colon - 1) + 1) != key) continue;
    const auto begin = line.find_first_not_of(" \t", colon + 1);
    return begin == std::string::npos ? "" : line.substr(begin);
  }
  return {};
}

}  // namespace

std::int64_t peak_memory_bytes() {
  const std::string kilobytes = field("/proc/self/status", "VmHWM");  // "12345 kB"
  if (kilobytes.empty()) base::fail<InvalidInput>("/proc/self/status: no line VmHWM; Linux's is expected");
  return std::strtoll(kilobytes.c_str(), nullptr, 10) * 1024;
}

std::vector<std::pair<std::string, std::string>> environment() {
  std::vector<std::pair<std::string, std::string>> found;
  std::string cpu = field("/proc/cpuinfo", "model name");
  if (cpu.empty()) cpu = field("/proc/cpuinfo", "CPU part");  // Arm's kernels give no name
  found.emplace_back("cpu", cpu);
  found.emplace_back("cores", std::to_string(base::usable_cores()));
  if (utsname name{}; ::uname(&name) == 0)
    found.emplace_back("kernel", std::string(name.sysname) + " " + name.release + " " + name.machine);
  for (const char* variable : {"DNNL_DEFAULT_FPMATH_MODE", "LRU_CACHE_CAPACITY", "OMP_NUM_THREADS",
                               "ONEDNN_DEFAULT_FPMATH_MODE", "WHERRY_FORCE_ISA"}) {
    if (const char* value = std::getenv(variable)) found.emplace_back(variable, value);
  }
  return found;
}

}  // namespace wherry::bench
