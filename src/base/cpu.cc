#include "base/cpu.h"

#include <cstdlib>
#include <cstring>
#include <string>

#include "base/check.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace wherry::base {

std::string_view name_of(Isa isa) {
  switch (isa) {
    case Isa::scalar: return "scalar";
    case Isa::avx2: return "avx2";
    case Isa::avx512: return "avx512";
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
  return Isa::avx512;
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

Isa selected_isa() {
  const char* forced = std::getenv("WHERRY_FORCE_ISA");
  if (forced == nullptr || *forced == '\0') return detected_isa();
  std::string known;
  for (const Isa isa : kIsas) {
    if (name_of(isa) != forced) {
      known += (known.empty() ? "" : ", ") + std::string(name_of(isa));
      continue;
    }
    if (isa > detected_isa())
      fail<InvalidInput>("WHERRY_FORCE_ISA={}: this machine ({}) cannot run it; its strongest is {}", forced,
                         cpu_name(), name_of(detected_isa()));
    return isa;
  }
  fail<InvalidInput>("WHERRY_FORCE_ISA={}: no such instruction set; known: {}", forced, known);
}

std::vector<Isa> runnable_isas() {
  std::vector<Isa> isas;
  for (const Isa isa : kIsas)
    if (isa <= detected_isa()) isas.push_back(isa);
  return isas;
}

std::string_view cpu_name() {
  static const std::string name = probe_name();
  return name;
}

}  // namespace wherry::base
