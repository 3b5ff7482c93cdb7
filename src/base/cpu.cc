#include "base/cpu.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <string>

#include "base/check.h"

#if defined(__x86_64__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#elif defined(__aarch64__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#endif

namespace wherry::base {

std::string_view name_of(Isa isa) {
  switch (isa) {
    case Isa::scalar: return "scalar";
    case Isa::avx2: return "avx2";
    case Isa::avx512: return "avx512";
    case Isa::avx512_bf16: return "avx512_bf16";
    case Isa::amx: return "amx";
    case Isa::neon: return "neon";
    case Isa::neon_bf16: return "neon_bf16";
    case Isa::sve: return "sve";
    case Isa::sve_bf16: return "sve_bf16";
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

/// The strongest set: each includes those before it.
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
#if !defined(WHERRY_EMULATE_AMX)
  if ((features & kAmx) != kAmx || (xcr0 & kTiles) != kTiles || !permit_amx()) return Isa::avx512_bf16;
#endif
  return Isa::amx;
}

bool probe(Isa isa) {
  static const Isa strongest = probe();
  return includes(strongest, isa);
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
#elif defined(__aarch64__)
namespace {

bool probe(Isa isa) {
  // Each feature has a bit of its own: that a CPU has BF16 says nothing of SVE's.
  const unsigned long caps = ::getauxval(AT_HWCAP), caps2 = ::getauxval(AT_HWCAP2);
  const bool neon = caps & HWCAP_ASIMD, sve = neon && (caps & HWCAP_SVE) && takes_sve_vectors_of(sve_bytes());
  const bool neon_bf16 = neon && (caps2 & HWCAP2_BF16);
  switch (isa) {
    case Isa::scalar: return true;
    case Isa::neon: return neon;
    case Isa::neon_bf16: return neon_bf16;
    case Isa::sve: return sve;
    case Isa::sve_bf16: return sve && neon_bf16 && (caps2 & HWCAP2_SVEBF16);
    default: return false;
  }
}

/// By implementer and part of MIDR_EL1, which Linux lets programs read (Documentation/arm64/cpu-feature-registers.rst).
std::string probe_name() {
  if ((::getauxval(AT_HWCAP) & HWCAP_CPUID) == 0) return "unknown CPU";
  std::uint64_t midr;
  __asm__("mrs %0, MIDR_EL1" : "=r"(midr));
  const unsigned implementer = midr >> 24 & 0xff, part = midr >> 4 & 0xfff;
  constexpr unsigned kArm = 0x41;
  struct Part {
    unsigned number;
    const char* name;
  };
  constexpr Part kParts[] = {{0xd08, "Cortex-A72"},  {0xd0c, "Neoverse N1"}, {0xd40, "Neoverse V1"},
                             {0xd49, "Neoverse N2"}, {0xd4f, "Neoverse V2"}, {0xd84, "Neoverse V3"}};
  for (const Part& each : kParts)
    if (implementer == kArm && part == each.number) return each.name;
  return fmt::format("AArch64 CPU of implementer {:#x}, part {:#x}", implementer, part);
}

}  // namespace
#else
namespace {
bool probe(Isa isa) { return isa == Isa::scalar; }
std::string probe_name() { return "unknown CPU"; }
}  // namespace
#endif

int sve_bytes() {
#if defined(__aarch64__)
  static const int state = ::prctl(PR_SVE_GET_VL);  // the length, with flags above it
  return state < 0 ? 0 : state & PR_SVE_VL_LEN_MASK;
#else
  return 0;
#endif
}

bool runs_here(Isa isa) { return probe(isa); }

Isa detected_isa() {
  static const Isa isa = [] {
    Isa best = Isa::scalar;
    for (const Isa each : kIsas)
      if (probe(each) && (has_bf16(each) || !has_bf16(best))) best = each;
    return best;
  }();
  return isa;
}

Isa isa_from_name(std::string_view name, std::string_view origin) {
  std::string wanted(name), known;
  std::replace(wanted.begin(), wanted.end(), '-', '_');
  for (const Isa isa : kIsas) {
    if (name_of(isa) != wanted) {
      known += (known.empty() ? "" : ", ") + std::string(name_of(isa));
      continue;
    }
    if (!runs_here(isa))
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

std::vector<Isa> runnable_isas() {
  std::vector<Isa> isas;
  std::copy_if(kIsas.begin(), kIsas.end(), std::back_inserter(isas), runs_here);
  return isas;
}

std::vector<Isa> runnable_fp32_isas() {
  std::vector<Isa> isas = runnable_isas();
  std::erase_if(isas, has_bf16);
  return isas;
}

std::string_view cpu_name() {
  static const std::string name = probe_name();
  return name;
}

}  // namespace wherry::base
