#pragma once
// Which instructions this machine, its operating system and the user allow.

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

namespace wherry::base {

/// Instruction sets that kernels are written for, weakest first: a machine that has one has all before it.
enum class Isa : std::uint8_t { scalar, avx2, avx512, avx512_bf16, amx };

inline constexpr std::array kIsas = {Isa::scalar, Isa::avx2, Isa::avx512, Isa::avx512_bf16, Isa::amx};

/// "scalar", "avx2", "avx512", "avx512_bf16", "amx": the words WHERRY_FORCE_ISA accepts.
std::string_view name_of(Isa isa);

/// The set whose kernels compute in fp32 on a machine with `isa`: what avx512_bf16 and amx add is bf16 arithmetic.
constexpr Isa fp32_isa(Isa isa) { return isa > Isa::avx512 ? Isa::avx512 : isa; }

/// Whether `isa` multiplies bf16 numbers.
constexpr bool has_bf16(Isa isa) { return isa >= Isa::avx512_bf16; }

/// The strongest set that CPU and operating system (XCR0) support together.
///   avx2   = AVX2, FMA, F16C, BMI1, BMI2
///   avx512 = avx2 and AVX-512 F, BW, CD, DQ, VL
///   avx512_bf16 = avx512 and AVX-512 BF16
///   amx = avx512_bf16 and AMX TILE and BF16; Linux gives a process the tiles only when asked, and this asks
Isa detected_isa();

/// detected_isa(), or the set named by the environment variable WHERRY_FORCE_ISA.
/// Throws InvalidInput where that names no set, or one that this machine cannot run.
Isa selected_isa();

/// The set of that name. `origin` begins the message of the InvalidInput that selected_isa() throws too.
Isa isa_from_name(std::string_view name, std::string_view origin);

/// Every set up to `strongest` that can run here, weakest first: what tests iterate over.
std::vector<Isa> runnable_isas(Isa strongest = Isa::amx);

/// The CPU's own name, e.g. "AMD EPYC 9R45"; "unknown CPU" where it has none.
std::string_view cpu_name();

}  // namespace wherry::base
