#pragma once
// Which instructions this machine, its operating system and the user allow.

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

namespace wherry::base {

/// Instruction sets that kernels are written for, weakest first: a machine that has one has all before it.
enum class Isa : std::uint8_t { scalar, avx2, avx512 };

inline constexpr std::array kIsas = {Isa::scalar, Isa::avx2, Isa::avx512};

/// "scalar", "avx2", "avx512": the words WHERRY_FORCE_ISA accepts.
std::string_view name_of(Isa isa);

/// The strongest set that CPU and operating system (XCR0) support together.
///   avx2   = AVX2, FMA, F16C, BMI1, BMI2
///   avx512 = avx2 and AVX-512 F, BW, CD, DQ, VL
Isa detected_isa();

/// detected_isa(), or the set named by the environment variable WHERRY_FORCE_ISA.
/// Throws InvalidInput where that names no set, or one that this machine cannot run.
Isa selected_isa();

/// Every set that can run here, weakest first: what tests iterate over.
std::vector<Isa> runnable_isas();

/// The CPU's own name, e.g. "AMD EPYC 9R45"; "unknown CPU" where it has none.
std::string_view cpu_name();

}  // namespace wherry::base
