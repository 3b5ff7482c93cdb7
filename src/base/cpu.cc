#include "base/cpu.h"

#include <cstdlib>
#include <cstring>
#include <string>

#include "base/check.h"

#if defined(__x86_64__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace wherry::base {

std::string_view name_of(Isa isa) {
  switch (isa) {
    case Isa::scalar: return "scalar";
    case Isa::avx2: return "avx2";
    case Isa::avx512: return "avx512";
    case Isa::avx512_bf16: return "avx512_bf16";
    case Isa::amx: return "amx";
  }
  return "?";
}

#if defined(__x86_64__)
namespace {

std::uint64_t read_xcr0() {
  std::uint32_t eax, edx;
  __asm__ volatile("xgetbv" : "=a"(eax), "=d"(edx) : "c"(0));
  return (static_cast<std::uint64_t>(edx) << 32) | eax;
}

/// Asks Linux to save and restore this process's tile registers (arch/x86/include/uapi/asm/prctl.h).
bool permit_amx() {
  constexpr int kArchReqXcompPerm = 0x1023;
  constexpr int kXfeatureXtiledata = 18;
  return ::syscall(SYS_arch_prctl, kArchReqXcompPerm, kXfeatureXtiledata) == 0;
}

Isa probe() {
  std::uint32_t a, b, c, d;
  if (!__get_cpuid(1, &a, &b, &c, &d)) return Isa::scalar;
  const bool osxsave = c & bit_OSXSAVE;
  const bool fma = c & bit_FMA;
  const bool f16c = c & bit_F16C;
  if (!osxsave || !fma || !f16c) return Isa::scalar;
  const std::uint64_t xcr0 = read_xcr0();
  constexpr std::uint64_t kYmm = 0x6;
  constexpr std::uint64_t kZmm = 0xe6;
  if ((xcr0 & kYmm) != kYmm) return Isa::scalar;
  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return Isa::scalar;
  constexpr std::uint32_t kAvx2 = bit_AVX2 | bit_BMI | bit_BMI2;
  if ((b & kAvx2) != kAvx2) return Isa::scalar;
  constexpr std::uint32_t kAvx512 = bit_AVX512F | bit_AVX512BW | bit_AVX512CD | bit_AVX512DQ | bit_AVX512VL;
  if ((xcr0 & kZmm) != kZmm || (b & kAvx512) != kAvx512) return Isa::avx2;
  const std::uint32_t features = d;  // of leaf 7.0
  constexpr std::uint32_t kAvx512Bf16 = 1u << 5;
  if (!__get_cpuid_count(7, 1, &a, &b, &c, &d) || (a & kAvx512Bf16) == 0) return Isa::avx512;
  constexpr std::uint32_t kAmx = (1u << 22) | (1u << 24);  // AMX-BF16, AMX-TILE
  constexpr std::uint64_t kTiles = 0x60000;                // XTILECFG, XTILEDATA
  if ((features & kAmx) != kAmx || (xcr0 & kTiles) != kTiles || !permit_amx()) return Isa::avx512_bf16;
  return Isa::amx;
}

std::string probe_name() {
  std::uint32_t regs[12];
  if (__get_cpuid_max(0x80000000u, nullptr) < 0x80000004u) return "unknown CPU";
  for (std::uint32_t i = 0; i < 3; ++i)
    __get_cpuid(0x80000002u + i, &regs[4 * i], &regs[4 * i + 1], &regs[4 * i + 2], &regs[4 * i + 3]);
  char text[sizeof(regs) + 1] = {};
  std::memcpy(text, regs, sizeof(regs));
  std::string name(text);
  const auto first = name.find_first_not_of(' ');
  if (first == std::string::npos) return "unknown CPU";
  return name.substr(first, name.find_last_not_of(' ') - first + 1);
}

}  // namespace
#else
namespace {
Isa probe() { return Isa::scalar; }
std::string probe_name() { return "unknown CPU"; }
}  // namespace
#endif

Isa detected_isa() {
  static const Isa isa = probe();
  return isa;
}

Isa isa_from_name(std::string_view name, std::string_view origin) {
  std::string known;
  for (const Isa isa : kIsas) {
    if (name_of(isa) != name) {
      known += (known.empty() ? "" : ", ") + std::string(name_of(isa));
      continue;
    }
    if (isa > detected_isa())
      fail<InvalidInput>("{}{}: this machine ({}) cannot run it; its strongest is {}", origin, name, cpu_name(),
                         name_of(detected_isa()));
    return isa;
  }
  fail<InvalidInput>("{}{}: no such instruction set; known: {}", origin, name, known);
}

Isa selected_isa() {
  const char* forced = std::getenv("WHERRY_FORCE_ISA");
  if (forced == nullptr || *forced == '\0') return detected_isa();
  return isa_from_name(forced, "WHERRY_FORCE_ISA=");
}

std::vector<Isa> runnable_isas(Isa strongest) {
  std::vector<Isa> isas;
  for (const Isa isa : kIsas)
    if (isa <= detected_isa() && isa <= strongest) isas.push_back(isa);
  return isas;
}

std::string_view cpu_name() {
  static const std::string name = probe_name();
  return name;
}

}  // namespace wherry::base
