// Linux's own accounts of the process and the machine.

#include "bench/environment.h"

#include <fmt/chrono.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cstdlib>
#include <ctime>
#include <fstream>

#include "base/check.h"
#include "base/cores.h"
#include "base/cpu.h"

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

std::string first_line(const char* path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

std::string kernel() {
  utsname name{};
  if (::uname(&name) != 0) return "";
  return std::string(name.sysname) + " " + name.release + " " + name.machine;
}

std::optional<double> clock_mhz() {
  double mhz = std::strtod(first_line("/sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq").c_str(), nullptr) / 1e3;
  if (mhz <= 0) mhz = std::strtod(field("/proc/cpuinfo", "cpu MHz").c_str(), nullptr);
  return mhz > 0 ? std::optional(mhz) : std::nullopt;
}

/// Nitro's firmware has the instance type for a product's name.
std::string ec2_instance() {
  if (first_line("/sys/devices/virtual/dmi/id/sys_vendor") != "Amazon EC2") return "";
  return first_line("/sys/devices/virtual/dmi/id/product_name");
}

}  // namespace

std::int64_t peak_memory_bytes() {
  const std::string kilobytes = field("/proc/self/status", "VmHWM");  // "12345 kB"
  if (kilobytes.empty()) base::fail<InvalidInput>("/proc/self/status: no line VmHWM; Linux's is expected");
  return std::strtoll(kilobytes.c_str(), nullptr, 10) * 1024;
}

std::vector<std::pair<std::string, std::string>> environment() {
  std::vector<std::pair<std::string, std::string>> found;
  found.emplace_back("cpu", base::cpu_name());
  found.emplace_back("cores", std::to_string(base::usable_cores()));
  found.emplace_back("kernel", kernel());
  for (const char* variable : {"DNNL_DEFAULT_FPMATH_MODE", "LRU_CACHE_CAPACITY", "OMP_NUM_THREADS",
                               "ONEDNN_DEFAULT_FPMATH_MODE", "THP_MEM_ALLOC_ENABLE", "WHERRY_FORCE_ISA",
                               "WHERRY_FP32_PARTS", "WHERRY_STRASSEN", "WHERRY_TUNING", "WHERRY_WINOGRAD"}) {
    if (const char* value = std::getenv(variable)) found.emplace_back(variable, value);
  }
  return found;
}

Machine machine() {
  Machine here;
  here.cpu = base::cpu_name();
  here.cores = base::usable_cores();
  here.isa = base::name_of(base::detected_isa());
  here.memory_bytes = static_cast<std::int64_t>(::sysconf(_SC_PHYS_PAGES)) * ::sysconf(_SC_PAGESIZE);
  here.clock_mhz = clock_mhz();
  here.kernel = kernel();
  here.instance = ec2_instance();
  return here;
}

std::string date_now() { return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr))); }

}  // namespace wherry::bench
