#pragma once
// Which instructions this machine, its operating system and the user allow.

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

namespace wherry::base {

/// Instruction sets that kernels are written for, each family from its weakest to its strongest.
///   avx2   = AVX2, FMA, F16C, BMI1, BMI2
///   avx512 = avx2 and AVX-512 F, BW, CD, DQ, VL
///   avx512_bf16 = avx512 and AVX-512 BF16
///   amx = avx512_bf16 and AMX TILE and BF16; Linux gives a process the tiles only when asked, and detection asks
///   neon = Advanced SIMD, which every AArch64 CPU has
///   neon_bf16 = neon and BF16
///   sve = neon and SVE, of vectors that takes_sve_vectors_of() accepts
///   sve_bf16 = sve, neon_bf16 and BF16 of SVE: a CPU may have bf16 arithmetic on NEON alone
enum class Isa : std::uint8_t { scalar, avx2, avx512, avx512_bf16, amx, neon, neon_bf16, sve, sve_bf16 };

inline constexpr std::array kIsas = {Isa::scalar, Isa::avx2,      Isa::avx512, Isa::avx512_bf16, Isa::amx,
                                     Isa::neon,   Isa::neon_bf16, Isa::sve,    Isa::sve_bf16};

/// The enumerators' own names: the words WHERRY_FORCE_ISA accepts, where neon-bf16 may be written for neon_bf16.
std::string_view name_of(Isa isa);

/// Whether a machine that has `isa` has `part` too.
constexpr bool includes(Isa isa, Isa part) {
  if (part == Isa::scalar || part == isa) return true;
  if (isa <= Isa::amx || part <= Isa::amx) return part < isa && isa <= Isa::amx;
  return part == Isa::neon || isa == Isa::sve_bf16;
}

/// The set whose kernels compute in fp32 on a machine with `isa`: what the others add is bf16 arithmetic.
constexpr Isa fp32_isa(Isa isa) {
  switch (isa) {
    case Isa::avx512_bf16:
    case Isa::amx: return Isa::avx512;
    case Isa::neon_bf16: return Isa::neon;
    case Isa::sve_bf16: return Isa::sve;
    default: return isa;
  }
}

/// Whether `isa` multiplies bf16 numbers.
constexpr bool has_bf16(Isa isa) { return fp32_isa(isa) != isa; }

/// Whether CPU and operating system (XCR0, HWCAP) support all of `isa` together.
bool runs_here(Isa isa);

/// The strongest set that runs here. bf16 counts for more than SVE, where a machine has no SVE bf16.
Isa detected_isa();

/// detected_isa(), or the set named by the environment variable WHERRY_FORCE_ISA.
/// Throws InvalidInput where that names no set, or one that this machine cannot run.
Isa selected_isa();

/// The set of that name. `origin` begins the message of the InvalidInput that selected_isa() throws too.
Isa isa_from_name(std::string_view name, std::string_view origin);

/// Every set that can run here, weakest first: what tests iterate over.
std::vector<Isa> runnable_isas();
/// Those of them that have kernels of fp32 of their own.
std::vector<Isa> runnable_fp32_isas();

/// Bytes of a vector of SVE on this machine; 0 where there is no SVE.
int sve_bytes();

/// Whether kernels are written for SVE's vectors of so many bytes: whole ones fill 16 columns of packed weights, and
/// none longer than 512 bits have been built.
constexpr bool takes_sve_vectors_of(int bytes) { return bytes == 16 || bytes == 32 || bytes == 64; }

/// The CPU's own name, e.g. "AMD EPYC 9R45"; "unknown CPU" where it has none.
std::string_view cpu_name();

}  // namespace wherry::base
