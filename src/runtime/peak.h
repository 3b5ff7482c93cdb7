#pragma once
// What this machine can do at most, measured: what the rates of a profile are compared with.

#include <string>

namespace wherry::runtime {

/// Of some threads together, each on a core of its own as far as there are so many.
struct Peak {
  int threads = 1;
  double fp32_gflops = 0;  ///< 10^9 fp32 operations a second in registers, a multiply-add counting two; 0 where unknown
  double bf16_gflops = 0;  ///< likewise of bf16; 0 where there are no such instructions
  double read_gb_per_s = 0;  ///< 10^9 bytes a second read from memory that no cache holds

  /// That of a step's precision: "bf16", else fp32's.
  double gflops(const std::string& precision) const { return precision == "bf16" ? bf16_gflops : fp32_gflops; }
};

/// Takes about half a second. `isa` by name: its arithmetic is what counts ("avx2" on a CPU with AVX-512). Throws
/// InvalidInput for one that is not there.
Peak measure_peak(const std::string& isa, int threads);

}  // namespace wherry::runtime
